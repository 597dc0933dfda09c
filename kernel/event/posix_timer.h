/* SPDX-License-Identifier: MIT
 *
 * timer_create(2), for those who keep and take signals: a timer has one record, which is
 * pending at most once; expirations meanwhile are counted when it is taken.
 */
#pragma once

#include "kernel/task/proc.h"
#include "lib/index.h"

struct posix_timers {
    struct mutex lock;  /* before sig.lock: the timers, their lives */
    struct index by_id; /* [lock] */
    u32 next_id;        /* [lock] */
    struct rb_root cpu; /* [sig.lock] armed ones on clocks of used time */
    struct list due;    /* [sig.lock] their records were taken: they ring again */
};

/* The record of a timer is taken out of its queue: what of it is told is put into *rec; or it
 * is thrown away. sig.lock held. */
void posix_timer_taken(struct sig_queued *q, struct sig_record *rec);
void posix_timer_dropped(struct sig_queued *q);

void posix_timers_rearm_due(struct proc *p);

/* After signals were taken or thrown away, without spinlocks. */
static inline void posix_timers_rearm(struct proc *p)
{
    if (unlikely(p->timers) && !list_empty(&p->timers->due))
        posix_timers_rearm_due(p);
}

/* The tick found t running: timers on used time. Interrupts off. */
void posix_timers_tick(struct proc *p, const struct thread *t);

/* exec, and the end: all of them go. The process has one thread. */
void posix_timers_end(struct proc *p);
