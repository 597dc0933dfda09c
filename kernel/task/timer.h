/* SPDX-License-Identifier: MIT
 *
 * Timers: a function that runs in the tick's interrupt once a moment has passed. Moments are
 * monotonic nanoseconds; the tick's period is the precision.
 */
#pragma once

#include "lib/rbtree.h"
#include "lib/types.h"

struct ktimer {
    struct rb_node node;
    u64 deadline; /* 0: not set */
    /* Runs with the timer lock held and interrupts off, the timer already unset. Returns the
     * next deadline, 0: none. */
    u64 (*fn)(struct ktimer *t);
};

void ktimer_init(struct ktimer *t, u64 (*fn)(struct ktimer *t));
/* Sets or moves it; deadline 0 unsets. Afterwards fn of the old setting does not run.
 * Returns the old deadline, 0: it was not set. Not from fn. */
u64 ktimer_set(struct ktimer *t, u64 deadline);
static inline void ktimer_cancel(struct ktimer *t)
{
    ktimer_set(t, 0);
}
/* Runs what is due; from the tick. */
void ktimer_run(u64 now);
