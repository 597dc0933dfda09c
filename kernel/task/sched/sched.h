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

/* t, from thread_create(), is ready. */
void thread_launch(struct thread *t);

/* Gives up the CPU in the middle of a long call. Boot code, which runs as the idle thread, just
 * goes on. */
void sched_pause(void);

/* CPU `cpu` looks for somebody better to run, from hlt too. Any context, interrupts off unless
 * it does not matter which CPU the caller is on. */
void sched_kick(u32 cpu);

/* Something waits for t before it goes back to its program: it wakes up, or looks at once if it
 * runs on another CPU. */
void thread_notify(struct thread *t);

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

/* ---- for the other files of the scheduler ---- */

struct runq;

/* A CPU for t, which is ready and whose last one's queue is `last`, locked. */
u32 sched_choose(const struct thread *t, const struct runq *last);
/* Puts t, unplaced and ready, on the queue of a CPU it may run on. Interrupts off. */
void sched_place(struct thread *t);
/* Where a new thread starts. */
void sched_thread_begin(void *arg);
/* A sleep_timer's function. */
u64 sched_sleep_over(struct ktimer *timer);
