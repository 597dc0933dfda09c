/* SPDX-License-Identifier: MIT
 *
 * The queue of ready threads, its slower half; see kernel/task/runq.h.
 */
#include "kernel/task/runq.h"
#include "arch/time.h"

#define WEIGHT_SHIFT 10 /* weight 1024 counts a cycle as one */
#define SHARERS_MAX  65536u
#define IDLE_INVERSE 349525 /* weight 3 */
#define RT_SHARE     95     /* ticks of a second's 100 */
#define RT_PLACES    48 /* bits of a place on either side among those of one priority */
#define RAN_MAX      (1ull << 27) /* cycles counted at once */

struct runq runq;

/* Linux's weights of the nice values -20 to 19, as 2^20 / weight. */
static const u32 inverse_weight[40] = {
    12,   15,    19,    23,    29,    36,    45,    56,    70,    88,
    110,  138,   172,   214,   268,   336,   419,   527,   661,   821,
    1024, 1279,  1601,  1993,  2479,  3130,  3855,  4877,  6096,  7654,
    9533, 12053, 14980, 18725, 23302, 29127, 36158, 45590, 58254, 69905,
};

void runq_init(void)
{
    runq.head_start = clock_cycles_of_ns(3000000);
    runq.debt_max = clock_cycles_of_ns(1000000000);
}

void runq_add_weighed(struct thread *t, u64 ran, u64 sharers)
{
    const struct proc *p = t->proc;
    u32 inverse = t->policy == SCHED_IDLE ? IDLE_INVERSE : inverse_weight[p->nice + 20];

    ran = MIN(ran, RAN_MAX) * inverse >> WEIGHT_SHIFT;
    t->vruntime += ran * MIN(MAX(sharers, 1ull), SHARERS_MAX);
    if (runq_earlier(runq.least + runq.debt_max, t->vruntime))
        t->vruntime = runq.least + runq.debt_max;
}

void runq_put_rest(struct thread *t)
{
    struct rb_node **link = &runq.rest.node, *parent = NULL;

    while (*link) {
        parent = *link;
        link = runq_before(t, rb_entry(parent, struct thread, run_node)) ? &parent->left
                                                                         : &parent->right;
    }
    rb_insert(&runq.rest, &t->run_node, parent, link, NULL);
}

struct thread *runq_take_rest(void)
{
    struct rb_node *next = rb_first(&runq.rest);

    rb_erase(&runq.rest, next, NULL);
    return rb_entry(next, struct thread, run_node);
}

/* ---- real-time threads ---- */

void runq_put_realtime(struct thread *t)
{
    struct rb_node **link = &runq.rt.node, *parent = NULL;

    while (*link) {
        parent = *link;
        link = runq_before(t, rb_entry(parent, struct thread, run_node)) ? &parent->left
                                                                         : &parent->right;
    }
    rb_insert(&runq.rt, &t->run_node, parent, link, NULL);
    if (!runq.rt_first || runq_before(t, runq.rt_first))
        runq.rt_first = t;
}

static void rt_remove(struct thread *t)
{
    struct rb_node *next;

    rb_erase(&runq.rt, &t->run_node, NULL);
    next = rb_first(&runq.rt);
    runq.rt_first = next ? rb_entry(next, struct thread, run_node) : NULL;
}

struct thread *runq_take_realtime(void)
{
    struct thread *t = runq.rt_first;

    rt_remove(t);
    return t;
}

void runq_rt_last(struct thread *t)
{
    t->vruntime = (2 * (u64)(99 - t->priority) + 1) << RT_PLACES | ++runq.rt_arrivals;
}

static void rt_before_equals(struct thread *t)
{
    t->vruntime = ((2 * (u64)(99 - t->priority) + 1) << RT_PLACES) - ++runq.rt_arrivals;
}

STATIC_ASSERT(TICK_HZ == 100);

void runq_rt_tick(struct thread *t)
{
    static u32 ticks, used;

    if (++ticks == TICK_HZ) {
        ticks = used = 0;
        runq.rt_rests = false;
    }
    if (!t || !t->realtime)
        return;
    t->rt_ticks++;
    if (++used >= RT_SHARE)
        runq.rt_rests = true;
    if (t->policy == SCHED_RR && --t->rr_left == 0) {
        t->rr_left = RR_TICKS;
        runq_rt_last(t);
    }
}

static void take_out(struct thread *t)
{
    if (t->realtime)
        rt_remove(t);
    else if (t == runq.first)
        runq.first = runq.rest.node ? runq_take_rest() : NULL;
    else
        rb_erase(&runq.rest, &t->run_node, NULL);
}

void runq_set_policy(struct thread *t, bool queued, u8 policy, u8 priority)
{
    bool realtime = policy == SCHED_FIFO || policy == SCHED_RR, lowered;

    if (queued)
        take_out(t);
    if (t->realtime && !realtime)
        t->vruntime = runq.least;
    if (policy == SCHED_RR && t->policy != SCHED_RR)
        t->rr_left = RR_TICKS;
    lowered = t->realtime && priority < t->priority;
    t->policy = policy;
    t->priority = priority;
    t->realtime = realtime;
    if (realtime && lowered)
        rt_before_equals(t);
    else if (realtime)
        runq_rt_last(t);
    if (queued)
        runq_put(t);
}
