/* SPDX-License-Identifier: MIT
 *
 * Two locks of one kind at once. The checker of lib/lockdep.h wants them in the order of their
 * addresses, or always against it. Where the order is another one, the second is taken with
 * spin_lock_nested(), and a comment says which order it is.
 */
#pragma once

#include "lib/spinlock.h"

#ifdef TESSERA_LOCKDEP
void spin_lock_nested(spinlock_t *l);
#else
static inline void spin_lock_nested(spinlock_t *l)
{
    spin_lock(l);
}
#endif
