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

void waitq_watch(struct waitq *q, struct waitq_entry *e,
                 void (*fn)(struct waitq_entry *e))
{
    irqflags_t flags = spin_lock_irq(&q->lock);

    e->thread = NULL;
    e->wake = fn;
    list_add_tail(&q->waiters, &e->link);
    spin_unlock_irq(&q->lock, flags);
}

void waitq_remove(struct waitq *q, struct waitq_entry *e)
{
    irqflags_t flags = spin_lock_irq(&q->lock);

    list_del(&e->link);
    spin_unlock_irq(&q->lock, flags);
}

static inline void wake(struct waitq_entry *e)
{
    if (unlikely(e->wake))
        e->wake(e);
    else
        thread_unpark(e->thread);
}

void waitq_wake_all(struct waitq *q)
{
    irqflags_t flags = spin_lock_irq(&q->lock);
    struct list *pos;

    list_for_each (pos, &q->waiters)
        wake(list_entry(pos, struct waitq_entry, link));
    spin_unlock_irq(&q->lock, flags);
}
