/* SPDX-License-Identifier: MIT
 *
 * The slow half of the sleeping lock: waiters queue, and whoever unlocks hands the lock to
 * the first of them (with every reader that follows directly).
 */
#include "lib/mutex.h"

void mutex_init(struct mutex *m)
{
    m->lock = (spinlock_t)SPINLOCK_INIT;
    m->holders = 0;
    list_init(&m->queue);
}

/* Grants the lock to waiters in order while it is free for them. m->lock held. */
static void grant(struct mutex *m)
{
    while (!list_empty(&m->queue)) {
        struct mutex_waiter *w = list_entry(m->queue.next, struct mutex_waiter, link);
        void *thread = w->thread;

        if (w->exclusive ? m->holders != 0 : m->holders < 0)
            return;
        m->holders = w->exclusive ? -1 : m->holders + 1;
        list_del(&w->link);
        /* The record is gone as soon as its owner sees `granted`. */
        __atomic_store_n(&w->granted, true, __ATOMIC_RELEASE);
        thread_unpark(thread);
    }
}

void mutex_lock_slow(struct mutex *m, bool exclusive)
{
    struct mutex_waiter w = {.thread = thread_self(), .exclusive = exclusive};

    spin_lock(&m->lock);
    list_add_tail(&m->queue, &w.link);
    grant(m);
    spin_unlock(&m->lock);
    while (!__atomic_load_n(&w.granted, __ATOMIC_ACQUIRE))
        thread_park();
}

void mutex_wake(struct mutex *m)
{
    spin_lock(&m->lock);
    grant(m);
    spin_unlock(&m->lock);
}
