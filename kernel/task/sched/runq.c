/* SPDX-License-Identifier: MIT
 *
 * The queue of ready threads, its slower half; see kernel/task/sched/runq.h.
 */
#include "kernel/task/sched/runq.h"
#include "arch/time.h"
#include "kernel/task/rseq.h"
#include "lib/lock.h"
#include "lib/string.h"

#define WEIGHT_SHIFT 10 /* weight 1024 counts a cycle as one */
#define SHARERS_MAX  65536u
#define IDLE_INVERSE 349525 /* weight 3 */
#define RT_SHARE     95     /* ticks of a second's 100 */
#define RT_PLACES    48 /* bits of a place on either side among those of one priority */
#define RAN_MAX      (1ull << 27) /* cycles counted at once */

DEFINE_PER_CPU(struct runq, runq);
struct runq *runqs[MAX_CPUS];
u64 runq_cpus;

/* Linux's weights of the nice values -20 to 19, as 2^20 / weight. */
static const u32 inverse_weight[40] = {
    12,   15,    19,    23,    29,    36,    45,    56,    70,    88,
    110,  138,   172,   214,   268,   336,   419,   527,   661,   821,
    1024, 1279,  1601,  1993,  2479,  3130,  3855,  4877,  6096,  7654,
    9533, 12053, 14980, 18725, 23302, 29127, 36158, 45590, 58254, 69905,
};

void runq_init(struct runq *q, struct thread *idle)
{
    memset(q, 0, sizeof(*q));
    q->cpu = cpu_id();
    q->block = cpu_self();
    q->idle = q->current = idle;
    runqs[q->cpu] = q;
}

void runq_start(struct runq *q)
{
    q->head_start = clock_cycles_of_ns(3000000);
    q->debt_max = clock_cycles_of_ns(1000000000);
    __atomic_fetch_or(&runq_cpus, 1ull << q->cpu, __ATOMIC_SEQ_CST);
}

void runq_add_weighed(struct runq *q, struct thread *t, u64 ran, u64 sharers)
{
    u32 inverse = t->policy == SCHED_IDLE ? IDLE_INVERSE : inverse_weight[t->nice + 20];

    ran = MIN(ran, RAN_MAX) * inverse >> WEIGHT_SHIFT;
    t->vruntime += ran * MIN(MAX(sharers, 1ull), SHARERS_MAX);
    if (runq_earlier(q->least + q->debt_max, t->vruntime))
        t->vruntime = q->least + q->debt_max;
}

void runq_put_rest(struct runq *q, struct thread *t)
{
    struct rb_node **link = &q->rest.node, *parent = NULL;

    while (*link) {
        parent = *link;
        link = runq_before(t, rb_entry(parent, struct thread, run_node)) ? &parent->left
                                                                         : &parent->right;
    }
    rb_insert(&q->rest, &t->run_node, parent, link, NULL);
}

struct thread *runq_take_rest(struct runq *q)
{
    struct rb_node *next = rb_first(&q->rest);

    rb_erase(&q->rest, next, NULL);
    return rb_entry(next, struct thread, run_node);
}

/* ---- real-time threads ---- */

void runq_put_realtime(struct runq *q, struct thread *t)
{
    struct rb_node **link = &q->rt.node, *parent = NULL;

    while (*link) {
        parent = *link;
        link = runq_before(t, rb_entry(parent, struct thread, run_node)) ? &parent->left
                                                                         : &parent->right;
    }
    rb_insert(&q->rt, &t->run_node, parent, link, NULL);
    if (!q->rt_first || runq_before(t, q->rt_first))
        q->rt_first = t;
}

static void rt_remove(struct runq *q, struct thread *t)
{
    struct rb_node *next;

    rb_erase(&q->rt, &t->run_node, NULL);
    next = rb_first(&q->rt);
    q->rt_first = next ? rb_entry(next, struct thread, run_node) : NULL;
}

struct thread *runq_take_realtime(struct runq *q)
{
    struct thread *t = q->rt_first;

    rt_remove(q, t);
    return t;
}

void runq_rt_last(struct runq *q, struct thread *t)
{
    if (t->policy == SCHED_DEADLINE) /* before all priorities */
        t->vruntime = t->dl.until - (1ull << 62);
    else
        t->vruntime = (2 * (u64)(99 - t->priority) + 1) << RT_PLACES | ++q->rt_arrivals;
}

