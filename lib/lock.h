/* SPDX-License-Identifier: MIT
 *
 * What functions say about locks, in their first lines. Checked builds (debug kernels, host
 * tests) stop when it is not so: a spinlock is held by the running CPU, a mutex by the running
 * thread; that somebody else has it does not count. Release kernels: no instruction.
 */
#pragma once

#include "lib/assert.h"
#include "lib/mutex.h"
#include "lib/spinlock.h"

#ifdef LOCKS_CHECKED
/* clang-format off */
#define LOCK_IS_MINE(lock)                       \
    _Generic((lock),                             \
        spinlock_t *: spin_is_mine,              \
        const spinlock_t *: spin_is_mine,        \
        struct mutex *: mutex_is_mine,           \
        const struct mutex *: mutex_is_mine)(lock)
/* clang-format on */
#define MUTEX_IS_MINE_ALONE(m) mutex_is_mine_alone(m)
#define NO_SPINLOCK_HELD()     (cpu_spinlocks() == 0)
/* With interrupts off a fault fails at once. */
#define FAULTS_MAY_WAIT() \
    (!irq_enabled() || (NO_SPINLOCK_HELD() && mutexes_bear_faults()))
#define LOCK_CHECK(cond, ...)                                              \
    do {                                                                   \
        if (unlikely(!(cond)))                                             \
            panic("%s:%d: %s " __VA_ARGS__, __FILE__, __LINE__, __func__); \
    } while (0)
#else
/* Read by the compiler, never evaluated. */
#define LOCK_IS_MINE(lock)     ((lock) != NULL)
#define MUTEX_IS_MINE_ALONE(m) ((m) != NULL)
#define NO_SPINLOCK_HELD()     true
#define FAULTS_MAY_WAIT()      true
#define LOCK_CHECK(cond, ...)  ((void)sizeof(cond))
#endif

/* The caller holds this lock: a spinlock, or a mutex in any mode. */
#define REQUIRES(lock) LOCK_CHECK(LOCK_IS_MINE(lock), "without the lock " #lock)

/* The caller holds this mutex exclusively. */
#define REQUIRES_EXCLUSIVE(m) \
    LOCK_CHECK(MUTEX_IS_MINE_ALONE(m), "without the exclusive lock " #m)

/* The caller holds one of the two. */
#define REQUIRES_EITHER(a, b) \
    LOCK_CHECK(LOCK_IS_MINE(a) || LOCK_IS_MINE(b), "without the lock " #a " or " #b)

/* The caller holds it, unless `alone`: nobody else can reach what it protects. */
#define REQUIRES_UNLESS(alone, lock) \
    LOCK_CHECK((alone) || LOCK_IS_MINE(lock), "without the lock " #lock)

/* The function may sleep or take a mutex: the caller holds no spinlock. */
#define REQUIRES_NO_SPINLOCK() LOCK_CHECK(NO_SPINLOCK_HELD(), "with a spinlock held")

/* Program memory is touched: a fault there may wait for ever, so the caller holds no lock that
 * others need, see mutex_bears_faults(). */
#define REQUIRES_FAULTS_MAY_WAIT() \
    LOCK_CHECK(FAULTS_MAY_WAIT(), "touches program memory with a lock held")

/* A lock that the end of the block gives up, whichever way out is taken: SCOPED_LOCK for a
 * spinlock or a mutex exclusively, SCOPED_LOCK_SHARED for a mutex, SCOPED_LOCK_IRQ for a
 * spinlock with interrupts off. */
struct scoped_lock {
    spinlock_t *spin;
    struct mutex *mutex;
};

static always_inline struct scoped_lock scoped_spin(spinlock_t *l)
{
    spin_lock(l);
    return (struct scoped_lock){l, NULL};
}

static always_inline struct scoped_lock scoped_mutex(struct mutex *m)
{
    mutex_lock(m);
    return (struct scoped_lock){NULL, m};
}

static always_inline struct scoped_lock scoped_shared(struct mutex *m)
{
    mutex_lock_shared(m);
    return (struct scoped_lock){NULL, m};
}

static always_inline void scoped_end(const struct scoped_lock *s)
{
    if (s->mutex)
        mutex_unlock(s->mutex);
    else
        spin_unlock(s->spin);
}

struct scoped_irq {
    spinlock_t *lock;
    irqflags_t flags;
};

static always_inline void scoped_irq_end(const struct scoped_irq *s)
{
    spin_unlock_irq(s->lock, s->flags);
}

#define SCOPED_NAME_(line) scoped_##line
#define SCOPED_NAME(line)  SCOPED_NAME_(line)
#define SCOPED(type, end)  __attribute__((cleanup(end), unused)) type SCOPED_NAME(__LINE__)
/* clang-format off */
#define SCOPED_LOCK(lock)                          \
    SCOPED(const struct scoped_lock, scoped_end) = \
        _Generic((lock), spinlock_t *: scoped_spin, struct mutex *: scoped_mutex)(lock)
/* clang-format on */
#define SCOPED_LOCK_SHARED(m) \
    SCOPED(const struct scoped_lock, scoped_end) = scoped_shared(m)
#define SCOPED_LOCK_IRQ(lock) \
    SCOPED(const struct scoped_irq, scoped_irq_end) = {(lock), spin_lock_irq(lock)}
