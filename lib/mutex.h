/* SPDX-License-Identifier: MIT
 *
 * Sleeping lock with shared and exclusive mode. Who does not get it in a moment queues, and from
 * then on it goes in order; a waiting writer holds back new readers, so nobody starves. Not for
 * interrupt handlers and not to be taken with a spinlock held. Needs two services from above: park and unpark. Checked builds
 * (lib/lock.h) keep a list of what each thread holds: nobody takes one twice, not even shared
 * (a writer may have come between), and only a holder gives it up.
 */
#pragma once

#include "lib/list.h"
#include "lib/spinlock.h"

enum mutex_mode { MUTEX_SHARED, MUTEX_EXCLUSIVE };

/* What a mutex is, in one word: 0 is free. */
#define MUTEX_ALONE  1u /* held exclusively */
#define MUTEX_QUEUED 2u /* somebody waits: the word changes with mutex.lock held only */
#define MUTEX_READER 4u /* so much for each that holds it shared */

struct mutex {
    spinlock_t lock;   /* of the queue */
    u32 state;         /* atomic; [lock] with MUTEX_QUEUED */
    struct list queue; /* [lock] of struct mutex_waiter, first come first served */
#ifdef TESSERA_LOCKDEP
    u32 site; /* lib/lockdep.c: its class, 0 until it was taken */
#endif
#ifdef LOCKS_CHECKED
    bool bears_faults; /* [c] */
#endif
};

/* A record on the waiter's stack, which other CPUs write: so its line is for nothing else. */
struct mutex_waiter {
    struct list link;     /* [mutex.lock] */
    void *thread;         /* [c] */
    enum mutex_mode mode; /* [c] */
    bool sleeps;          /* [mutex.lock] or is about to: who grants wakes it */
    bool granted;         /* [mutex.lock]; its owner looks without it first */
} __attribute__((aligned(64)));

/* Provided by kernel/task/sched/sched.c (host: tests/host/port.c).
 * thread_self: an opaque handle. thread_park: sleeps until thread_unpark(handle) was called
 * since the last return from thread_park; spurious returns are allowed. */
void *thread_self(void);
void thread_park(void);
void thread_unpark(void *thread);

void mutex_init(struct mutex *m);
/* stop: asked whenever the thread wakes; says that it shall not wait any more. NULL: it waits
 * on. false: it stopped. */
bool mutex_lock_slow(struct mutex *m, enum mutex_mode mode, bool (*stop)(void));
void mutex_unlock_slow(struct mutex *m);

#ifdef LOCKS_CHECKED
#define HELD_MUTEXES 16u

/* What a thread holds. */
struct held_mutexes {
    u32 n;
    u32 next_site; /* lib/lockdep.c: of the one about to be taken */
    struct {
        const struct mutex *m;
        enum mutex_mode mode;
        u32 site;
    } of[HELD_MUTEXES];
};

/* The running thread's list. Provided by kernel/task/sched/sched.c (host: tests/host/port.c). */
struct held_mutexes *thread_mutexes(void);

void mutex_note_taken(const struct mutex *m, enum mutex_mode mode);
void mutex_note_given_up(const struct mutex *m);
/* Whether the running thread may take it now. */
bool mutex_may_take(const struct mutex *m);

/* Whether the running thread holds it, in any mode / exclusively. */
bool mutex_is_mine(const struct mutex *m);
bool mutex_is_mine_alone(const struct mutex *m);

/* Its holders may touch program memory, where a fault waits for as long as that program likes: for
 * locks of what is opened or written by those alone who have the right to stop one another. */
static inline void mutex_bears_faults(struct mutex *m)
{
    m->bears_faults = true;
}

/* Whether the running thread may have a fault that waits: each mutex it holds bears that. */
bool mutexes_bear_faults(void);
#else
#define mutex_note_taken(m, mode) ((void)0)
#define mutex_note_given_up(m)    ((void)0)
#define mutex_bears_faults(m)     ((void)(m))
#endif

/* Takes it if it is free for that mode and nobody waits. */
static always_inline bool mutex_try(struct mutex *m, enum mutex_mode mode)
{
    u32 old = mode == MUTEX_EXCLUSIVE ? 0 : READ_ONCE(m->state);

    if (mode == MUTEX_EXCLUSIVE)
        return __atomic_compare_exchange_n(&m->state, &old, MUTEX_ALONE, false,
                                           __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
    while (!(old & (MUTEX_ALONE | MUTEX_QUEUED)))
        if (__atomic_compare_exchange_n(&m->state, &old, old + MUTEX_READER, true,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return true;
    return false;
}

static always_inline bool mutex_take(struct mutex *m, enum mutex_mode mode,
                                     bool (*stop)(void))
{
    SPIN_CHECK(mutex_may_take(m));
    lockdep_mutex(m);
    if (unlikely(!mutex_try(m, mode)) && !mutex_lock_slow(m, mode, stop))
        return false;
    mutex_note_taken(m, mode);
    return true;
}

/* The first half of mutex_lock(), alone: false: it has to wait. */
static always_inline bool mutex_lock_now(struct mutex *m)
{
    SPIN_CHECK(mutex_may_take(m));
    lockdep_mutex(m);
    if (unlikely(!mutex_try(m, MUTEX_EXCLUSIVE)))
        return false;
    mutex_note_taken(m, MUTEX_EXCLUSIVE);
    return true;
}

static always_inline void mutex_lock_mode(struct mutex *m, enum mutex_mode mode)
{
    (void)mutex_take(m, mode, NULL);
}

static always_inline void mutex_lock(struct mutex *m)
{
    mutex_lock_mode(m, MUTEX_EXCLUSIVE);
}

static always_inline void mutex_lock_shared(struct mutex *m)
{
    mutex_lock_mode(m, MUTEX_SHARED);
}

/* Gives up either mode. Who takes it next may be the last user of m. */
static inline void mutex_unlock(struct mutex *m)
{
    u32 old = MUTEX_ALONE;

    mutex_note_given_up(m);
    if (unlikely(READ_ONCE(m->state) != old ||
                 !__atomic_compare_exchange_n(&m->state, &old, 0, false, __ATOMIC_RELEASE,
                                              __ATOMIC_RELAXED)))
        mutex_unlock_slow(m);
}

/* The same of one that is held exclusively. */
static always_inline void mutex_unlock_alone(struct mutex *m)
{
    u32 old = MUTEX_ALONE;

    SPIN_CHECK(mutex_is_mine_alone(m));
    mutex_note_given_up(m);
    if (unlikely(!__atomic_compare_exchange_n(&m->state, &old, 0, false, __ATOMIC_RELEASE,
                                              __ATOMIC_RELAXED)))
        mutex_unlock_slow(m);
}

static inline bool mutex_is_held(const struct mutex *m)
{
    return READ_ONCE(m->state) & ~MUTEX_QUEUED;
}
