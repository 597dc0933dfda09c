/* SPDX-License-Identifier: MIT
 *
 * Timers: a function that runs in an interrupt once a moment has passed. Moments are monotonic
 * nanoseconds, and so is the precision, as far as the machine has a timer that can be set to a
 * moment (arch/time.h).
 *
 * Each CPU has a queue of its own. A timer belongs to the queue in which it was set last, and
 * that queue's lock protects it, set or not. Order of locks: a queue's lock is taken before
 * sig.lock of a process and before run queues; two queues are never locked at once.
 */
#pragma once

#include "lib/rbtree.h"
#include "lib/types.h"

struct ktimer {
    struct rb_node node;
    u64 deadline; /* 0: not set */
    u32 cpu;      /* whose queue's lock protects it; others under that lock */
    /* Runs on the CPU on which it was set, with the lock of its queue held and interrupts off,
     * the timer already unset. Returns the next deadline, 0: none. It must not set or cancel
     * timers, nor take a lock under which somebody does. */
    u64 (*fn)(struct ktimer *t);
};

void ktimer_init(struct ktimer *t, u64 (*fn)(struct ktimer *t));
/* Sets or moves it, to the running CPU's queue; deadline 0 unsets. When it returns, fn of the
 * old setting neither runs (on no CPU: a running one is waited for) nor will; so what holds the
 * timer may be freed after it was unset, if nobody else sets it. Several CPUs may set the same
 * timer at once: one of them is the last. Returns the old deadline, 0: it was not set. Any
 * context but fn. */
u64 ktimer_set(struct ktimer *t, u64 deadline);
static inline void ktimer_cancel(struct ktimer *t)
{
    ktimer_set(t, 0);
}

/* The running CPU's queue is empty. */
void ktimer_init_cpu(void);
/* The running CPU's timer has rung: runs what is due; the tick, when it is time for one, tells
 * so by true. Interrupts off. */
bool ktimer_interrupt(u64 now);
/* After ktimer_interrupt and all that it brought about: sets the CPU's timer to what comes next.
 * KTIMER_TICKS: the CPU has something to count ticks for. */
enum ktimer_use { KTIMER_IDLE, KTIMER_TICKS };
void ktimer_rearm(enum ktimer_use use);
/* The running CPU leaves idle: from now on it ticks. Interrupts off. */
void ktimer_start_ticks(void);
