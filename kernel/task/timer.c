/* SPDX-License-Identifier: MIT
 *
 * Timers in a tree by deadline; the first one is remembered, since each tick asks for it.
 */
#include "kernel/task/timer.h"
#include "lib/spinlock.h"

static spinlock_t timer_lock; /* irq-safe */
static struct rb_root timers = RB_ROOT;
static struct ktimer *earliest;

void ktimer_init(struct ktimer *t, u64 (*fn)(struct ktimer *t))
{
    t->deadline = 0;
    t->fn = fn;
}

/* Behind those of the same deadline. */
static void insert(struct ktimer *t, u64 deadline)
{
    struct rb_node **link = &timers.node, *parent = NULL;
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
    rb_insert(&timers, &t->node, parent, link, NULL);
    if (first)
        earliest = t;
}

static void take_out(struct ktimer *t)
{
    if (t == earliest) {
        struct rb_node *next = rb_next(&t->node);

        earliest = next ? rb_entry(next, struct ktimer, node) : NULL;
    }
    rb_erase(&timers, &t->node, NULL);
    t->deadline = 0;
}

u64 ktimer_set(struct ktimer *t, u64 deadline)
{
    irqflags_t flags = spin_lock_irq(&timer_lock);
    u64 old = t->deadline;

    if (old)
        take_out(t);
    if (deadline)
        insert(t, deadline);
    spin_unlock_irq(&timer_lock, flags);
    return old;
}

void ktimer_run(u64 now)
{
    irqflags_t flags = spin_lock_irq(&timer_lock);

    while (earliest && earliest->deadline <= now) {
        struct ktimer *t = earliest;
        u64 next;

        take_out(t);
        next = t->fn(t);
        if (next)
            insert(t, next);
    }
    spin_unlock_irq(&timer_lock, flags);
}
