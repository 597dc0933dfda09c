/* SPDX-License-Identifier: MIT
 *
 * Wait queues: a list of threads to wake. Waiters leave by themselves.
 */
#include "lib/waitq.h"

void waitq_init(struct waitq *q)
{
    q->lock = (spinlock_t)SPINLOCK_INIT;
    list_init(&q->waiters);
}

void waitq_add(struct waitq *q, struct waitq_entry *e)
{
    irqflags_t flags;

    e->thread = thread_self();
    e->wake = NULL;
    flags = spin_lock_irq(&q->lock);
    list_add_tail(&q->waiters, &e->link);
    spin_unlock_irq(&q->lock, flags);
}

void waitq_watch(struct waitq *q, struct waitq_entry *e)
{
    irqflags_t flags = spin_lock_irq(&q->lock);

    list_add_tail(&q->waiters, &e->link);
    spin_unlock_irq(&q->lock, flags);
}

void waitq_remove(struct waitq *q, struct waitq_entry *e)
{
    irqflags_t flags = spin_lock_irq(&q->lock);

    list_del(&e->link);
    spin_unlock_irq(&q->lock, flags);
}

/* One that is told instead of woken; *taken: an exclusive one has been reached. */
static noinline void tell(struct waitq_entry *e, bool *taken)
{
    if (!e->exclusive)
        e->wake(e);
    else if (!*taken)
        *taken = e->wake(e);
}

void waitq_wake_all(struct waitq *q)
{
    irqflags_t flags = spin_lock_irq(&q->lock);
    bool taken = false;
    struct list *pos;

    list_for_each (pos, &q->waiters) {
        struct waitq_entry *e = list_entry(pos, struct waitq_entry, link);

        if (unlikely(e->wake))
            tell(e, &taken);
        else
            thread_unpark(e->thread);
    }
    spin_unlock_irq(&q->lock, flags);
}
