/* SPDX-License-Identifier: MIT
 *
 * The time stamp counter as clock. Its rate is measured against the first counter that
 * runs of HPET, PM timer, PIT and CMOS clock; what CPUID or a hypervisor says of it is more
 * exact and counts where the measurement agrees or nothing can be measured.
 */
#include "arch/x86_64/drivers/clock/tsc.h"
#include "arch/time.h"
#include "arch/vdso.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/drivers/clock/cmos.h"
#include "arch/x86_64/drivers/clock/hpet.h"
#include "arch/x86_64/drivers/clock/pit.h"
#include "arch/x86_64/drivers/clock/reference_clock.h"
#include "lib/log.h"
#include "lib/spinlock.h"

#define SAMPLES      5
#define SAMPLE_HZ    1000u   /* a sample lasts a millisecond, */
#define TICKS_MIN    16u     /* but so many ticks at least */
#define EDGE_POLLS   100000u /* a busy host may be late with one */
#define SAMPLE_POLLS 200000u
#define CYCLES_BITS  34u /* no sample takes more; times 1 GHz it fits 64 bits */
#define AGREE        50u /* one part in 50 */
#define KHZ_MIN      1000u
#define KHZ_MAX      20000000u
#define KHZ_DEFAULT  1000000u

/* How often two CPUs look who is ahead, and for how long at most. */
#define MEETING_ROUNDS 500u
#define MEETING_MS     20u

/* Leaves of hypervisors (KVM, VMware): the highest, and the TSC's rate in kHz. */
#define HYPERVISOR_LEAVES 0x40000000u
#define HYPERVISOR_TIMING 0x40000010u

static u64 khz;
static const char *khz_source;
static u64 base;    /* TSC at boot */
static u64 scale;   /* nanoseconds per cycle << VDSO_SHIFT */
static u64 latest;  /* that anybody was told, when CPUs are */
static bool uneven; /* their TSCs differ */

/* One reading: the count, when it was, and how long the reading took. */
struct reading {
    u64 count, tsc, width;
};

static struct reading read_once(const struct reference_clock *y)
{
    u64 before = cpu_cycles(), count = y->read(), after = cpu_cycles();

    return (struct reading){count, before + (after - before) / 2, after - before};
}

/* Rate in kHz from one sample that starts at a tick; 0: the counter stands. *doubt: cycles
 * that the two readings took. */
static u64 sample(const struct reference_clock *y, u64 *doubt)
{
    u64 want = MAX(y->hz / SAMPLE_HZ, (u64)TICKS_MIN), first = y->read(), ticks = 0;
    struct reading from = {first, 0, 0}, to = from;
    u64 cycles;

    for (u32 i = 0; i < EDGE_POLLS && from.count == first; i++)
        from = read_once(y);
    if (from.count == first)
        return 0;
    for (u32 i = 0; i < SAMPLE_POLLS && ticks < want; i++) {
        to = read_once(y);
        ticks = (to.count - from.count) & y->mask;
    }
    cycles = to.tsc - from.tsc;
    if (ticks < want || cycles >> CYCLES_BITS)
        return 0;
    *doubt = from.width + to.width;
    return cycles * y->hz / ticks / 1000;
}

static u64 measure(const struct reference_clock *y)
{
    u64 rate = measured_rate(SAMPLES, sample, y);

    if (y->stop)
        y->stop();
    return rate >= KHZ_MIN && rate <= KHZ_MAX ? rate : 0;
}

static u64 khz_measured(const char **name)
{
    static bool (*const starts[])(struct reference_clock *) = {hpet_start, pm_timer_start,
                                                               pit_start, rtc_start};

    for (u32 i = 0; i < ARRAY_SIZE(starts); i++) {
        struct reference_clock y;
        u64 rate = starts[i](&y) ? measure(&y) : 0;

        if (rate) {
            *name = y.name;
            return rate;
        }
    }
    return 0;
}

