/* SPDX-License-Identifier: MIT
 *
 * Job control: processes that stop and go on, keys that speak to a group.
 */
#pragma once

#include "lib/types.h"

struct proc;
struct thread;

/* A stop of the process begins, taken by t, which calls job_stop_others() next; t stops now, or
 * leaves. Both with sig.lock held. The second is true for the last one that could still run: who
 * then tells the parent, without sig.lock. */
void job_stops(struct proc *p, struct thread *t, int signo);
bool must_check job_stop_taken(struct proc *p, struct thread *t);

/* Who took the stop signal makes the others come and stop too. It pauses: no spinlock held. */
void job_stop_others(struct proc *p);

/* The running thread stops in its tracer's way. */
void job_stop_passed(struct proc *p, struct thread *t);

/* The running thread sleeps until its stopped process goes on, or something else wakes it. */
void job_sleep(struct proc *p, struct thread *t);

/* The stop is over; a thread hears of it if it is traced. sig.lock held. */
void job_continues(struct proc *p);
void job_tell_traced(struct thread *t);

/* A key sends signo to the foreground group. Any context: what one interrupt has no time for is
 * left to a thread. */
void job_key(s32 pgid, int signo);
void jobs_init(void);
