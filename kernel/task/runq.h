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
 * Real-time threads (SCHED_FIFO, SCHED_RR) stand in a queue of their own, which goes first: by
 * priority, then in the order in which they got ready; their `vruntime` is that place. A second
 * in which they had RT_SHARE of its ticks has a rest for the others, so that a real-time thread
 * that does not end leaves a machine to end it with.
 *
 * The scheduler's lock is held for all of it, interrupts are off. What is in the way of every
 * switch is inline, the rest in kernel/task/runq.c.
 */
#pragma once

#include "arch/time.h"
#include "kernel/task/proc.h"
#include "lib/uapi/sched.h"

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
    struct thread *rt_first; /* real-time threads; NULL: none is ready */
    struct rb_root rt;       /* all of them, the first one too */
    u64 rt_arrivals;
    bool rt_rests; /* they had their share of this second */
};

extern struct runq runq;

/* Sets the units of time. Once the clock runs. */
void runq_init(void);

#define RR_TICKS (TICK_HZ / 10) /* a turn of SCHED_RR */

void runq_put_realtime(struct thread *t);
struct thread *runq_take_realtime(void);
/* Behind all others of its priority. t is not in the queue. */
void runq_rt_last(struct thread *t);
/* One tick went to t, real-time or not (NULL: nobody): who has a share. */
void runq_rt_tick(struct thread *t);
/* The place of t when its policy becomes another; it may be in the queue (`queued`) or not. */
void runq_set_policy(struct thread *t, bool queued, u8 policy, u8 priority);

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
    if (unlikely(t->policy)) {
        if (!t->realtime)
            runq_add_weighed(t, ran, p ? (u64)p->nready * runq.user_ready[p->share] : 1);
        return;
    }
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

    if (unlikely(t->realtime)) {
        runq_put_realtime(t);
    } else if (likely(!first)) {
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

    if (unlikely(t->realtime))
        t->rt_ticks = 0, runq_rt_last(t);
    else if (runq_earlier(t->vruntime, earliest))
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

/* Who goes first, NULL: nobody is ready. While real-time threads rest they go when there is
 * nobody else. */
static inline struct thread *runq_head(void)
{
    if (unlikely(runq.rt_first) && (!runq.rt_rests || !runq.first))
        return runq.rt_first;
    return runq.first;
}

/* Whether the running thread t, which could go on, lets `next`, the head, run although or
 * because one of them is real-time; `yields`: t wants to. */
static inline bool runq_realtime_goes(const struct thread *t, const struct thread *next,
                                      bool yields)
{
    if (!next->realtime)
        return runq.rt_rests; /* t is */
    if (!t->realtime)
        return true;
    return yields ? next->priority >= t->priority : runq_before(next, t);
}

/* Takes the first one out; NULL: nobody is ready. */
static inline struct thread *runq_take(void)
{
    struct thread *t = runq_head();

    if (unlikely(t && t->realtime))
        return runq_take_realtime();
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
    u32 share = p->cred.uid % RUNQ_USERS;

    if (p->cred.uid && !share)
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
    if (runq_earlier(runq.least, t->vruntime) && !t->realtime)
        runq.least = t->vruntime;
}
