/* SPDX-License-Identifier: MIT
 *
 * CPUID, asked once for each CPU: no control register bit or MSR that the CPU lacks is ever written.
 */
#include "arch/x86_64/cpu/features.h"
#include "arch/mmu.h"
#include "arch/pkey.h"
#include "arch/time.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/fpu.h"
#include "arch/x86_64/cpu/gdt.h"
#include "lib/assert.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/string.h"

#define BIT(reg, n) (((reg) >> (n)) & 1)

struct cpu_features cpu_features;

static void ask(struct cpu_features *f)
{
    struct cpuid_regs r = cpuid(0, 0);
    u32 max_extended = cpuid(0x80000000, 0).eax;

    f->max_leaf = r.eax;
    r = cpuid(1, 0);
    f->hwcap = r.edx;
    f->mce = BIT(r.edx, 7);
    f->apic = BIT(r.edx, 9);
    f->sep = BIT(r.edx, 11);
    f->pge = BIT(r.edx, 13);
    f->pat = BIT(r.edx, 16);
    f->x2apic = BIT(r.ecx, 21);
    f->tsc_deadline = BIT(r.ecx, 24);
    f->hypervisor = BIT(r.ecx, 31);
    f->xsave = BIT(r.ecx, 26) && f->max_leaf >= 0xd;
    f->avx = f->xsave && BIT(r.ecx, 28);
    f->rdrand = BIT(r.ecx, 30);
    if (f->max_leaf >= 7) {
        r = cpuid(7, 0);
        f->smep = BIT(r.ebx, 7);
        f->smap = BIT(r.ebx, 20);
        f->umip = BIT(r.ecx, 2);
        f->pku = f->xsave && BIT(r.ecx, 3);
    }
    r = cpuid(0x80000001, 0); /* present: long mode was found there */
    f->nx = BIT(r.edx, 20);
    f->page1g = BIT(r.edx, 26);
    if (max_extended >= 0x80000007)
        f->invariant_tsc = BIT(cpuid(0x80000007, 0).edx, 8);
    f->phys_bits = max_extended >= 0x80000008 ? cpuid(0x80000008, 0).eax & 0xff : 36;
    f->phys_bits = MIN(f->phys_bits, 52u);
}

void features_init(void)
{
    ask(&cpu_features);
}

bool features_agree(void)
{
    struct cpu_features mine;

    memset(&mine, 0, sizeof(mine));
    ask(&mine);
    return memcmp(&mine, &cpu_features, sizeof(mine)) == 0;
}

static void refuse_poor_cpu(void)
{
    static const struct {
        u8 bit;
        const char *name;
    } needed[] = {{0, "FPU"},   {4, "TSC"},  {5, "MSR"},  {8, "CX8"},
                  {24, "FXSR"}, {25, "SSE"}, {26, "SSE2"}};

    for (u32 i = 0; i < ARRAY_SIZE(needed); i++) {
        if (!BIT(cpu_features.hwcap, needed[i].bit))
            panic("cpu: this CPU has no %s, which 64-bit programs need", needed[i].name);
    }
    if (!BIT(cpuid(0x80000001, 0).edx, 11))
        panic("cpu: this CPU has no SYSCALL, which 64-bit programs need");
}

static void report(void)
{
    const struct cpu_features *f = &cpu_features;
    const struct {
        bool there;
        const char *name;
    } wanted[] = {{f->nx, "nx"},         {f->smep, "smep"}, {f->smap, "smap"},
                  {f->umip, "umip"},     {keys_on, "pku"},  {f->pge, "pge"},
                  {f->xsave, "xsave"},   {f->avx, "avx"},   {f->rdrand, "rdrand"},
                  {f->page1g, "pdpe1gb"}};
    char missing[96];
    size_t n = 0;

    for (u32 i = 0; i < ARRAY_SIZE(wanted); i++) {
        if (!wanted[i].there)
            n += (size_t)fmt_snprintf(missing + n, sizeof(missing) - n, " %s",
                                      wanted[i].name);
    }
    printk("cpu: protections and features missing:%s\n", n ? missing : " none");
}

/* FPU, SYSCALL; the descriptor tables stand since boot_main. */
void arch_cpu_init(void)
{
    refuse_poor_cpu();
    if (cpu_features.mce)
        write_cr4(read_cr4() | CR4_MCE);
    fpu_init();
    syscall_init();
    report();
}
