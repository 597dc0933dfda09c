/* SPDX-License-Identifier: MIT
 *
 * Who runs next: threads that are ready, in the order of what they have had of the CPU.
 *
 * Each thread's `vruntime` counts the cycles it ran, weighed: by its nice value
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
 * that does not end leaves a machine to end it with. Those of SCHED_DEADLINE are before all of
 * them, with a limit of their own: kernel/task/sched/deadline.h.
 *
 * Each CPU has a queue. A thread is on one queue or on one CPU, never both; `cpu` of the thread
 * says whose queue's lock protects it. What counts for the weights is the whole machine: a
 * process counts its ready threads, and each CPU the processes that became ready on it, by user;
 * of the other CPUs' counts it keeps a sum that its ticks bring up to date (balance_tick), so that
 * no line is written by two CPUs on the way of threads that have nothing to do with each other.
 * `vruntime` is told from `least` of its queue when a thread moves to another.
 *
 * The queue's lock is held for all of it, interrupts are off. What is in the way of every
 * switch is inline, the rest in kernel/task/sched/runq.c; how CPUs share in kernel/task/sched/balance.c.
 */
#pragma once

#include "arch/time.h"
#include "kernel/task/proc.h"
#include "lib/percpu.h"
#include "lib/uapi/sched.h"

#define RUNQ_USERS 1024u
#define RUNQ_FEW   32u /* sharers with whom a slice cannot make too much of a debt */

/* The first one stands beside the tree of the others: mostly there is no other. */
struct runq {
    spinlock_t lock; /* irq-safe */
    u32 cpu;         /* [c] */
    u32 nr; /* ready threads, with the one that runs; others read it without the lock */
    struct cpu
        *block;    /* [c] where `nr` stands as well, for who waits busily on this CPU */
    u8 running_rt; /* priority of the one that runs, 0: not real-time; the same */
    bool rt_rests; /* real-time threads had their share of this second */
    struct thread *current; /* who runs */
    struct thread *first;
    struct rb_root rest;
    u64 least;      /* vruntime of the first one that ran last; never goes back */
    u64 head_start; /* cycles */
    u64 debt_max;
    struct thread *idle;     /* [c] */
    struct thread *rt_first; /* real-time threads; NULL: none is ready */
    struct rb_root rt;       /* all of them, the first one too */
    u64 rt_arrivals;
    u32 rt_ticks,
        rt_used; /* of this second: ticks, and those that went to real-time threads */
    /* kernel/task/sched/balance.c: `least` and idle time when this window began, how much they grew
     * in the last one, and which that was. */
    u64 window, window_from, progress;
    /* Used by its CPU: cycles it was idle, and since when it is (0: it is not); ticks that fell
     * to programs and to the kernel. Others read them. */
    u64 idle_cycles, idle_since, user_ticks, system_ticks;
    u64 switches, launched; /* threads that ran after another; new ones */
    /* Processes that became ready here and still have ready threads, by user: root, and the
     * others by their numbers, of which some may meet in one place and then share. Atomic.
     * `elsewhere`: what the other CPUs had some ticks ago. Lines of their own: others
     * look at the first, and this CPU changes what is above with each tick. */
    u32 user_ready[RUNQ_USERS] __attribute__((aligned(64)));
    u32 elsewhere[RUNQ_USERS] __attribute__((aligned(64)));
} __attribute__((aligned(64)));

DECLARE_PER_CPU(struct runq, runq);
extern struct runq *runqs[MAX_CPUS]; /* [c] of the CPUs in runq_cpus */
extern u64 runq_cpus;                /* CPUs that take threads; atomic, only grows */

/* The running CPU's queue is empty, and `idle` runs. */
void runq_init(struct runq *q, struct thread *idle);
/* The running CPU takes threads from now on. Once the clock runs. */
void runq_start(struct runq *q);

#define RR_TICKS (TICK_HZ / 10) /* a turn of SCHED_RR */

void runq_put_realtime(struct runq *q, struct thread *t);
struct thread *runq_take_realtime(struct runq *q);
/* Behind all others of its priority, or where its deadline says. t is not in the queue. */
void runq_rt_last(struct runq *q, struct thread *t);
/* One tick went to t, real-time or not: who has a share. */
void runq_rt_tick(struct runq *q, struct thread *t);
/* The place of t when its policy becomes another; it may be in the queue (`queued`) or not. dl:
 * for SCHED_DEADLINE. */
void runq_set_policy(struct runq *q, struct thread *t, bool queued, u8 policy,
                     u8 priority, const struct deadline *dl);
/* Takes out t, which is in the queue. */
void runq_take_out(struct runq *q, struct thread *t);
/* t, which is in no queue, leaves `from`, whose lock is held, for `to`: its place among the
 * others stays; a real-time thread needs a new one. */
void runq_carry(struct thread *t, const struct runq *from, const struct runq *to);
/* The first ready thread that may run on `cpu` (of the first few), NULL: none. */
struct thread *runq_find(const struct runq *q, u32 cpu);
/* p, whose thread runs or which is new, may belong to another user now. */
void runq_set_user(struct proc *p);
/* Counts anew what the other CPUs have of the user of p. */
void runq_count_elsewhere(struct runq *q, const struct proc *p);

void runq_add_weighed(struct runq *q, struct thread *t, u64 ran, u64 sharers);
void runq_put_rest(struct runq *q, struct thread *t);
struct thread *runq_take_rest(struct runq *q);

