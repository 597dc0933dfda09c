/* SPDX-License-Identifier: MIT
 *
 * Descriptors of processes, pidfd_open(2). They stand for the process, not for its number.
 */
#pragma once

#include "kernel/task/threads.h"

struct file;
struct pidref;

/* A file for a child that nobody knows yet, which keeps it in child->pidref. 0, -ENFILE,
 * -ENOMEM. */
int must_check pidfd_for_child(struct proc *child, struct file **out);

/* Which process a descriptor stands for, and whether waits on it do not wait. -EBADF. */
int must_check pidfd_identify(int fd, struct task_id *out, bool *nonblock);

/* The record of the process of that number, referenced, made when it is missing. -ESRCH; -EINVAL:
 * the number of another thread; -ENOMEM. */
int must_check pidref_of(s32 pid, struct pidref **out);
void pidref_put(struct pidref *r);
/* The processor time that the process has used, that in user mode alone or all, by the last tick;
 * whether it was waited for. No lock. */
u64 pidref_cpu_ns(const struct pidref *r, bool user_only);
bool pidref_gone(const struct pidref *r);
/* The tick found p running, or proc_lock is held: what p has used. */
void pidref_tick(struct pidref *r, const struct proc *p);

/* The process ended, its record goes. Any context. */
void pidref_ended(struct pidref *r);
void pidref_forget(struct pidref *r);
