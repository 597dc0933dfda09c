/* SPDX-License-Identifier: MIT
 *
 * The CPU described in the form of Linux' /proc/cpuinfo, and its random instruction.
 */
#include "arch/cpuid.h"
#include "arch/cpu.h"
#include "arch/pkey.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/drivers/clock/tsc.h"
#include "lib/fmt.h"
#include "lib/string.h"

struct flag {
    u8 reg; /* FLAGS_...: which register holds it */
    u8 bit;
    char name[13];
};

enum { FLAGS_1D, FLAGS_1C, FLAGS_7B, FLAGS_7C, FLAGS_XD, FLAGS_XC, FLAGS_REGS };

static const struct flag flags[] = {
    {FLAGS_1D, 0, "fpu"},       {FLAGS_1D, 1, "vme"},         {FLAGS_1D, 2, "de"},
    {FLAGS_1D, 3, "pse"},       {FLAGS_1D, 4, "tsc"},         {FLAGS_1D, 5, "msr"},
    {FLAGS_1D, 6, "pae"},       {FLAGS_1D, 7, "mce"},         {FLAGS_1D, 8, "cx8"},
    {FLAGS_1D, 9, "apic"},      {FLAGS_1D, 11, "sep"},        {FLAGS_1D, 12, "mtrr"},
    {FLAGS_1D, 13, "pge"},      {FLAGS_1D, 14, "mca"},        {FLAGS_1D, 15, "cmov"},
    {FLAGS_1D, 16, "pat"},      {FLAGS_1D, 19, "clflush"},    {FLAGS_1D, 23, "mmx"},
    {FLAGS_1D, 24, "fxsr"},     {FLAGS_1D, 25, "sse"},        {FLAGS_1D, 26, "sse2"},
    {FLAGS_XD, 11, "syscall"},  {FLAGS_XD, 20, "nx"},         {FLAGS_XD, 26, "pdpe1gb"},
    {FLAGS_XD, 27, "rdtscp"},   {FLAGS_XD, 29, "lm"},         {FLAGS_1C, 0, "pni"},
    {FLAGS_1C, 1, "pclmulqdq"}, {FLAGS_1C, 9, "ssse3"},       {FLAGS_1C, 12, "fma"},
    {FLAGS_1C, 13, "cx16"},     {FLAGS_1C, 19, "sse4_1"},     {FLAGS_1C, 20, "sse4_2"},
    {FLAGS_1C, 22, "movbe"},    {FLAGS_1C, 23, "popcnt"},     {FLAGS_1C, 25, "aes"},
    {FLAGS_1C, 26, "xsave"},    {FLAGS_1C, 28, "avx"},        {FLAGS_1C, 29, "f16c"},
    {FLAGS_1C, 30, "rdrand"},   {FLAGS_1C, 31, "hypervisor"}, {FLAGS_XC, 0, "lahf_lm"},
    {FLAGS_XC, 5, "abm"},       {FLAGS_7B, 3, "bmi1"},        {FLAGS_7B, 5, "avx2"},
    {FLAGS_7B, 7, "smep"},      {FLAGS_7B, 8, "bmi2"},        {FLAGS_7B, 9, "erms"},
    {FLAGS_7B, 18, "rdseed"},   {FLAGS_7B, 19, "adx"},        {FLAGS_7B, 20, "smap"},
    {FLAGS_7C, 2, "umip"},      {FLAGS_7C, 3, "pku"},         {FLAGS_7C, 4, "ospke"},
};

/* Appends formatted text to what is there already; the end is never passed. */
#define APPEND(...)                                                    \
    do {                                                               \
        if (n < size)                                                  \
            n += (size_t)fmt_snprintf(buf + n, size - n, __VA_ARGS__); \
    } while (0)

static size_t append_flags(char *buf, size_t size, size_t n)
{
    u32 reg[FLAGS_REGS] = {0};
    struct cpuid_regs r = cpuid(1, 0);

    reg[FLAGS_1D] = r.edx;
    reg[FLAGS_1C] = r.ecx;
    if (cpu_features.max_leaf >= 7) {
        r = cpuid(7, 0);
        reg[FLAGS_7B] = r.ebx;
        reg[FLAGS_7C] = r.ecx;
    }
    r = cpuid(0x80000001, 0);
    reg[FLAGS_XD] = r.edx;
    reg[FLAGS_XC] = r.ecx;
    if (!cpu_features.xsave) /* hidden from programs too: OSXSAVE is off */
        reg[FLAGS_1C] &= ~(1u << 28 | 1u << 26);
    if (!keys_on)
        reg[FLAGS_7C] &= ~(1u << 3);
    for (u32 i = 0; i < ARRAY_SIZE(flags); i++) {
        if (reg[flags[i].reg] >> flags[i].bit & 1)
            APPEND(" %s", flags[i].name);
    }
    return n;
}

static void vendor_name(char out[13])
{
    struct cpuid_regs r = cpuid(0, 0);

    memcpy(out, &r.ebx, 4);
    memcpy(out + 4, &r.edx, 4);
    memcpy(out + 8, &r.ecx, 4);
    out[12] = '\0';
}

static void model_name(char out[49])
{
    memset(out, 0, 49);
    if (cpuid(0x80000000, 0).eax < 0x80000004)
        return;
    for (u32 i = 0; i < 3; i++) {
        struct cpuid_regs r = cpuid(0x80000002 + i, 0);

        memcpy(out + 16 * i, &r, sizeof(r));
    }
}

int cpu_describe(u32 id, char *buf, size_t size)
{
    char vendor[13], model[49];
    u32 sig = cpuid(1, 0).eax;
    u32 family = sig >> 8 & 15, model_no = sig >> 4 & 15;
    u64 khz = tsc_khz();
    u32 phys_bits = 36, virt_bits = 48;
    size_t n = 0;

    if (size == 0)
        return 0;
    vendor_name(vendor);
    model_name(model);
    if (family == 6 || family == 15)
        model_no |= (sig >> 16 & 15) << 4;
    if (family == 15)
        family += sig >> 20 & 0xff;
    if (cpuid(0x80000000, 0).eax >= 0x80000008) {
        u32 sizes = cpuid(0x80000008, 0).eax;

        phys_bits = sizes & 0xff;
        virt_bits = sizes >> 8 & 0xff;
    }
    APPEND("processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n", id,
           vendor, family, model_no);
    APPEND("model name\t: %s\nstepping\t: %u\ncpu MHz\t\t: %lu.%03lu\n", model, sig & 15,
           khz / 1000, khz % 1000);
    APPEND("physical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\n",
           cpu_count, id, cpu_count);
    APPEND("fpu\t\t: yes\ncpuid level\t: %u\nwp\t\t: yes\nflags\t\t:",
           cpu_features.max_leaf);
    n = append_flags(buf, size, n);
    APPEND("\nclflush size\t: %u\naddress sizes\t: %u bits physical, %u bits virtual\n\n",
           (cpuid(1, 0).ebx >> 8 & 0xff) * 8, phys_bits, virt_bits);
    return (int)MIN(n, size - 1);
}

bool cpu_random(void *buf, size_t n)
{
    u8 *p = buf;

    if (!cpu_features.rdrand)
        return false;
    while (n) {
        u64 word;
        bool ok = false;
        size_t part = MIN(n, sizeof(word));

        for (int tries = 0; tries < 10 && !ok; tries++)
            __asm__ volatile("rdrand %0; setc %1" : "=r"(word), "=qm"(ok)::"cc");
        if (!ok)
            return false;
        memcpy(p, &word, part);
        p += part;
        n -= part;
    }
    return true;
}
