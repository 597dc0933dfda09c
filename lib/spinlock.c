/* SPDX-License-Identifier: MIT
 *
 * The slow way of spin_lock(): somebody else has the lock.
 */
#include "lib/spinlock.h"

SAVES_ALL void spin_wait(spinlock_t *l)
{
    do {
        while (__atomic_load_n(&l->held, __ATOMIC_RELAXED))
            cpu_wait();
    } while (!spin_take(l));
}
