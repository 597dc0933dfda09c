/* SPDX-License-Identifier: MIT
 *
 * Scheduler: a run queue a CPU (kernel/task/sched/runq.h), switches only at sleeps, yields, pauses of
 * long calls and on return to user mode. The last switch of a dying thread hands it to the next thread, which frees
 * its stack and reports the end: nothing of it is left when its parent hears of it.
 */
#pragma once

#include "kernel/task/proc.h"
#include "kernel/task/sched/policy.h"
#include "kernel/task/sched/thread.h"
#include "kernel/task/sched/times.h"

/* Gives up the CPU in the middle of a long call. Boot code, which runs as the idle thread, just
 * goes on. */
void sched_pause(void);

/* Ends the running thread. */
noreturn void thread_exit(void);

/* Each CPU: the running context becomes its idle thread. Then, once the clock runs, it takes
 * threads; sched_run never returns. */
void sched_init(void);
noreturn void sched_run(void);
/* Lets another thread that is ready run. */
void sched_yield_now(void);
/* Does so if that one has had less of the CPU. */
void sched_preempt(void);

/* Where a new thread starts. */
void sched_thread_begin(void *arg);
