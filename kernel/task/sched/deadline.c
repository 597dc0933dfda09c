/* SPDX-License-Identifier: MIT
 *
 * SCHED_DEADLINE: what is promised, budgets and deadlines.
 */
#include "kernel/task/sched/deadline.h"
#include "arch/time.h"
#include "kernel/task/sched/sched.h"
#include "kernel/task/sched/sched_own.h"
#include "kernel/task/signal.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/sched.h"

#define RUNTIME_MIN 1024ull       /* ns, as on Linux */
#define PERIOD_MIN  100000ull     /* ns; sched_deadline_period_min_us of Linux */
#define PERIOD_MAX  4194304000ull /* ns; sched_deadline_period_max_us */
#define SHARE_SHIFT 20
#define SHARE_MOST  ((95ull << SHARE_SHIFT) / 100) /* of a CPU */

static u64 promised; /* atomic: the sum of all shares */

static u64 share_of(const struct deadline *d)
{
    return (d->runtime << SHARE_SHIFT) / d->period;
}

int deadline_check(struct deadline *d)
{
    u64 top = 1ull << 63;

    if (!d->deadline || d->runtime < RUNTIME_MIN || (d->deadline | d->period) & top)
        return -EINVAL;
    d->period = d->period ?: d->deadline;
    if (d->runtime > d->deadline || d->deadline > d->period || d->period < PERIOD_MIN ||
        d->period > PERIOD_MAX)
        return -EINVAL;
    return 0;
}

bool deadline_admit(const struct thread *t, const struct deadline *d)
{
    REQUIRES(&proc_lock);
    u64 all = __atomic_load_n(&promised, __ATOMIC_RELAXED), new;

    do {
        new = all + share_of(d) - (t->policy == SCHED_DEADLINE ? share_of(&t->dl) : 0);
        if (new > SHARE_MOST * cpu_count)
            return false;
    } while (!__atomic_compare_exchange_n(&promised, &all, new, false, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    return true;
}

void deadline_forget(struct thread *t)
{
    __atomic_fetch_sub(&promised, share_of(&t->dl), __ATOMIC_RELAXED);
}

/* ---- budgets ---- */

static void renew(struct deadline *d, u64 now)
{
    d->until = now + d->deadline;
    d->left = (s64)d->runtime;
}

static void spend(struct thread *t)
{
    WRITE_ONCE(t->dl.spent, true);
    thread_look(t);
}

void deadline_begin(struct thread *t, const struct deadline *d)
{
    t->dl = *d;
    renew(&t->dl, clock_monotonic_ns());
}

/* Whether what is left until the old deadline is more than the share: runtime / deadline. */
static bool too_dense(const struct deadline *d, u64 now)
{
    return d->left > 0 && ((u64)d->left >> 10) * (d->deadline >> 10) >
                              ((d->until - now) >> 10) * (d->runtime >> 10);
}

void deadline_wake(struct thread *t)
{
    struct deadline *d = &t->dl;
    u64 now = clock_monotonic_ns();

    if (d->until > now) {
        if (too_dense(d, now))
            renew(d, now);
    } else if (now >= d->until - d->deadline + d->period) {
        renew(d, now);
    } else { /* its deadline is over, its period is not */
        d->left = MIN(d->left, 0);
        spend(t);
    }
}

void deadline_charge(struct thread *t, u64 cycles)
{
    t->dl.left -= (s64)clock_ns_of_span(cycles);
    if (t->dl.left <= 0)
        spend(t);
}

void deadline_yield(void)
{
    struct runq *q = own_runq();
    irqflags_t flags = spin_lock_irq(&q->lock);
    struct thread *t = current_thread();

    if (t->policy == SCHED_DEADLINE) {
        t->dl.left = MIN(t->dl.left, 0);
        spend(t);
    }
    spin_unlock_irq(&q->lock, flags);
}

/* Whether t has to wait, and until when: its next budget is given already. */
static bool must_wait(struct thread *t, u64 *release, bool *overran)
{
    irqflags_t flags = irq_save();
    struct runq *q = lock_runq_of(t);
    struct deadline *d = &t->dl;
    u64 now = clock_monotonic_ns();
    bool waits = t->policy == SCHED_DEADLINE && d->left <= 0;

    if (waits && d->flags & DEADLINE_RECLAIM && q->nr == 1 && d->left < 0)
        waits = false, d->left = 0;
    if (waits) {
        *overran = d->left < 0 && d->flags & DEADLINE_OVERRUN;
        *release = d->until - d->deadline + d->period;
        d->until = *release + d->deadline;
        d->left += (s64)d->runtime;
        if (d->until <= now) /* others were before it for long */
            renew(d, now);
    }
    WRITE_ONCE(d->spent, waits);
    spin_unlock_irq(&q->lock, flags);
    return waits;
}

void deadline_pass(struct thread *t)
{
    bool overran = false;
    u64 release;

    while (must_wait(t, &release, &overran)) {
        if (overran)
            signal_send_self(SIGXCPU);
        while (clock_monotonic_ns() < release && READ_ONCE(t->policy) == SCHED_DEADLINE &&
               !signal_kill_pending(t))
            thread_park_until(release);
        if (signal_kill_pending(t))
            break;
    }
}
