/* SPDX-License-Identifier: MIT
 *
 * The end of threads and processes.
 */
#pragma once

#include "lib/types.h"

struct proc;
struct thread;

/* Ends the running process with a wait4 status. */
noreturn void proc_exit(int status);

/* Ends the running thread, and its process with that status if it was the only one. */
noreturn void thread_end(int status);

/* Ends all other threads of the running process and waits until they are gone; the caller
 * gets the process's number. -EAGAIN: another thread does the same, or all end. */
int must_check proc_become_single(void);

/* Writes 0 to clear_child_tid and wakes its futex, when others can see it. */
void clear_child_tid(struct thread *t);

/* A thread of p left its stack, gives a number back (0: none), and is no more. On another
 * thread's stack, with interrupts off. With the last of them p becomes a zombie. */
void thread_gone(struct proc *p, s32 free_tid);
