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

/* The process ended, its record goes. Any context. */
void pidref_ended(struct pidref *r);
void pidref_forget(struct pidref *r);
