/* SPDX-License-Identifier: MIT
 *
 * A thread's policy and the CPUs it may run on.
 */
#include "kernel/task/sched/policy.h"
#include "kernel/task/sched/sched_own.h"
#include "kernel/task/sched/wake.h"

void sched_set_policy(struct thread *t, u8 policy, u8 priority, const struct deadline *dl)
{
    bool waited = t->policy == SCHED_DEADLINE; /* perhaps in deadline_pass() */
    irqflags_t flags = irq_save();
    struct runq *q = lock_runq_of(t);
    bool runs = t == q->current;

    if (runs && t == current_thread())
        runq_charge(q, t, cpu_cycles());
    runq_set_policy(q, t, t->state == THREAD_RUNNABLE && !runs, policy, priority, dl);
    if (runs)
        q->running_rt = priority;
    if (q == own_runq())
        WRITE_ONCE(cpu_own.need_resched, 1);
    else
        sched_kick(q->cpu);
    spin_unlock_irq(&q->lock, flags);
    if (waited)
        thread_unpark(t);
}

void sched_set_nice(struct thread *t, s32 nice)
{
    REQUIRES(&proc_lock);
    WRITE_ONCE(t->nice, (s8)nice);
    if (t->tid == t->proc->pid)
        t->proc->nice = nice;
}

bool sched_set_allowed(struct thread *t, u64 allowed)
{
    irqflags_t flags = irq_save();
    struct runq *q = lock_runq_of(t);
    bool runs = t == q->current, here = allowed >> q->cpu & 1;

    t->allowed = allowed;
    if (here || t->state == THREAD_UNPLACED || t->state == THREAD_ZOMBIE) {
        spin_unlock_irq(&q->lock, flags);
        return true;
    }
    if (t->state == THREAD_SLEEPING) {
        runq_carry(t, q, runqs[sched_choose(t, q)]);
        spin_unlock_irq(&q->lock, flags);
        return true;
    }
    if (runs) {
        spin_unlock(&q->lock);
        sched_kick(q->cpu);
        irq_restore(flags);
        return false;
    }
    runq_take_out(q, t);
    runq_sleep(q, t);
    t->state = THREAD_UNPLACED;
    spin_unlock(&q->lock);
    sched_place(t);
    irq_restore(flags);
    return true;
}

bool sched_is_placed(struct thread *t)
{
    irqflags_t flags = irq_save();
    struct runq *q = lock_runq_of(t);
    bool placed = t->allowed >> q->cpu & 1 || t->state == THREAD_ZOMBIE;

    spin_unlock_irq(&q->lock, flags);
    return placed;
}

void sched_user_changed(struct proc *p)
{
    runq_set_user(p);
}
