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

/* Tells p's parent of a change and wakes it. proc_lock held. */
void notify_parent(struct proc *p, int code, int status);

/* Whether no process of the group has a parent in the session but outside the group, when
 * `without` (may be NULL) is not counted. proc_lock held. */
bool group_is_orphaned(s32 pgid, s32 sid, const struct proc *without);

/* Ends all other threads of the running process and waits until they are gone; the caller
 * gets the process's number. -EAGAIN: another thread does the same, or all end. */
int must_check proc_become_single(void);

/* Writes 0 to clear_child_tid and wakes its futex, when others can see it. */
void clear_child_tid(struct thread *t);

/* A process's last moment, on another thread's stack with interrupts off (kernel/task/exit.c). */
void proc_gone(struct proc *p);
