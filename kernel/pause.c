/* SPDX-License-Identifier: MIT
 *
 * Pauses of long calls, and in debug kernels the longest stretch of kernel code between two
 * points where another thread could run.
 */
#include "kernel/pause.h"
#include "arch/time.h"
#include "kernel/cmdline.h"
#include "kernel/main.h"
#include "kernel/task/proc.h"
#include "kernel/task/sched/sched.h"
#include "kernel/task/sched/wake.h"
#include "kernel/task/signal.h"
#include "kernel/task/threads.h"
#include "lib/grace.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/stale.h"
#include "lib/string.h"
#include "mm/phys/buddy.h"
#include "mm/phys/kspace.h"
#include "mm/phys/page_stack.h"
#include "mm/phys/slab.h"
#include "mm/table/change.h"

/* A long call runs for so long before others get their turn. Where nobody is known to wait it goes on
 * to so many times as much, and looks so often again in each. */
#define PAUSE_NS    250000u
#define PAUSE_MOST  3u
#define PAUSE_LOOKS 8u
/* And so long without interrupts. */
#define BREATH_NS   40000u

u64 pause_cycles = ~0ull;
DEFINE_PER_CPU(u64, pause_since);
DEFINE_PER_CPU(u64, pause_began);
static u64 breath_cycles = ~0ull;
static DEFINE_PER_CPU(u64, breath_since);

bool pause_killed(void)
{
    return signal_killed();
}

bool pause_wanted(void)
{
    u64 now = cpu_cycles();

    if (READ_ONCE(cpu_self()->need_resched) || READ_ONCE(spin_waiters) ||
        pass_pending() || now - this_cpu(pause_began) >= PAUSE_MOST * pause_cycles)
        return true;
    this_cpu(pause_since) = now - (pause_cycles - pause_cycles / PAUSE_LOOKS);
    stall_end((uintptr_t)__builtin_return_address(0));
    stall_begin();
    return false;
}

void pause_now(void)
{
    ASSERT(cpu_own.irq_depth == 0);
    stall_end((uintptr_t)__builtin_return_address(0));
    pauses_count(1);
    sched_pause();
    pauses_count(-1);
    stall_begin();
}

bool breath_due(void)
{
    return pause_due() || cpu_cycles() - this_cpu(breath_since) >= breath_cycles;
}

void breathe(void)
{
    ASSERT(irq_enabled());
    if (pause_due())
        pause_now();
    this_cpu(breath_since) = cpu_cycles();
}

void pass_work(void)
{
    LOCK_CHECK(change_is_settled(), "passes with translations to flush");
    grace_work();
    if (page_drain_is_asked()) {
        slab_drain();
        kspace_drain();
    }
    page_drain_if_asked(); /* last: the answer is for what was freed just now, too */
}

bool pass_pending(void)
{
    return grace_pending() || page_drain_is_asked();
}

/* Returns when every CPU has done pass_work() that began after the call. To pass is not enough:
 * a switch of threads passes without the work, and an idle CPU has passed before it looks. A
 * CPU may have looked just before it was asked and drop the kick on its way to sleep, so it is
 * asked until it answers; one that waits here answers others that do. */
static void have_all_pass(void)
{
    u32 mark = page_drain_ask();

    pass_work();
    for (u32 cpu = 0; cpu < cpu_count; cpu++) {
        while (!page_drain_answered(cpu, mark)) {
            sched_kick(cpu);
            cpu_wait();
            pass_work();
        }
    }
}

/* What a CPU has put off waits for what it put off before; that goes in the second round at
 * the latest, as all have passed in the first. The third notes where the CPUs stand, the
 * fourth frees and gives back. */
#define SETTLE_ROUNDS 4u

void memory_settle(void)
{
    if (cpu_count == 1) { /* nothing waits for others, and pages that it keeps are free */
        slab_drain();
        kspace_drain();
        return;
    }
    for (unsigned round = 0; round < SETTLE_ROUNDS; round++)
        have_all_pass();
}

void pause_init(void)
{
    const char *when = cmdline_get("pause");

#ifdef TESSERA_DEBUG
    check_calls = !cmdline_get("check") || strcmp(cmdline_get("check"), "off") != 0;
    stale_off = !check_calls;
#endif
    pause_cycles = when && strcmp(when, "always") == 0 ? 0 : clock_cycles_of_ns(PAUSE_NS);
    breath_cycles = clock_cycles_of_ns(BREATH_NS);
}

#ifdef TESSERA_DEBUG

DEFINE_PER_CPU(u64, stall_since);
struct stall stall_longest;
bool check_calls = true;
s32 pauses;

void stall_end(uintptr_t where)
{
    u64 cycles = cpu_cycles() - this_cpu(stall_since);
    const struct thread *t = current_thread();

    if (!this_cpu(stall_since) || cycles <= stall_longest.cycles || !t->proc)
        return;
    stall_longest = (struct stall){cycles, thread_syscall(t), where};
}

#endif
