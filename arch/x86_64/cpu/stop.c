/* SPDX-License-Identifier: MIT
 *
 * Stopping all CPUs but one. Each notes where it was and halts; who has interrupts off for too
 * long gets an NMI. Takes no lock: it serves a panic.
 */
#include "arch/x86_64/cpu/stop.h"
#include "arch/exit.h"
#include "arch/stop.h"
#include "arch/time.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/cpu/smp.h"
#include "arch/x86_64/drivers/irq/apic.h"
#include "lib/percpu.h"

#define ANSWER_NS 50000000u /* for either kind of interrupt */

static u64 to_stop;  /* CPUs */
static u64 stopped;  /* those that noted where */
static u64 stopping; /* and those that are about to */
static DEFINE_PER_CPU(struct cpu_place, stop_place);

bool cpu_is_to_stop(void)
{
    return __atomic_load_n(&to_stop, __ATOMIC_ACQUIRE) >> cpu_id() & 1;
}

noreturn void arch_cpu_stop_here(const struct trapframe *tf, uintptr_t rbp)
{
    u64 self = 1ull << cpu_id();

    irq_disable();
    /* An NMI may come after all to a CPU that has stopped. */
    if (!(__atomic_fetch_or(&stopping, self, __ATOMIC_SEQ_CST) & self)) {
        this_cpu(stop_place) = (struct cpu_place){tf, rbp};
        __atomic_fetch_or(&stopped, self, __ATOMIC_RELEASE);
    }
    machine_halt();
}

noreturn void cpu_stop_at(const struct trapframe *tf)
{
    arch_cpu_stop_here(tf, tf->rbp);
}

bool arch_cpu_stopped(u32 id, struct cpu_place *place)
{
    if (!(__atomic_load_n(&stopped, __ATOMIC_ACQUIRE) >> id & 1))
        return false;
    *place = per_cpu(stop_place, id);
    return true;
}

/* Interrupts those of `cpus` that run on, and waits a while. Returns who still does. */
static u64 interrupt(u64 cpus, u32 command)
{
    u64 end = clock_monotonic_ns() + ANSWER_NS;
    u64 left = cpus & ~__atomic_load_n(&stopped, __ATOMIC_ACQUIRE);

    for (u64 l = left; l; l &= l - 1)
        apic_send(smp_apic_id((u32)__builtin_ctzll(l)), command);
    while (left && clock_monotonic_ns() < end) {
        cpu_relax();
        left = cpus & ~__atomic_load_n(&stopped, __ATOMIC_ACQUIRE);
    }
    return left;
}

void arch_cpus_stop(void)
{
    u64 others = cpus_running() & ~(1ull << cpu_id());

    if (!others)
        return;
    __atomic_fetch_or(&to_stop, others, __ATOMIC_SEQ_CST);
    if (interrupt(others, VEC_STOP))
        interrupt(others, APIC_NMI);
}
