/* SPDX-License-Identifier: MIT
 *
 * The scheduler. The lock of the CPU's run queue is held across a switch: taken by the thread
 * that leaves, released by the one that arrives (switch_tail). So who finds a thread on a
 * queue or asleep, with the lock of its queue, finds its stack left.
 */
#include "kernel/task/sched/sched.h"
#include "arch/time.h"
#include "kernel/inject.h"
#include "kernel/pause.h"
#include "kernel/task/exit.h"
#include "kernel/task/proc.h"
#include "kernel/task/rseq.h"
#include "kernel/task/sched/balance.h"
#include "kernel/task/sched/cpulimit.h"
#include "kernel/task/sched/runq.h"
#include "kernel/task/sched/sched_own.h"
#include "kernel/task/sched/wake.h"
#include "kernel/task/threads.h"
#include "kernel/task/usage.h"
#include "lib/grace.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/percpu.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/phys/page_stack.h"
#include "mm/table/change.h"

static DEFINE_PER_CPU(struct thread, idle_thread);
/* The thread that ran before, if the next one, which has left its stack, is to free it or to
 * send it to another CPU. */
static DEFINE_PER_CPU(struct thread *, left_thread);

static void thread_reap(struct thread *t)
{
    struct proc *p = t->proc;
    s32 tid = t->free_tid;

    thread_free(t);
    if (p)
        thread_gone(p, tid);
}

/* First thing on every stack that was switched to. Interrupts stay off. */
static void switch_tail(void)
{
    struct thread *left = this_cpu(left_thread);

    spin_unlock(&own_runq()->lock);
    if (likely(!left))
        return;
    this_cpu(left_thread) = NULL;
    if (left->state == THREAD_ZOMBIE)
        thread_reap(left);
    else
        sched_place(left);
}

static bool is_idle(const struct thread *t)
{
    return t == this_cpu_ptr(idle_thread);
}

/* Runs `next`, NULL: the idle thread. The queue is locked, interrupts off; the running thread
 * has been charged, and put where it belongs: who sees it there gets the lock only when its
 * stack is left. Returns without the lock, interrupts still off. */
static void switch_to(struct runq *q, struct thread *next, u64 now)
{
    REQUIRES(&q->lock);
    struct cpu *cpu = cpu_self();
    struct thread *prev = cpu->current;

    LOCK_CHECK(change_is_settled(), "passes with translations to flush");
    grace_pass();
    WRITE_ONCE(cpu->need_resched, 0);
    this_cpu(pause_since) = this_cpu(pause_began) = now;
    if (!next)
        next = this_cpu_ptr(idle_thread);
    next->ran_since = now;
    if (next == prev) {
        spin_unlock(&q->lock);
        return;
    }
    /* A call that sleeps is in no sequence. */
    if (unlikely(prev->rseq) &&
        (prev->state != THREAD_SLEEPING || thread_syscall(prev) < 0))
        rseq_note(prev);
    WRITE_ONCE(q->switches, q->switches + 1);
    stall_end((uintptr_t)__builtin_return_address(0));
    q->current = cpu->current = next;
    q->running_rt = next->priority;
    inject_switch(prev, next);
    mm_activate(next->proc ? next->proc->mm : NULL);
    arch_thread_switch(&prev->arch, &next->arch);
    stall_begin();
    switch_tail();
}

/* When the running thread lets the first of the ready ones run. */
enum give_up {
    IF_LATER, /* when it has had more than that one */
    YIELD,    /* in any case, and it comes after that one from now on */
    PAUSE,    /* in any case, but it keeps its place */
};

/* The running thread t may no more use this CPU: the next one sends it on. */
static void leave(struct runq *q, struct thread *t, u64 now)
{
    t->state = THREAD_UNPLACED;
    runq_sleep(q, t);
    this_cpu(left_thread) = t;
    switch_to(q, runq_take(q), now);
}

static void give_up(enum give_up how)
{
    struct runq *q = own_runq();
    irqflags_t flags = spin_lock_irq(&q->lock);
    struct thread *t = current_thread(), *next = runq_head(q);
    u64 now = cpu_cycles();

    WRITE_ONCE(cpu_own.need_resched, 0);
    if (is_idle(t))
        goto stay;
    runq_charge(q, t, now);
    if (unlikely(!(t->allowed >> q->cpu & 1)) && t->allowed & runq_cpus) {
        leave(q, t, now);
        irq_restore(flags);
        return;
    }
    if (unlikely(next && (t->realtime | next->realtime))) {
        if (!runq_realtime_goes(q, t, next, how == YIELD))
            goto stay;
        if (t->realtime && how == YIELD)
            runq_rt_last(q, t);
        how = PAUSE;
    }
    if (!next || (how == IF_LATER && !runq_before(next, t))) {
        runq_stay(q, t);
        goto stay;
    }
    next = runq_take(q);
    if (how == YIELD && runq_before(t, next))
        t->vruntime = next->vruntime;
    runq_put(q, t);
    if (t->proc) {
        count_task(&t->nivcsw, &t->proc->nivcsw);
        thread_tell_faults(t);
    }
    switch_to(q, next, now);
    irq_restore(flags);
    return;
stay:
    spin_unlock_irq(&q->lock, flags);
}

void sched_preempt(void)
{
    give_up(IF_LATER);
}

void sched_yield_now(void)
{
    give_up(YIELD);
}

void sched_pause(void)
{
    this_cpu(pause_since) = this_cpu(pause_began) = cpu_cycles();
    if (irq_enabled()) {
        pass_work();
        give_up(PAUSE);
    }
}

