/* SPDX-License-Identifier: MIT
 *
 * Timers in trees by deadline, one for each CPU; the first one is remembered. The CPU's timer is
 * set to the first deadline or to the next tick, whichever comes earlier. Ticks stand on a grid
 * that is the same for all CPUs, so that what they sample is not bent by when a CPU left idle. An
 * idle CPU lets a tick that is set pass, and sets no more.
 */
#include "kernel/task/sched/timer.h"
#include "arch/time.h"
#include "lib/lock.h"
#include "lib/percpu.h"
#include "lib/spinlock.h"

#define NEVER      (~0ull)
/* A timer that rings so little before a tick is the tick: none comes for nothing, and where only
 * a periodic timer rings, all of its rings count. */
#define TICK_EARLY (TICK_NS / 8)

struct timerq {
    spinlock_t lock; /* irq-safe */
    struct rb_root timers;
    struct ktimer *earliest;
    /* Used by its CPU only. */
    u64 armed; /* to what the CPU's timer is set, NEVER: to nothing */
    u64 next_tick;
} __attribute__((aligned(64)));

static DEFINE_PER_CPU(struct timerq, timerq);

void ktimer_init_cpu(void)
{
    this_cpu(timerq) = (struct timerq){.armed = NEVER};
}

void ktimer_init(struct ktimer *t, u64 (*fn)(struct ktimer *t))
{
    t->deadline = 0;
    t->cpu = cpu_id();
    t->fn = fn;
}

/* Behind those of the same deadline. */
static void insert(struct timerq *q, struct ktimer *t, u64 deadline)
{
    REQUIRES(&q->lock);
    struct rb_node **link = &q->timers.node, *parent = NULL;
    bool first = true;

    t->deadline = deadline;
    while (*link) {
        parent = *link;
        if (deadline < rb_entry(parent, struct ktimer, node)->deadline) {
            link = &parent->left;
        } else {
            link = &parent->right;
            first = false;
        }
    }
    rb_insert(&q->timers, &t->node, parent, link, NULL);
    if (first)
        q->earliest = t;
}

static void take_out(struct timerq *q, struct ktimer *t)
{
    REQUIRES(&q->lock);
    if (t == q->earliest) {
        struct rb_node *next = rb_next(&t->node);

        q->earliest = next ? rb_entry(next, struct ktimer, node) : NULL;
    }
    rb_erase(&q->timers, &t->node, NULL);
    t->deadline = 0;
}

/* Locks the queue that protects t. Interrupts off. */
static struct timerq *lock_timerq_of(const struct ktimer *t)
{
    for (;;) {
        u32 cpu = READ_ONCE(t->cpu);
        struct timerq *q = &per_cpu(timerq, cpu);

        spin_lock(&q->lock);
        if (likely(READ_ONCE(t->cpu) == cpu))
            return q;
        spin_unlock(&q->lock); /* it moved */
    }
}

static void arm(struct timerq *q, u64 deadline)
{
    if (deadline < q->armed) {
        q->armed = deadline;
        arch_timer_arm(deadline);
    }
}

u64 ktimer_set(struct ktimer *t, u64 deadline)
{
    irqflags_t flags = irq_save();
    struct timerq *own = this_cpu_ptr(timerq), *q = lock_timerq_of(t);
    u64 old = t->deadline;

    for (;;) {
        if (t->deadline)
            take_out(q, t);
        if (!deadline || likely(q == own))
            break;
        WRITE_ONCE(t->cpu, cpu_id());
        spin_unlock(&q->lock);
        q = lock_timerq_of(
            t); /* ours, unless somebody else sets it too: then once more */
    }
    if (deadline) {
        insert(q, t, deadline);
        arm(q, deadline);
    }
    spin_unlock_irq(&q->lock, flags);
    return old;
}

/* So many ring in one interrupt; for the rest there comes another at once. */
#define RINGS_MAX 64u

static void run_due(struct timerq *q, u64 now)
{
    SCOPED_LOCK(&q->lock);
    for (u32 n = 0; n < RINGS_MAX && q->earliest && q->earliest->deadline <= now; n++) {
        struct ktimer *t = q->earliest;
        u64 next;

        take_out(q, t);
        next = t->fn(t);
        if (next)
            insert(q, t, next);
    }
}

static void count_ticks(u64 now)
{
    u32 ticks = (u32)(now / TICK_NS);

    if (READ_ONCE(clock_ticks) != ticks)
        WRITE_ONCE(clock_ticks, ticks);
}

bool ktimer_interrupt(u64 now)
{
    struct timerq *q = this_cpu_ptr(timerq);

    q->armed = NEVER;
    run_due(q, now);
    if (now + TICK_EARLY < q->next_tick)
        return false;
    q->next_tick += TICK_NS;
    if (q->next_tick <= now) /* ticks that were missed stay missed */
        q->next_tick = (now / TICK_NS + 1) * TICK_NS;
    count_ticks(now);
    return true;
}

void ktimer_rearm(enum ktimer_use use)
{
    struct timerq *q = this_cpu_ptr(timerq);
    u64 idle_tick = use == KTIMER_TICKS ? NEVER : arch_idle_poll_ns();
    SCOPED_LOCK(&q->lock);

    if (q->earliest)
        arm(q, q->earliest->deadline);
    if (use == KTIMER_TICKS)
        arm(q, q->next_tick);
    else if (idle_tick != NEVER)
        arm(q, clock_monotonic_ns() + idle_tick);
}

void ktimer_start_ticks(void)
{
    struct timerq *q = this_cpu_ptr(timerq);
    u64 now;

    if (q->armed <= q->next_tick)
        return; /* mostly: a CPU that was idle for less than a tick */
    now = clock_monotonic_ns();
    if (q->next_tick <= now)
        q->next_tick = (now / TICK_NS + 1) * TICK_NS;
    count_ticks(now);
    arm(q, q->next_tick);
}
