/* SPDX-License-Identifier: MIT
 *
 * Making threads ready. thread_unpark() (lib/waitq.h) is the plain way, these are the others.
 */
#pragma once

#include "kernel/task/proc.h"

struct runq;

/* t, from thread_create(), is ready. */
void thread_launch(struct thread *t);

/* Something waits for t before it goes back to its program: it wakes up, or looks at once if it
 * runs on another CPU. */
void thread_notify(struct thread *t);

/* CPU `cpu` looks for somebody better to run, from hlt too. Any context, interrupts off unless
 * it does not matter which CPU the caller is on. */
void sched_kick(u32 cpu);

/* A CPU for t, which is ready and whose last one's queue is `last`, locked. */
u32 sched_choose(const struct thread *t, const struct runq *last);
/* Puts t, unplaced and ready, on the queue of a CPU it may run on: nobody else takes it anywhere
 * meanwhile. Interrupts off, no queue locked. */
void sched_place(struct thread *t);
/* A sleep_timer's function. */
u64 sched_sleep_over(struct ktimer *timer);
