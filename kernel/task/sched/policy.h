/* SPDX-License-Identifier: MIT
 *
 * A thread's policy, its CPUs, and whom it takes its share from.
 */
#pragma once

#include "kernel/task/proc.h"

/* sched_setscheduler(2): a policy and priority that were checked; dl: what SCHED_DEADLINE was
 * promised, else NULL. proc_lock held, if others may do the same. */
void sched_set_policy(struct thread *t, u8 policy, u8 priority,
                      const struct deadline *dl);

/* nice(2): -20 to 19. proc_lock held. */
void sched_set_nice(struct thread *t, s32 nice);

/* sched_setaffinity(2): t may run on these CPUs only, of which one at least runs. False: it runs
 * on another one still, whose way to user mode it will not go there: until sched_is_placed(). */
bool sched_set_allowed(struct thread *t, u64 allowed);
bool sched_is_placed(struct thread *t);

/* p is new or its real user changed: it takes its share of the CPU from that user's. */
void sched_user_changed(struct proc *p);

/* How late timers of a thread may be, in ns. None is late on purpose here, so the number is
 * kept for who asks and for children; 0: what the thread began with. */
static inline void thread_set_slack(struct thread *t, u64 ns)
{
    WRITE_ONCE(t->slack, ns ?: t->slack_default);
}
static inline u64 thread_slack(const struct thread *t)
{
    return READ_ONCE(t->slack) ?: 50000; /* what Linux's first process begins with */
}
