/* SPDX-License-Identifier: MIT
 *
 * timer_create(2), for those who keep and take signals: a timer has one record, which is
 * pending at most once; expirations meanwhile are counted when it is taken.
 */
#pragma once

#include "kernel/event/alarm.h"
#include "kernel/task/proc.h"
#include "lib/index.h"

struct posix_timers {
    struct mutex lock;  /* before sig.lock: the timers, their lives */
    struct index by_id; /* [lock] */
    u32 next_id;        /* [lock] */
    struct rb_root cpu; /* [sig.lock] armed ones on clocks of used time */
    struct list due;    /* [sig.lock] their records were taken: they ring again */
};

struct posix_timer {
    struct alarm alarm;
    struct rb_node node;  /* [sig.lock] cpu, while `looks` is not 0: by runner and by */
    u64 looks;            /* the time of its clock when somebody looks at it again */
    struct list due_link; /* [sig.lock] due */
    struct proc *proc;    /* [c] */
    u32 id;               /* [c] with the next three */
    s32 clock, notify;
    u64 target;           /* serial of the thread that is told, 0: the process */
    u64 runner;           /* [c] serial of the thread whose time it is, 0: none's */
    struct pidref *other; /* [c] the process whose time it is, referenced; NULL: none's */
    struct sig_queued *q; /* [c] pending while it is in a list */
    u32 overrun;          /* [sig.lock] of the signal taken last */
    bool told;            /* [lock] the program knows its number */
};

/* For timer_create(2) and its kin. The time of its clock; when somebody looks at one on a clock of
 * used time, 0: nobody: sig.lock held. The alarm's function. */
u64 posix_timer_now(const struct posix_timer *t);
/* Whether no time of its clock passes any more, as nobody is left to use any: sig.lock held. */
bool posix_timer_is_over(const struct posix_timer *t);
/* After it was set or its signal was taken, without a spinlock: it rings when it has to. */
void posix_timer_arm(struct posix_timer *t);
void posix_timer_look(struct posix_timer *t, u64 looks);
/* One on a clock of used time, which shows `now`, has run out: it rings. sig.lock held. */
void posix_timer_try(struct posix_timer *t, u64 now);
u64 posix_timer_ring(struct ktimer *k);
/* The running process's timers, made when they are missing; NULL: no memory. */
struct posix_timers *posix_timers_own(void);
/* Gives t a number; no timer any more. With the mutex. */
int must_check posix_timer_number(struct posix_timers *all, struct posix_timer *t);
void posix_timer_end(struct posix_timers *all, struct posix_timer *t);

/* The record of a timer is taken out of its queue: what of it is told is put into *rec; or it
 * is thrown away. sig.lock held. */
void posix_timer_taken(struct sig_queued *q, struct sig_record *rec);
void posix_timer_dropped(struct sig_queued *q);

void posix_timers_rearm_due(struct proc *p);

/* After signals were taken or thrown away, without spinlocks. Whether it may have slept, for a mutex:
 * a wake-up that was for something else may be gone then, and who waits for it looks again. */
static inline bool posix_timers_rearm(struct proc *p)
{
    bool due = unlikely(p->timers) && !list_empty(&p->timers->due);

    if (due)
        posix_timers_rearm_due(p);
    return due;
}

/* The tick found t running: timers on used time. Interrupts off. */
void posix_timers_tick(struct proc *p, const struct thread *t);

/* exec, and the end: all of them go. The process has one thread. */
void posix_timers_end(struct proc *p);
