/* SPDX-License-Identifier: MIT
 *
 * The local APIC: the periodic tick, and the pin through which the 8259s reach the CPU.
 * Used in the mode firmware left it in, xAPIC (registers in memory) or x2APIC (MSRs): going
 * back from x2APIC is not allowed without a reset. Intel SDM vol. 3A, chapter 11.
 */
#include "arch/x86_64/drivers/irq/apic.h"
#include "arch/time.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/drivers/clock/reference_clock.h"
#include "arch/x86_64/mmu/mmu.h"

#define BASE_X2APIC (1ull << 10)
#define BASE_ENABLE (1ull << 11)
#define BASE_ADDR   0x000ffffffffff000ull

/* Registers by their offset in memory; the MSR is MSR_X2APIC + offset / 16. */
enum {
    REG_ID = 0x20,
    REG_TPR = 0x80,
    REG_EOI = 0xb0,
    REG_SPURIOUS = 0xf0,
    REG_COMMAND = 0x300,     /* x2APIC: 64 bits, with the destination above */
    REG_DESTINATION = 0x310, /* xAPIC */
    REG_LVT_TIMER = 0x320,
    REG_LVT_LINT0 = 0x350,
    REG_LVT_LINT1 = 0x360,
    REG_TIMER_INITIAL = 0x380,
    REG_TIMER_CURRENT = 0x390,
    REG_TIMER_DIVIDE = 0x3e0,
};
#define MSR_X2APIC       0x800u
#define MSR_TSC_DEADLINE 0x6e0u

#define COMMAND_PENDING 0x1000u
#define COMMAND_ASSERT  0x4000u
#define XAPIC_ID_AT     24
#define XAPIC_ID_MAX    254u
#define SPURIOUS_ENABLE 0x100u
#define LVT_MASKED      0x10000u
#define LVT_DEADLINE    0x40000u
#define LVT_EXTINT      0x700u
#define LVT_NMI         0x400u
#define DIVIDE_1        11u

#define SAMPLES   4
#define SAMPLE_NS 250000u
#define POLLS_MAX 1000000u
#define NSEC      1000000000ull
#define ARM_MAX   (4 * NSEC) /* far moments come in steps */
#define COUNT_MAX 0xffffffffull

static enum { NONE, XAPIC, X2APIC } mode;
static volatile u32 *regs; /* XAPIC */
static u64 timer_hz;       /* of the one-shot counter; 0: TSC deadline */

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

bool apic_works(void)
{
    return mode != NONE;
}

void apic_eoi(void)
{
    if (mode != NONE)
        apic_write(REG_EOI, 0);
}

/* lint0: the pin of the 8259s, which only the boot CPU listens to. */
static void set_up(u32 lint0)
{
    apic_write(REG_SPURIOUS, SPURIOUS_ENABLE | VEC_SPURIOUS);
    apic_write(REG_LVT_TIMER, LVT_MASKED);
    apic_write(REG_LVT_LINT0, lint0);
    apic_write(REG_LVT_LINT1, LVT_NMI);
    apic_write(REG_TPR, 0);
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
    set_up(LVT_EXTINT);
    return true;
}

/* A CPU that was started is in the mode of its reset; the registers in memory are those of
 * the CPU that looks. */
bool apic_init_cpu(void)
{
    u64 base = rdmsr(MSR_APIC_BASE) | BASE_ENABLE;

    if (mode == X2APIC)
        wrmsr(MSR_APIC_BASE, base); /* x2APIC is not entered from the off state at once */
    else if (base & BASE_X2APIC)
        return false;
    wrmsr(MSR_APIC_BASE, base | (mode == X2APIC ? BASE_X2APIC : 0));
    set_up(LVT_MASKED);
    return true;
}

u32 apic_id(void)
{
    u32 id = apic_read(REG_ID);

    return mode == XAPIC ? id >> XAPIC_ID_AT : id;
}

bool apic_reaches(u32 id)
{
    return mode == X2APIC || (mode == XAPIC && id <= XAPIC_ID_MAX);
}

void apic_send(u32 id, u32 command)
{
    irqflags_t flags = irq_save();

    command |= COMMAND_ASSERT;
    if (mode == X2APIC) {
        /* Stores before it must be seen by who is interrupted (SDM vol. 3A, 11.12.3). */
        __asm__ volatile("mfence; lfence" ::: "memory");
        wrmsr(MSR_X2APIC + REG_COMMAND / 16, (u64)id << 32 | command);
    } else {
        for (u32 i = 0; i < POLLS_MAX && apic_read(REG_COMMAND) & COMMAND_PENDING; i++)
            cpu_relax();
        apic_write(REG_DESTINATION, id << XAPIC_ID_AT);
        apic_write(REG_COMMAND, command);
    }
    irq_restore(flags);
}

/* Counts a second from one sample, 0: the timer stands. *doubt: nanoseconds by which its ends
 * are not known. */
static u64 sample(const struct reference_clock *y, u64 *doubt)
{
    (void)y; /* the clock of the machine */
    u64 before = clock_monotonic_ns(), after, from, now;
    u32 counted = 0;

    apic_write(REG_TIMER_INITIAL, 0xffffffff);
    from = now = clock_monotonic_ns();
    *doubt = from - before;
    for (u32 i = 0; i < POLLS_MAX && now - from < SAMPLE_NS; i++)
        now = clock_monotonic_ns();
    counted = 0xffffffff - apic_read(REG_TIMER_CURRENT);
    after = clock_monotonic_ns();
    *doubt += after - now;
    apic_write(REG_TIMER_INITIAL, 0);
    now += (after - now) / 2 - (before + (from - before) / 2);
    return now < SAMPLE_NS ? 0 : (u64)counted * NSEC / now;
}

void apic_timer_init_cpu(void)
{
    if (timer_hz)
        apic_write(REG_TIMER_DIVIDE, DIVIDE_1);
    apic_write(REG_LVT_TIMER, (timer_hz ? 0 : LVT_DEADLINE) | VEC_TIMER);
    __asm__ volatile("mfence" ::: "memory"); /* SDM vol. 3A, 11.5.4.1: before the MSR */
}

const char *apic_timer_init(void)
{
    if (mode == NONE)
        return NULL;
    if (!cpu_features.tsc_deadline) {
        apic_write(REG_TIMER_DIVIDE, DIVIDE_1);
        timer_hz = measured_rate(SAMPLES, sample, NULL);
        if (timer_hz == 0)
            return NULL;
    }
    apic_timer_init_cpu();
    return timer_hz ? "local APIC" : "TSC deadline";
}

/* A count too many rather than one too few: a timer that rings early would ring twice. */
void apic_timer_arm(u64 ns)
{
    ns = MIN(ns, ARM_MAX);
    if (timer_hz)
        apic_write(REG_TIMER_INITIAL, (u32)MIN(ns * timer_hz / NSEC + 1, COUNT_MAX));
    else
        wrmsr(MSR_TSC_DEADLINE, cpu_cycles() + clock_cycles_of_ns(ns) + 1);
}
