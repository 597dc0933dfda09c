/* SPDX-License-Identifier: MIT
 *
 * The order of locks, checked while the kernel runs (make LOCKDEP=1): every pair "this one was
 * taken while that one was held" becomes an edge of a graph of lock classes, and an edge that
 * closes a circle is a deadlock that only waits for its moment, as is a lock that interrupt
 * handlers take and others take with interrupts on. Also found when it does not happen.
 *
 * Classes need no names: a lock belongs to the place in the code that takes it first, and two
 * places that ever take the same lock are one class from then on. Of two locks of one class at
 * a time the one with the lower address must always be the first, or always the second; one that
 * was never taken before is not asked. So what takes a lock for its caller is always inlined: else
 * all that it takes would be one class.
 */
#pragma once

#include "lib/types.h"

struct mutex;

#ifdef TESSERA_LOCKDEP

/* In lib/spinlock.h's word the holder has the low bits, the class the others. */
#define LOCK_HOLDER_BITS 8
#define LOCK_HOLDER_MASK ((1u << LOCK_HOLDER_BITS) - 1)

/* The running thread is about to wait for a mutex. Spinlocks tell it themselves. */
void lockdep_mutex(struct mutex *m);

/* No more checks: the machine panics. */
void lockdep_stop(void);
extern bool lockdep_stopped;

#else

static always_inline void lockdep_mutex(struct mutex *m)
{
    (void)m;
}

static inline void lockdep_stop(void)
{
}

#endif
