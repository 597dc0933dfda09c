/* SPDX-License-Identifier: MIT
 *
 * The local APIC: the periodic tick, and the pin through which the 8259s reach the CPU.
 * Used in the mode firmware left it in, xAPIC (registers in memory) or x2APIC (MSRs): going
 * back from x2APIC is not allowed without a reset. Intel SDM vol. 3A, chapter 11.
 */
#include "arch/x86_64/drivers/irq/apic.h"
#include "arch/time.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/drivers/clock/tsc.h"
#include "arch/x86_64/mmu/mmu.h"

#define BASE_X2APIC (1ull << 10)
#define BASE_ENABLE (1ull << 11)
#define BASE_ADDR   0x000ffffffffff000ull

/* Registers by their offset in memory; the MSR is MSR_X2APIC + offset / 16. */
enum {
    REG_TPR = 0x80,
    REG_EOI = 0xb0,
    REG_SPURIOUS = 0xf0,
    REG_LVT_TIMER = 0x320,
    REG_LVT_LINT0 = 0x350,
    REG_LVT_LINT1 = 0x360,
    REG_TIMER_INITIAL = 0x380,
    REG_TIMER_CURRENT = 0x390,
    REG_TIMER_DIVIDE = 0x3e0,
};
#define MSR_X2APIC       0x800u
#define MSR_TSC_DEADLINE 0x6e0u

#define SPURIOUS_ENABLE 0x100u
#define LVT_MASKED      0x10000u
#define LVT_PERIODIC    0x20000u
#define LVT_DEADLINE    0x40000u
#define LVT_EXTINT      0x700u
#define LVT_NMI         0x400u
#define DIVIDE_16       3u

#define SAMPLES   4
#define SAMPLE_NS 500000u
#define POLLS_MAX 1000000u

static enum { NONE, XAPIC, X2APIC } mode;
static volatile u32 *regs; /* XAPIC */
static u64 period;         /* cycles between ticks; 0: no TSC deadline */
static u64 deadline;       /* TSC of the next tick */

static u32 apic_read(u32 reg)
{
    return mode == XAPIC ? regs[reg / 4] : (u32)rdmsr(MSR_X2APIC + reg / 16);
}

static void apic_write(u32 reg, u32 value)
{
    if (mode == XAPIC)
        regs[reg / 4] = value;
    else
        wrmsr(MSR_X2APIC + reg / 16, value);
}

const char *apic_mode(void)
{
    static const char *const names[] = {"none", "xAPIC", "x2APIC"};

    return names[mode];
}

void apic_eoi(void)
{
    if (mode != NONE)
        apic_write(REG_EOI, 0);
}

bool apic_init(void)
{
    u64 base;

    if (!cpu_features.apic)
        return false;
    base = rdmsr(MSR_APIC_BASE);
    if (!(base & BASE_ENABLE))
        wrmsr(MSR_APIC_BASE, base | BASE_ENABLE);
    if (base & BASE_ENABLE && base & BASE_X2APIC) {
        mode = X2APIC;
    } else {
        regs = fixmap_device(base & BASE_ADDR);
        mode = XAPIC;
    }
    apic_write(REG_SPURIOUS, SPURIOUS_ENABLE | VEC_SPURIOUS);
    apic_write(REG_LVT_TIMER, LVT_MASKED);
    apic_write(REG_LVT_LINT0, LVT_EXTINT);
    apic_write(REG_LVT_LINT1, LVT_NMI);
    apic_write(REG_TPR, 0);
    return true;
}

/* Timer counts in SAMPLE_NS, 0: it does not run. */
static u32 sample(void)
{
    u64 from, now;
    u32 counted = 0;

    apic_write(REG_TIMER_INITIAL, 0xffffffff);
    from = now = clock_monotonic_ns();
    for (u32 i = 0; i < POLLS_MAX && now - from < SAMPLE_NS; i++) {
        counted = 0xffffffff - apic_read(REG_TIMER_CURRENT);
        now = clock_monotonic_ns();
    }
    apic_write(REG_TIMER_INITIAL, 0);
    return now - from < SAMPLE_NS ? 0 : (u32)((u64)counted * SAMPLE_NS / (now - from));
}

static bool start_periodic(u32 hz)
{
    u32 best = 0;

    apic_write(REG_TIMER_DIVIDE, DIVIDE_16);
    for (u32 i = 0; i < SAMPLES; i++)
        best = MAX(best, sample()); /* the clock only ever loses counts */
    if (best == 0)
        return false;
    apic_write(REG_LVT_TIMER, LVT_PERIODIC | VEC_TIMER);
    apic_write(REG_TIMER_INITIAL, (u32)((u64)best * (1000000000u / SAMPLE_NS) / hz));
    return true;
}

void apic_timer_rearm(void)
{
    u64 now;

    if (!period)
        return;
    now = cpu_cycles();
    deadline += period;
    if (deadline <= now) /* ticks that were missed stay missed */
        deadline = now + period;
    wrmsr(MSR_TSC_DEADLINE, deadline);
}

static void start_deadline(u32 hz)
{
    period = tsc_khz() * 1000 / hz;
    deadline = cpu_cycles();
    apic_write(REG_LVT_TIMER, LVT_DEADLINE | VEC_TIMER);
    __asm__ volatile("mfence" ::: "memory"); /* SDM vol. 3A, 11.5.4.1: before the MSR */
    apic_timer_rearm();
}

const char *apic_timer_start(u32 hz)
{
    if (mode == NONE)
        return NULL;
    if (cpu_features.tsc_deadline) {
        start_deadline(hz);
        return "TSC deadline";
    }
    return start_periodic(hz) ? "local APIC" : NULL;
}