static void rt_before_equals(struct runq *q, struct thread *t)
{
    t->vruntime = ((2 * (u64)(99 - t->priority) + 1) << RT_PLACES) - ++q->rt_arrivals;
}

STATIC_ASSERT(TICK_HZ == 100);

void runq_rt_tick(struct runq *q, struct thread *t)
{
    if (++q->rt_ticks == TICK_HZ) {
        q->rt_ticks = q->rt_used = 0;
        q->rt_rests = false;
    }
    if (!t->realtime || t->policy == SCHED_DEADLINE)
        return;
    t->rt_ticks++;
    if (++q->rt_used >= RT_SHARE)
        q->rt_rests = true;
    if (t->policy == SCHED_RR && --t->rr_left == 0) {
        t->rr_left = RR_TICKS;
        runq_rt_last(q, t);
    }
}

void runq_take_out(struct runq *q, struct thread *t)
{
    if (t->realtime)
        rt_remove(q, t);
    else if (t == q->first)
        q->first = q->rest.node ? runq_take_rest(q) : NULL;
    else
        rb_erase(&q->rest, &t->run_node, NULL);
}

void runq_set_policy(struct runq *q, struct thread *t, bool queued, u8 policy,
                     u8 priority, const struct deadline *dl)
{
    bool realtime = policy == SCHED_FIFO || policy == SCHED_RR || dl, lowered;

    if (queued)
        runq_take_out(q, t);
    if (t->realtime && !realtime)
        t->vruntime = q->least;
    if (policy == SCHED_RR && t->policy != SCHED_RR)
        t->rr_left = RR_TICKS;
    lowered = t->realtime && priority < t->priority;
    t->policy = policy;
    t->priority = priority;
    t->realtime = realtime;
    if (dl)
        deadline_begin(t, dl);
    if (realtime && lowered)
        rt_before_equals(q, t);
    else if (realtime)
        runq_rt_last(q, t);
    if (queued)
        runq_put(q, t);
}

/* A process of which a thread runs counts where it does until that sleeps. */
void runq_set_user(struct proc *p)
{
    static spinlock_t lock;
    u32 share = p->cred.uid % RUNQ_USERS, ready;

    if (p->cred.uid && !share)
        share = 1;
    if (share == p->share)
        return;
    SCOPED_LOCK(&lock);
    ready = READ_ONCE(p->ready);
    if (ready & READY_COUNT) {
        struct runq *q = runqs[ready >> READY_CPU_SHIFT];

        __atomic_fetch_sub(&q->user_ready[p->share], 1, __ATOMIC_RELAXED);
        __atomic_fetch_add(&q->user_ready[share], 1, __ATOMIC_RELAXED);
    }
    WRITE_ONCE(p->share, share);
}

/* ---- several queues ---- */

#define LOOKED_AT 32 /* ready threads, for one that may run elsewhere */

void runq_carry(struct thread *t, const struct runq *from, const struct runq *to)
{
    REQUIRES(&from->lock);
    if (!t->realtime)
        t->vruntime += READ_ONCE(to->least) - from->least;
    WRITE_ONCE(t->cpu, to->cpu);
    if (t->rseq)
        rseq_note(t);
}

static bool may_run(const struct thread *t, u32 cpu)
{
    return t->allowed >> cpu & 1;
}

static struct thread *find_in(const struct rb_root *tree, u32 cpu)
{
    struct rb_node *at = tree->node ? rb_first(tree) : NULL;

    for (u32 i = 0; at && i < LOOKED_AT; i++, at = rb_next(at)) {
        struct thread *t = rb_entry(at, struct thread, run_node);

        if (may_run(t, cpu))
            return t;
    }
    return NULL;
}

struct thread *runq_find(const struct runq *q, u32 cpu)
{
    REQUIRES(&q->lock);
    struct thread *t = q->rt_rests ? NULL : find_in(&q->rt, cpu);

    if (t)
        return t;
    if (q->first && may_run(q->first, cpu))
        return q->first;
    return find_in(&q->rest, cpu);
}

void runq_count_elsewhere(struct runq *q, const struct proc *p)
{
    u32 share = READ_ONCE(p->share), sum = 0;

    for (u64 left = READ_ONCE(runq_cpus) & ~(1ull << q->cpu); left; left &= left - 1)
        sum += READ_ONCE(runqs[__builtin_ctzll(left)]->user_ready[share]);
    q->elsewhere[share] = sum;
}
