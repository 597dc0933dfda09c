/* SPDX-License-Identifier: MIT
 *
 * The memory of threads, see kernel/task/sched/sched.h.
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
/* A kernel thread; it ends when fn returns. 0 or -ENOMEM. */
int kthread_create(const char *name, void (*fn)(void *), void *arg);
