/* SPDX-License-Identifier: MIT
 *
 * The slow way of spin_lock(): somebody else has the lock.
 */
#include "lib/spinlock.h"

u32 spin_waiters;

#define LONG_TURNS 1000u

SAVES_ALL void spin_wait(spinlock_t *l)
{
    u32 turns = 0;

    do {
        for (; __atomic_load_n(&l->held, __ATOMIC_RELAXED); cpu_wait())
            if (turns < LONG_TURNS && ++turns == LONG_TURNS)
                __atomic_fetch_add(&spin_waiters, 1, __ATOMIC_RELAXED);
    } while (!spin_take(l));
    if (turns == LONG_TURNS)
        __atomic_fetch_sub(&spin_waiters, 1, __ATOMIC_RELAXED);
}