void *thread_self(void)
{
    return current_thread();
}

#ifdef LOCKS_CHECKED
struct held_mutexes *thread_mutexes(void)
{
    return &(current_thread() ?: this_cpu_ptr(idle_thread))->mutexes;
}
#endif

void thread_park(void)
{
    struct runq *q = own_runq();
    irqflags_t flags = spin_lock_irq(&q->lock);
    struct thread *t = current_thread();
    u64 now;

    ASSERT(!is_idle(t));
    if (t->unparked) {
        t->unparked = false;
        spin_unlock_irq(&q->lock, flags);
        return;
    }
    t->state = THREAD_SLEEPING;
    if (t->proc) {
        count_task(&t->nvcsw, &t->proc->nvcsw);
        thread_tell_faults(t);
    }
    now = cpu_cycles();
    runq_charge(q, t, now);
    runq_sleep(q, t);
    switch_to(q, runq_take(q), now);
    irq_restore(flags);
}

int thread_park_until(u64 deadline_ns)
{
    struct thread *t = current_thread();

    if (deadline_ns == NO_DEADLINE) {
        thread_park();
        return 0;
    }
    if (clock_monotonic_ns() >= deadline_ns)
        return -ETIMEDOUT;
    ktimer_set(&t->sleep_timer, deadline_ns);
    thread_park();
    ktimer_cancel(&t->sleep_timer);
    return clock_monotonic_ns() >= deadline_ns ? -ETIMEDOUT : 0;
}

/* One tick falls to the running thread. */
static void tick(struct runq *q, struct thread *t, bool user, u64 now)
{
    *(user ? &t->utime_ns : &t->stime_ns) += TICK_NS;
    if (!is_idle(t))
        *(user ? &q->user_ticks : &q->system_ticks) += 1;
    spin_lock(&q->lock);
    runq_rt_tick(q, t);
    if (cpu_count > 1 && !is_idle(t))
        balance_tick(q, now);
    spin_unlock(&q->lock);
    if (t->proc) {
        thread_tell_faults(t);
        cpu_limit_tick(t, TICK_NS, user);
    }
    WRITE_ONCE(cpu_own.need_resched, 1);
}

void timer_interrupt(struct trapframe *tf)
{
    struct thread *t = current_thread();
    u64 now = clock_monotonic_ns();

    if (ktimer_interrupt(now)) {
        if (cpu_id() == 0)
            arch_poll_devices();
        tick(own_runq(), t, trap_from_user(tf), now);
    }
    if (!is_idle(t)) /* else that comes before it sleeps again */
        ktimer_rearm(KTIMER_TICKS);
}

void sched_thread_begin(void *arg)
{
    struct thread *t = arg;

    stall_begin();
    switch_tail();
    irq_enable();
    t->entry(t->entry_arg);
    thread_exit();
}

noreturn void thread_exit(void)
{
    struct thread *t = current_thread();
    struct runq *q;

    ktimer_cancel(&t->sleep_timer);
    irq_disable();
    q = own_runq();
    spin_lock(&q->lock);
    t->state = THREAD_ZOMBIE;
    ASSERT(!this_cpu(left_thread));
    this_cpu(left_thread) = t;
    runq_sleep(q, t);
    switch_to(q, runq_take(q), cpu_cycles());
    panic("a dead thread runs");
}

void sched_init(void)
{
    static u8 unused_stack[1024] __attribute__((aligned(16)));
    struct thread *t = this_cpu_ptr(idle_thread);
    struct runq *q = own_runq();

    memset(t, 0, sizeof(*t));
    /* For its FPU area; the stack is the one we are on. */
    if (arch_thread_init(&t->arch, (uintptr_t)unused_stack + sizeof(unused_stack),
                         sched_thread_begin, t) != 0)
        panic("no memory for the idle thread");
    t->arch.stack_top = cpu_own.kernel_stack;
    t->state = THREAD_RUNNABLE;
    t->cpu = cpu_id();
    t->allowed = 1ull << t->cpu;
    list_init(&t->proc_link);
    str_copy(t->comm, "idle", sizeof(t->comm));
    this_cpu(left_thread) = NULL;
    runq_init(q, t);
    ktimer_init_cpu();
    cpu_own.current = t;
}

/* Sleeps until an interrupt, whose handler may have made somebody ready or was sent by one that
 * did. The queue is locked and empty, interrupts are off. */
static void idle(struct runq *q)
{
    u64 now = cpu_cycles();

    balance_note_idle(q);
    WRITE_ONCE(q->idle_since, now);
    spin_unlock(&q->lock);
    ktimer_rearm(grace_pending() ? KTIMER_TICKS : KTIMER_IDLE);
    grace_idle();
    cpu_idle();
    irq_disable();
    grace_idle();
    WRITE_ONCE(q->idle_cycles, q->idle_cycles + cpu_cycles() - now);
    WRITE_ONCE(q->idle_since, 0);
}

noreturn void sched_run(void)
{
    struct runq *q = own_runq();

    ASSERT(is_idle(current_thread()));
    runq_start(q);
    for (;;) {
        irq_enable();
        pass_work();
        while (!READ_ONCE(cpu_own.need_resched) && page_zero_one())
            continue;
        irq_disable();
        spin_lock(&q->lock);
        WRITE_ONCE(cpu_own.need_resched, 0);
        if (!runq_head(q) && !balance_steal(q)) {
            idle(q);
        } else {
            ktimer_start_ticks();
            switch_to(q, runq_take(q), cpu_cycles());
            irq_enable();
        }
    }
}
