/* SPDX-License-Identifier: MIT
 *
 * Timers in one list sorted by deadline: there are few, and most are sleeps that end soon.
 */
#include "kernel/timer.h"
#include "lib/spinlock.h"

static spinlock_t timer_lock; /* irq-safe */
static struct list timers = LIST_INIT(timers);

void ktimer_init(struct ktimer *t, u64 (*fn)(struct ktimer *t))
{
    list_init(&t->link);
    t->deadline = 0;
    t->fn = fn;
}

static void insert(struct ktimer *t, u64 deadline)
{
    struct list *pos;

    t->deadline = deadline;
    /* From the end: a new deadline is mostly the latest. */
    for (pos = timers.prev; pos != &timers; pos = pos->prev) {
        if (list_entry(pos, struct ktimer, link)->deadline <= deadline)
            break;
    }
    list_add(pos, &t->link);
}

u64 ktimer_set(struct ktimer *t, u64 deadline)
{
    irqflags_t flags = spin_lock_irq(&timer_lock);
    u64 old = t->deadline;

    if (old)
        list_del(&t->link);
    t->deadline = 0;
    if (deadline)
        insert(t, deadline);
    spin_unlock_irq(&timer_lock, flags);
    return old;
}

void ktimer_run(u64 now)
{
    irqflags_t flags = spin_lock_irq(&timer_lock);

    while (!list_empty(&timers)) {
        struct ktimer *t = list_entry(timers.next, struct ktimer, link);
        u64 next;

        if (t->deadline > now)
            break;
        list_del(&t->link);
        t->deadline = 0;
        next = t->fn(t);
        if (next)
            insert(t, next);
    }
    spin_unlock_irq(&timer_lock, flags);
}
