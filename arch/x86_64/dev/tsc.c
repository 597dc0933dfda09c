/* SPDX-License-Identifier: MIT
 *
 * The time stamp counter as clock. Its rate is measured against the PIT in several short
 * samples, the smallest of which was disturbed least; without a PIT, CPUID or the
 * periodic flag of the CMOS clock must tell.
 */
#include "arch/time.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/dev/dev.h"
#include "lib/log.h"

#define SAMPLES      5
#define SAMPLE_TICKS 4000u /* of the PIT: 3.4 ms */
#define POLLS_MAX    200000u
#define RTC_PERIODS  8u
#define KHZ_DEFAULT  1000000u
#define SCALE_SHIFT  32

static u64 khz;
static u64 base;  /* TSC at boot */
static u64 scale; /* nanoseconds per cycle << SCALE_SHIFT */
static u64 latest;

/* Cycles per SAMPLE_TICKS of the PIT, scaled from what was really waited; 0: the PIT
 * stands. */
static u64 sample(void)
{
    u16 start = pit_read();
    u64 from = cpu_cycles(), to;
    u32 ticks = 0;

    for (u32 i = 0; i < POLLS_MAX && ticks < SAMPLE_TICKS; i++)
        ticks = (u16)(start - pit_read());
    to = cpu_cycles();
    return ticks < SAMPLE_TICKS ? 0 : (to - from) * SAMPLE_TICKS / ticks;
}

static u64 khz_from_pit(void)
{
    u64 best = 0;

    if (!pit_start_free())
        return 0;
    for (u32 i = 0; i < SAMPLES; i++) {
        u64 cycles = sample();

        if (cycles && (best == 0 || cycles < best))
            best = cycles;
    }
    return best * PIT_HZ / SAMPLE_TICKS / 1000;
}

static u64 khz_from_cpuid(void)
{
    struct cpuid_regs r;

    if (cpu_features.max_leaf >= 0x15) {
        r = cpuid(0x15, 0);
        if (r.eax && r.ebx && r.ecx)
            return (u64)r.ecx * r.ebx / r.eax / 1000;
    }
    if (cpu_features.max_leaf >= 0x16)
        return (u64)(cpuid(0x16, 0).eax & 0xffff) * 1000;
    return 0;
}

static bool wait_rtc_period(void)
{
    for (u32 i = 0; i < POLLS_MAX; i++) {
        if (cmos_period_passed())
            return true;
    }
    return false;
}

static u64 khz_from_rtc(void)
{
    u64 best = 0;

    cmos_periodic(true);
    for (u32 i = 0; i < SAMPLES && wait_rtc_period(); i++) {
        u64 from = cpu_cycles(), cycles;
        u32 n = 0;

        while (n < RTC_PERIODS && wait_rtc_period())
            n++;
        cycles = cpu_cycles() - from;
        if (n == RTC_PERIODS && (best == 0 || cycles < best))
            best = cycles;
    }
    cmos_periodic(false);
    return best * CMOS_PERIODIC_HZ / RTC_PERIODS / 1000;
}

void tsc_init(void)
{
    base = cpu_cycles();
    khz = khz_from_pit();
    if (khz == 0)
        khz = khz_from_cpuid();
    if (khz == 0)
        khz = khz_from_rtc();
    if (khz == 0) {
        khz = KHZ_DEFAULT;
        printk("time: no clock to measure the TSC with: assuming a 1 GHz clock\n");
    }
    scale = (u64)(((unsigned __int128)1000000 << SCALE_SHIFT) / khz);
}

u64 tsc_khz(void)
{
    return khz;
}

/* CPUs need not agree to the last cycle: nobody is told less than somebody was told. */
u64 clock_monotonic_ns(void)
{
    u64 now = (u64)((unsigned __int128)(cpu_cycles() - base) * scale >> SCALE_SHIFT);
    u64 seen = __atomic_load_n(&latest, __ATOMIC_RELAXED);

    if (scale == 0)
        return 0;
    do {
        if (now <= seen)
            return seen;
    } while (!__atomic_compare_exchange_n(&latest, &seen, now, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    return now;
}