static inline bool runq_earlier(u64 a, u64 b)
{
    return (s64)(a - b) < 0;
}

/* Whether a comes before b. */
static inline bool runq_before(const struct thread *a, const struct thread *b)
{
    return runq_earlier(a->vruntime, b->vruntime);
}

/* ---- who shares ---- */

/* struct proc.ready: the number of ready threads, and on which CPU the first of them became
 * ready, which is where the process counts for its user. */
#define READY_COUNT     0xffffffu
#define READY_CPU_SHIFT 24

static inline u64 runq_sharers(const struct runq *q, const struct proc *p)
{
    u32 users = q->user_ready[p->share] + q->elsewhere[p->share];

    return (u64)(READ_ONCE(p->ready) & READY_COUNT) * users;
}

static inline void runq_count(struct runq *q, struct proc *p)
{
    u32 old = READ_ONCE(p->ready), new;

    do
        new = likely(!(old & READY_COUNT)) ? q->cpu << READY_CPU_SHIFT | 1 : old + 1;
    while (!__atomic_compare_exchange_n(&p->ready, &old, new, false, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED));
    if (likely(!(old & READY_COUNT)))
        __atomic_fetch_add(&q->user_ready[p->share], 1, __ATOMIC_RELAXED);
}

static inline void runq_discount(struct proc *p)
{
    u32 old = __atomic_fetch_sub(&p->ready, 1, __ATOMIC_RELAXED);

    if (likely((old & READY_COUNT) == 1))
        __atomic_fetch_sub(&runqs[old >> READY_CPU_SHIFT]->user_ready[p->share], 1,
                           __ATOMIC_RELAXED);
}

/* ---- the queue ---- */

/* Adds what t, which runs, has had until now. */
static inline void runq_charge(struct runq *q, struct thread *t, u64 now)
{
    const struct proc *p = t->proc;
    u64 ran = now - t->ran_since, sharers = 1;

    t->ran_since = now;
    if (unlikely(t->policy)) {
        if (!t->realtime)
            runq_add_weighed(q, t, ran, p ? runq_sharers(q, p) : 1);
        else if (t->policy == SCHED_DEADLINE)
            deadline_charge(t, ran);
        return;
    }
    if (likely(p))
        sharers = runq_sharers(q, p);
    if (unlikely(sharers - 1 >= RUNQ_FEW || t->nice))
        runq_add_weighed(q, t, ran, sharers);
    else
        t->vruntime += ran * sharers;
}

/* t ran and is ready to go on. */
static inline void runq_put(struct runq *q, struct thread *t)
{
    struct thread *first = q->first;

    if (unlikely(t->realtime)) {
        runq_put_realtime(q, t);
    } else if (likely(!first)) {
        q->first = t;
    } else if (runq_before(t, first)) {
        q->first = t;
        runq_put_rest(q, first);
    } else {
        runq_put_rest(q, t);
    }
}

static inline void runq_set_nr(struct runq *q, u32 nr)
{
    WRITE_ONCE(q->nr, nr);
    WRITE_ONCE(q->block->ready, nr);
}

/* t was asleep or is new, and is ready now. */
static inline void runq_wake(struct runq *q, struct thread *t)
{
    u64 earliest = q->least - q->head_start;
    struct proc *p = t->proc;

    if (unlikely(t->policy == SCHED_DEADLINE))
        deadline_wake(t);
    if (unlikely(t->realtime))
        runq_rt_last(q, t);
    else if (runq_earlier(t->vruntime, earliest))
        t->vruntime = earliest;
    if (p)
        runq_count(q, p);
    runq_set_nr(q, q->nr + 1);
    runq_put(q, t);
}

/* t, which runs, goes to sleep or ends. */
static inline void runq_sleep(struct runq *q, struct thread *t)
{
    runq_set_nr(q, q->nr - 1);
    if (t->proc)
        runq_discount(t->proc);
}

/* Who goes first, NULL: nobody is ready. While real-time threads rest they go when there is
 * nobody else; those with a deadline have their own limit. */
static inline struct thread *runq_head(const struct runq *q)
{
    if (unlikely(q->rt_first) &&
        (!q->rt_rests || !q->first || q->rt_first->policy == SCHED_DEADLINE))
        return q->rt_first;
    return q->first;
}

/* Whether the running thread t, which could go on, lets `next`, the head, run although or
 * because one of them is real-time; `yields`: t wants to. */
static inline bool runq_realtime_goes(const struct runq *q, const struct thread *t,
                                      const struct thread *next, bool yields)
{
    if (!next->realtime)
        return q->rt_rests && t->policy != SCHED_DEADLINE; /* t is real-time */
    if (!t->realtime)
        return true;
    return yields ? next->priority >= t->priority : runq_before(next, t);
}

/* Takes the first one out; NULL: nobody is ready. */
static inline struct thread *runq_take(struct runq *q)
{
    struct thread *t = runq_head(q);

    if (unlikely(t && t->realtime))
        return runq_take_realtime(q);
    if (!t)
        return NULL;
    q->first = unlikely(q->rest.node) ? runq_take_rest(q) : NULL;
    if (runq_earlier(q->least, t->vruntime))
        q->least = t->vruntime;
    return t;
}

/* Nobody who waits comes before t, which runs on. */
static inline void runq_stay(struct runq *q, const struct thread *t)
{
    if (runq_earlier(q->least, t->vruntime) && !t->realtime)
        q->least = t->vruntime;
}
