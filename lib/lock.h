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

/* The function may sleep or take a mutex: the caller holds no spinlock. */
#define REQUIRES_NO_SPINLOCK() LOCK_CHECK(NO_SPINLOCK_HELD(), "with a spinlock held")
