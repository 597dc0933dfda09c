/* SPDX-License-Identifier: MIT
 *
 * Who runs next: threads that are ready, in the order of what they have had of the CPU.
 *
 * Each thread's `vruntime` counts the cycles it ran, weighed: by the nice value of its process
 * (Linux's table, 25 % of difference a step), by the number of threads of its process that are
 * ready, and by the number of processes of its user that have such threads. The one with the
 * least goes first. So users share the CPU evenly among those who want it, processes their
 * user's share by their nice values, threads their process's.
 *
 * Who slept starts a little before those who did not, so that it gets the CPU soon; but not
 * earlier, however long it slept. Nobody's debt is more than a second.
 *
 * The scheduler's lock is held for all of it, interrupts are off. What is in the way of every
 * switch is inline, the rest in kernel/task/runq.c.
 */
#pragma once

#include "kernel/task/proc.h"

#define RUNQ_USERS 1024u
#define RUNQ_FEW   32u /* sharers with whom a slice cannot make too much of a debt */

/* The first one stands beside the tree of the others: mostly there is no other. */
struct runq {
    struct thread *first;
    struct rb_root rest;
    u64 least;      /* vruntime of the first one that ran last; never goes back */
    u64 head_start; /* cycles */
    u64 debt_max;
    /* Processes with ready threads, by user: root, and the others by their numbers, of which
     * some may meet in one place and then share. */
    u32 user_ready[RUNQ_USERS];
};

extern struct runq runq;

/* Sets the units of time. Once the clock runs. */
void runq_init(void);

void runq_add_weighed(struct thread *t, u64 ran, u64 sharers);
void runq_put_rest(struct thread *t);
struct thread *runq_take_rest(void);

static inline bool runq_earlier(u64 a, u64 b)
{
    return (s64)(a - b) < 0;
}

/* Whether a comes before b. */
static inline bool runq_before(const struct thread *a, const struct thread *b)
{
    return runq_earlier(a->vruntime, b->vruntime);
}

/* Adds what t, which runs, has had until now. */
static inline void runq_charge(struct thread *t, u64 now)
{
    const struct proc *p = t->proc;
    u64 ran = now - t->ran_since, sharers = 1;

    t->ran_since = now;
    if (likely(p))
        sharers = (u64)p->nready * runq.user_ready[p->share];
    if (unlikely(sharers > RUNQ_FEW || (p && p->nice)))
        runq_add_weighed(t, ran, sharers);
    else
        t->vruntime += ran * sharers;
}

/* t ran and is ready to go on. */
static inline void runq_put(struct thread *t)
{
    struct thread *first = runq.first;

    if (likely(!first)) {
        runq.first = t;
    } else if (runq_before(t, first)) {
        runq.first = t;
        runq_put_rest(first);
    } else {
        runq_put_rest(t);
    }
}

/* t was asleep or is new, and is ready now. */
static inline void runq_wake(struct thread *t)
{
    u64 earliest = runq.least - runq.head_start;
    struct proc *p = t->proc;

    if (runq_earlier(t->vruntime, earliest))
        t->vruntime = earliest;
    if (p && p->nready++ == 0)
        runq.user_ready[p->share]++;
    runq_put(t);
}

/* t, which runs, goes to sleep or ends. */
static inline void runq_sleep(struct thread *t)
{
    struct proc *p = t->proc;

    if (p && --p->nready == 0)
        runq.user_ready[p->share]--;
}

/* Takes the first one out; NULL: nobody is ready. */
static inline struct thread *runq_take(void)
{
    struct thread *t = runq.first;

    if (!t)
        return NULL;
    runq.first = unlikely(runq.rest.node) ? runq_take_rest() : NULL;
    if (runq_earlier(runq.least, t->vruntime))
        runq.least = t->vruntime;
    return t;
}

/* p belongs to another user now, or is new. */
static inline void runq_set_user(struct proc *p)
{
    u32 share = p->uid % RUNQ_USERS;

    if (p->uid && !share)
        share = 1;
    if (p->nready) {
        runq.user_ready[p->share]--;
        runq.user_ready[share]++;
    }
    p->share = share;
}

/* Nobody who waits comes before t, which runs on. */
static inline void runq_stay(const struct thread *t)
{
    if (runq_earlier(runq.least, t->vruntime))
        runq.least = t->vruntime;
}