/* Intel SDM vol. 3B, 19.7.3: the crystal's rate times the TSC's ratio to it. */
static u64 khz_from_cpuid(const char **name)
{
    u64 rate = 0;

    if (cpu_features.max_leaf >= 0x15) {
        struct cpuid_regs r = cpuid(0x15, 0);

        *name = "CPUID";
        if (r.eax && r.ebx && r.ecx)
            rate = (u64)r.ecx * r.ebx / r.eax / 1000;
    }
    if (!rate && cpu_features.hypervisor &&
        cpuid(HYPERVISOR_LEAVES, 0).eax >= HYPERVISOR_TIMING &&
        cpuid(HYPERVISOR_LEAVES, 0).eax < HYPERVISOR_LEAVES + 0x1000) {
        *name = "hypervisor";
        rate = cpuid(HYPERVISOR_TIMING, 0).eax;
    }
    return rate >= KHZ_MIN && rate <= KHZ_MAX ? rate : 0;
}

/* The nominal rate: good to a percent only. */
static u64 khz_nominal(void)
{
    return cpu_features.max_leaf >= 0x16 ? (u64)(cpuid(0x16, 0).eax & 0xffff) * 1000 : 0;
}

static void choose_khz(void)
{
    const char *said_by = NULL, *measured_by = NULL;
    u64 said = khz_from_cpuid(&said_by), measured = khz_measured(&measured_by);
    u64 apart = said > measured ? said - measured : measured - said;

    if (said && (!measured || apart <= measured / AGREE)) {
        khz = said;
        khz_source = said_by;
        return;
    }
    if (said)
        printk("time: %s says TSC %lu kHz, %s measures %lu kHz\n", said_by, said,
               measured_by, measured);
    khz = measured;
    khz_source = measured_by;
    if (khz)
        return;
    khz = khz_nominal();
    khz_source = "nominal rate";
    if (khz)
        return;
    khz = KHZ_DEFAULT;
    khz_source = "assumption";
    printk("time: no clock to measure the TSC with: assuming a 1 GHz clock\n");
}

u32 clock_ticks;

void tsc_init(void)
{
    base = cpu_cycles();
    choose_khz();
    scale = (u64)(((unsigned __int128)1000000 << VDSO_SHIFT) / khz);
}

u64 tsc_khz(void)
{
    return khz;
}

u64 clock_cycles_of_ns(u64 ns)
{
    return ns * khz / 1000000;
}

const char *tsc_source(void)
{
    return khz_source;
}

u64 clock_ns_of_span(u64 cycles)
{
    return (u64)((unsigned __int128)cycles * scale >> VDSO_SHIFT);
}

u64 clock_ns_of_cycles(u64 cycles)
{
    return clock_ns_of_span(cycles - base);
}

/* After all that the caller has read before: else it could be less than another CPU told. */
static u64 cycles_now(void)
{
    __asm__ volatile("lfence" ::: "memory");
    return cpu_cycles();
}

/* Nobody is told less than somebody was told. */
static u64 not_before_others(u64 cycles)
{
    u64 now = cycles > base ? clock_ns_of_cycles(cycles) : 0;
    u64 seen = __atomic_load_n(&latest, __ATOMIC_RELAXED);

    do {
        if (now <= seen)
            return seen;
    } while (!__atomic_compare_exchange_n(&latest, &seen, now, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    return now;
}

u64 clock_monotonic_ns(void)
{
    u64 cycles = cycles_now();

    if (unlikely(READ_ONCE(uneven)))
        return not_before_others(cycles);
    return clock_ns_of_cycles(cycles);
}

void clock_for_programs(struct vdso_data *data)
{
    data->base = base;
    data->scale = scale;
    data->usable = !uneven;
}

/* ---- do the CPUs agree? ---- */

static struct {
    spinlock_t lock;
    u64 last,
        back; /* the latest that either of the two has read; what it once went back */
    u32 here;
} meeting;

u64 tsc_meet(void)
{
    u64 end = cpu_cycles() + MEETING_MS * khz;

    if (__atomic_add_fetch(&meeting.here, 1, __ATOMIC_SEQ_CST) % 2)
        while (__atomic_load_n(&meeting.here, __ATOMIC_ACQUIRE) % 2 && cpu_cycles() < end)
            cpu_wait();
    for (u32 i = 0; i < MEETING_ROUNDS && cpu_cycles() < end; i++) {
        u64 now;

        spin_lock(&meeting.lock);
        now = cycles_now();
        if (now < meeting.last)
            meeting.back = MAX(meeting.back, meeting.last - now);
        meeting.last = now;
        spin_unlock(&meeting.lock);
    }
    if (meeting.back)
        WRITE_ONCE(uneven, true);
    return meeting.back;
}
