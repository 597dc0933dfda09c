/* SPDX-License-Identifier: MIT
 *
 * Sleeping lock with shared and exclusive mode. Waiters queue in order, a waiting writer
 * holds back new readers, so nobody starves. Not for interrupt handlers and not to be
 * taken with a spinlock held. Needs two services from above: park and unpark.
 */
#pragma once

#include "lib/list.h"
#include "lib/spinlock.h"

struct mutex {
    spinlock_t lock;
    s32 holders;       /* -1 exclusive, 0 free, n shared */
    struct list queue; /* of struct mutex_waiter, first come first served */
};

/* A record on the waiter's stack. */
struct mutex_waiter {
    struct list link;
    void *thread;
    bool exclusive;
    bool granted;
};

/* Provided by kernel/task/sched.c (host: tests/host/port.c).
 * thread_self: an opaque handle. thread_park: sleeps until thread_unpark(handle) was called
 * since the last return from thread_park; spurious returns are allowed. */
void *thread_self(void);
void thread_park(void);
void thread_unpark(void *thread);

void mutex_init(struct mutex *m);
void mutex_lock_slow(struct mutex *m, bool exclusive);
void mutex_wake(struct mutex *m);

static inline void mutex_lock_mode(struct mutex *m, bool exclusive)
{
    spin_lock(&m->lock);
    if (likely(list_empty(&m->queue) &&
               (exclusive ? m->holders == 0 : m->holders >= 0))) {
        m->holders = exclusive ? -1 : m->holders + 1;
        spin_unlock(&m->lock);
        return;
    }
    spin_unlock(&m->lock);
    mutex_lock_slow(m, exclusive);
}

static inline void mutex_lock(struct mutex *m)
{
    mutex_lock_mode(m, true);
}

static inline void mutex_lock_shared(struct mutex *m)
{
    mutex_lock_mode(m, false);
}

/* Gives up either mode. */
static inline void mutex_unlock(struct mutex *m)
{
    spin_lock(&m->lock);
    ASSERT(m->holders != 0);
    m->holders = m->holders < 0 ? 0 : m->holders - 1;
    if (likely(list_empty(&m->queue))) {
        spin_unlock(&m->lock);
        return;
    }
    spin_unlock(&m->lock);
    mutex_wake(m);
}

static inline bool mutex_is_held(const struct mutex *m)
{
    return m->holders != 0;
}
