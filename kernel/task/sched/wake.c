/* SPDX-License-Identifier: MIT
 *
 * Threads get ready: which CPU they go to, and whether that one looks for them at once.
 */
#include "kernel/task/sched/wake.h"
#include "arch/smp.h"
#include "kernel/task/proc.h"
#include "kernel/task/sched/balance.h"
#include "kernel/task/sched/runq.h"
#include "kernel/task/sched/sched_own.h"
#include "lib/lock.h"

void sched_kick(u32 cpu)
{
    u32 *flag = &cpu_block(cpu)->need_resched;

    /* This CPU looks at it on its way out. */
    if (!__atomic_exchange_n(flag, 1, __ATOMIC_SEQ_CST) && cpu != cpu_id())
        arch_cpu_kick(cpu);
}

/* Whether t, which got ready on the queue of another CPU, goes before the one that runs. */
static noinline bool goes_first(const struct runq *q, const struct thread *t)
{
    const struct thread *runs = q->current;
    u64 ran = cpu_cycles() - runs->ran_since;

    if (runs == q->idle)
        return true;
    if (t->realtime | runs->realtime)
        return runq_realtime_goes(q, runs, t, false);
    return runq_earlier(t->vruntime, runs->vruntime + ((s64)ran > 0 ? ran : 0));
}

/* t is ready from now on, in q. */
static always_inline void make_ready(struct runq *q, struct thread *t)
{
    REQUIRES(&q->lock);
    t->state = THREAD_RUNNABLE;
    runq_wake(q, t);
    if (unlikely(q->nr > 1 && cpu_count > 1))
        balance_note_waiting(q);
    if (unlikely(q != own_runq()) && goes_first(q, t))
        sched_kick(q->cpu);
}

u32 sched_choose(const struct thread *t, const struct runq *last)
{
    return likely(cpu_count == 1) ? last->cpu : balance_choose(t, last->cpu);
}

void sched_place(struct thread *t)
{
    struct runq *q = lock_runq_of(t);

    for (;;) {
        u32 cpu = sched_choose(t, q);

        if (cpu == q->cpu)
            break;
        runq_carry(t, q, runqs[cpu]);
        spin_unlock(&q->lock);
        q = lock_runq_of(t);
    }
    make_ready(q, t);
    spin_unlock(&q->lock);
}

/* t, of q, goes to the CPU's queue instead, unless somebody else holds that one's lock: locks
 * are not waited for with another one held. The queue where it is now, locked. */
static noinline struct runq *take_elsewhere(struct runq *q, struct thread *t, u32 cpu)
{
    struct runq *to = runqs[cpu];

    if (!spin_trylock(&to->lock))
        return q;
    runq_carry(t, q, to);
    spin_unlock(&q->lock);
    return to;
}

/* t wakes up; its queue q is locked, and given up. */
static always_inline void wake(struct runq *q, struct thread *t)
{
    u32 cpu = sched_choose(t, q);

    if (unlikely(cpu != q->cpu))
        q = take_elsewhere(q, t, cpu);
    t->rt_ticks = 0;
    make_ready(q, t);
    if (q == own_runq()) /* and not |=: another CPU may set it just now */
        WRITE_ONCE(cpu_own.need_resched, 1);
    spin_unlock(&q->lock);
}

/* The wake-up of a sleeper is over with this: a note of it would have to be taken back by the
 * woken thread, and might take back that of another wake-up with it. */
void thread_unpark(void *thread)
{
    struct thread *t = thread;
    irqflags_t flags = irq_save();
    struct runq *q = lock_runq_of(t);

    if (t->state == THREAD_SLEEPING) {
        wake(q, t);
    } else {
        t->unparked = true;
        spin_unlock(&q->lock);
    }
    irq_restore(flags);
}

void thread_notify(struct thread *t)
{
    irqflags_t flags = irq_save();
    struct runq *q = lock_runq_of(t);

    thread_look(t);
    if (t->state == THREAD_SLEEPING) {
        wake(q, t);
    } else {
        t->unparked = true;
        if (t == q->current && q != own_runq())
            sched_kick(q->cpu);
        spin_unlock(&q->lock);
    }
    irq_restore(flags);
}

u64 sched_sleep_over(struct ktimer *timer)
{
    thread_unpark(container_of(timer, struct thread, sleep_timer));
    return 0;
}

void thread_launch(struct thread *t)
{
    struct runq *q = own_runq();
    irqflags_t flags = spin_lock_irq(&q->lock);
    struct thread *creator = current_thread();
    u32 cpu;

    if (creator != q->idle) {
        runq_charge(q, creator, cpu_cycles());
        if (!creator->realtime && !t->realtime)
            t->vruntime = creator->vruntime; /* no head start for being new */
        else if (!t->realtime)
            t->vruntime = q->least;
    }
    WRITE_ONCE(q->launched, q->launched + 1);
    t->cpu = q->cpu;
    cpu = sched_choose(t, q);
    if (likely(cpu == q->cpu))
        make_ready(q, t);
    spin_unlock(&q->lock);
    if (unlikely(cpu != q->cpu))
        sched_place(t);
    irq_restore(flags);
}
