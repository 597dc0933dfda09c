/* SPDX-License-Identifier: MIT
 *
 * The local APIC: the periodic tick, and the pin through which the 8259s reach the CPU.
 * Used in xAPIC mode; where firmware chose x2APIC the tick comes from the PIT instead.
 */
#include "arch/time.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/dev/dev.h"
#include "arch/x86_64/mmu/mmu.h"

#define BASE_X2APIC (1ull << 10)
#define BASE_ENABLE (1ull << 11)
#define BASE_ADDR   0x000ffffffffff000ull

/* Registers, in units of u32. */
enum {
    REG_ID = 0x20 / 4,
    REG_TPR = 0x80 / 4,
    REG_EOI = 0xb0 / 4,
    REG_SPURIOUS = 0xf0 / 4,
    REG_LVT_TIMER = 0x320 / 4,
    REG_LVT_LINT0 = 0x350 / 4,
    REG_LVT_LINT1 = 0x360 / 4,
    REG_TIMER_INITIAL = 0x380 / 4,
    REG_TIMER_CURRENT = 0x390 / 4,
    REG_TIMER_DIVIDE = 0x3e0 / 4,
};

#define SPURIOUS_ENABLE 0x100u
#define LVT_MASKED      0x10000u
#define LVT_PERIODIC    0x20000u
#define LVT_EXTINT      0x700u
#define LVT_NMI         0x400u
#define DIVIDE_16       3u

#define SAMPLES   5
#define SAMPLE_NS 1000000u
#define POLLS_MAX 1000000u

static volatile u32 *regs; /* NULL: not used */

bool apic_present(void)
{
    return regs != NULL;
}

void apic_eoi(void)
{
    if (regs)
        regs[REG_EOI] = 0;
}

bool apic_init(void)
{
    u64 base;

    if (!cpu_features.apic)
        return false;
    base = rdmsr(MSR_APIC_BASE);
    if (base & BASE_X2APIC)
        return false;
    wrmsr(MSR_APIC_BASE, base | BASE_ENABLE);
    regs = fixmap_device(base & BASE_ADDR);
    regs[REG_SPURIOUS] = SPURIOUS_ENABLE | VEC_SPURIOUS;
    regs[REG_LVT_TIMER] = LVT_MASKED;
    regs[REG_LVT_LINT0] = LVT_EXTINT;
    regs[REG_LVT_LINT1] = LVT_NMI;
    regs[REG_TPR] = 0;
    cpu_self()->apic_id = regs[REG_ID] >> 24;
    return true;
}

/* Timer counts in SAMPLE_NS, 0: it does not run. */
static u32 sample(void)
{
    u64 from, now;
    u32 counted = 0;

    regs[REG_TIMER_INITIAL] = 0xffffffff;
    from = now = clock_monotonic_ns();
    for (u32 i = 0; i < POLLS_MAX && now - from < SAMPLE_NS; i++) {
        counted = 0xffffffff - regs[REG_TIMER_CURRENT];
        now = clock_monotonic_ns();
    }
    regs[REG_TIMER_INITIAL] = 0;
    return now - from < SAMPLE_NS ? 0 : (u32)((u64)counted * SAMPLE_NS / (now - from));
}

bool apic_timer_start(u32 hz)
{
    u32 best = 0;

    if (!regs)
        return false;
    regs[REG_TIMER_DIVIDE] = DIVIDE_16;
    for (u32 i = 0; i < SAMPLES; i++)
        best = MAX(best, sample()); /* the clock only ever loses counts */
    if (best == 0)
        return false;
    regs[REG_LVT_TIMER] = LVT_PERIODIC | VEC_TIMER;
    regs[REG_TIMER_INITIAL] = (u32)((u64)best * (1000000000u / SAMPLE_NS) / hz);
    return true;
}
