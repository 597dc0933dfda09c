/* SPDX-License-Identifier: MIT
 *
 * The vDSO's code: runs in ring 3 as part of every program that asks for it by AT_SYSINFO_EHDR.
 * A shared library of its own (vdso.lds), not linked with the kernel. What it cannot answer it
 * asks the kernel, by the same call.
 */
#include "arch/vdso.h"
#include "arch/x86_64/cpu/cpu.h"
#include "lib/uapi/time.h"

#define NSEC 1000000000ull

#define NR_GETTIMEOFDAY  96
#define NR_TIME          201
#define NR_CLOCK_GETTIME 228
#define NR_CLOCK_GETRES  229

/* The page behind the image. */
extern const struct vdso_data vdso_data __attribute__((visibility("hidden")));

struct words {
    s64 seconds, fraction;
};

int __vdso_clock_gettime(s32 clock, struct words *out);
int __vdso_clock_getres(s32 clock, struct words *out);
int __vdso_gettimeofday(struct words *out, s32 *zone);
s64 __vdso_time(s64 *out);
int __vdso_getcpu(u32 *cpu, u32 *node, void *unused);

static long ask_kernel(long number, long a, const void *b)
{
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b)
                     : "rcx", "r11", "memory");
    return result;
}

/* After all that the program has read before, as clock_monotonic_ns(). */
static u64 monotonic_ns(void)
{
    u32 low, high;

    __asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high)::"memory");
    return (u64)((unsigned __int128)(((u64)high << 32 | low) - vdso_data.base) *
                     vdso_data.scale >>
                 VDSO_SHIFT);
}

static u64 wall_ns(void)
{
    return monotonic_ns() + (u64)__atomic_load_n(&vdso_data.wall, __ATOMIC_RELAXED);
}

int __vdso_clock_gettime(s32 clock, struct words *out)
{
    u64 ns;

    if (!vdso_data.usable)
        return (int)ask_kernel(NR_CLOCK_GETTIME, clock, out);
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_TAI:
        ns = wall_ns();
        break;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
        ns = monotonic_ns();
        break;
    default:
        return (int)ask_kernel(NR_CLOCK_GETTIME, clock, out);
    }
    *out = (struct words){(s64)(ns / NSEC), (s64)(ns % NSEC)};
    return 0;
}

int __vdso_clock_getres(s32 clock, struct words *out)
{
    return (int)ask_kernel(NR_CLOCK_GETRES, clock, out);
}

int __vdso_gettimeofday(struct words *out, s32 *zone)
{
    u64 ns;

    if (!vdso_data.usable || zone)
        return (int)ask_kernel(NR_GETTIMEOFDAY, (long)out, zone);
    ns = wall_ns();
    if (out)
        *out = (struct words){(s64)(ns / NSEC), (s64)(ns % NSEC / 1000)};
    return 0;
}

s64 __vdso_time(s64 *out)
{
    s64 now;

    if (!vdso_data.usable)
        return ask_kernel(NR_TIME, (long)out, NULL);
    now = (s64)(wall_ns() / NSEC);
    if (out)
        *out = now;
    return now;
}

/* The limit of a segment of each CPU is its number: see cpu/gdt.c. */
int __vdso_getcpu(u32 *cpu, u32 *node, void *unused)
{
    u32 number;

    (void)unused;
    __asm__ volatile("lsl %1, %0" : "=r"(number) : "r"(CPU_NUMBER_SEL) : "cc");
    if (cpu)
        *cpu = number;
    if (node)
        *node = 0;
    return 0;
}

/* The names without the prefix, for programs that bring their own loader. */
#define ALSO(name) \
    extern __typeof__(__vdso_##name) name __attribute__((weak, alias("__vdso_" #name)))
ALSO(clock_gettime);
ALSO(clock_getres);
ALSO(gettimeofday);
ALSO(time);
ALSO(getcpu);
