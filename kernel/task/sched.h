/* SPDX-License-Identifier: MIT
 *
 * Scheduler: a run queue a CPU (kernel/task/runq.h), switches only at sleeps, yields, pauses of
 * long calls and on return to user mode. The last switch of a dying thread hands it to the next thread, which frees
 * its stack and reports the end: nothing of it is left when its parent hears of it.
 */
#pragma once

#include "kernel/task/proc.h"

/* A thread of proc (NULL: kernel thread) that will run fn(arg). Not yet known to anyone:
 * start it with thread_launch or free it with thread_free. NULL: no memory. */
struct thread *thread_create(struct proc *proc, const char *name, void (*fn)(void *),
                             void *arg);
void thread_free(struct thread *t);
/* Memory of a thread: its record, kernel stack, FPU state. */
size_t thread_bytes(void);
void thread_launch(struct thread *t);

/* Gives up the CPU in the middle of a long call. Boot code, which runs as the idle thread, just
 * goes on. */
void sched_pause(void);

/* sched_setscheduler(2): a policy and priority that were checked. */
void sched_set_policy(struct thread *t, u8 policy, u8 priority);

/* sched_setaffinity(2): t may run on these CPUs only, of which one at least runs. False: it runs
 * on another one still, whose way to user mode it will not go there: until sched_is_placed(). */
bool sched_set_allowed(struct thread *t, u64 allowed);
bool sched_is_placed(struct thread *t);

/* CPU `cpu` looks for somebody better to run, from hlt too. Any context, interrupts off unless
 * it does not matter which CPU the caller is on. */
void sched_kick(u32 cpu);

/* What a CPU did since it runs, and how many threads are ready or run on it. */
struct cpu_times {
    u64 user_ns, system_ns, idle_ns;
    u32 ready;
};
void sched_cpu_times(u32 cpu, struct cpu_times *out);
/* Ready and running threads of the whole machine. */
u32 sched_ready(void);

/* p is new or its real user changed: it takes its share of the CPU from that user's. */
void sched_user_changed(struct proc *p);

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
/* A kernel thread; it ends when fn returns. 0 or -ENOMEM. */
int kthread_create(const char *name, void (*fn)(void *), void *arg);
