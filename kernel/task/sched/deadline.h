/* SPDX-License-Identifier: MIT
 *
 * SCHED_DEADLINE, sched(7): in each period a thread may have so much of a CPU until a deadline.
 *
 * They go before all other threads, the earliest deadline first: it is their place among the
 * real-time threads (kernel/task/sched/runq.h). Who wakes when the old deadline cannot be promised
 * any more gets a new one and a whole budget (a constant bandwidth server). What runs beyond its
 * budget, told from tick to tick, waits on its way to the program for the next period, which is
 * shorter by what it had too much: in the kernel nobody is held up. What is promised to all is at
 * most 95 % of the CPUs.
 */
#pragma once

#include "lib/types.h"

struct thread;

#define DEADLINE_PRIORITY 100u /* struct thread.priority of one */

/* Flags of struct sched_attr. */
#define DEADLINE_RECLAIM 0x2u /* what no other thread wants is not counted */
#define DEADLINE_OVERRUN 0x4u /* SIGXCPU when it had too much */

/* Of a thread; the lock of its run queue. */
struct deadline {
    u64 runtime, deadline, period, flags; /* ns; as wished */
    s64 left;                             /* ns of the budget */
    u64 until;                            /* clock_monotonic_ns() of the deadline */
    bool spent;                           /* it must go through deadline_pass() */
};

/* What a program wishes: 0, or -EINVAL. A period of 0 becomes the deadline. */
int must_check deadline_check(struct deadline *d);
/* Promises it instead of what t has: false: too much. proc_lock held. */
bool must_check deadline_admit(const struct thread *t, const struct deadline *d);
/* t has another policy from now on, or is over. */
void deadline_forget(struct thread *t);

/* The queue's lock is held for these. It begins, wakes up, had ns of the CPU, gives up the rest. */
void deadline_begin(struct thread *t, const struct deadline *d);
void deadline_wake(struct thread *t);
void deadline_charge(struct thread *t, u64 cycles);

/* sched_yield(2) of the running thread. */
void deadline_yield(void);
/* The running thread, `spent`, on its way to its program: sleeps until it may run. */
void deadline_pass(struct thread *t);
