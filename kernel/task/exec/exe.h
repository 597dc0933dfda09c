/* SPDX-License-Identifier: MIT
 *
 * Program files: opened for exec, kept by a process (/proc/PID/exe), and not written meanwhile.
 */
#pragma once

#include "kernel/task/proc.h"

/* A program's file for exec_file: may be executed, and cannot be written until exec_close, or as
 * long as a process has it.
 * ENOENT EACCES (also for what is no regular file; "" is the directory itself) ELOOP ETXTBSY ENOMEM. */
int exec_open(const struct path *base, const char *name, u32 lookup_flags,
              struct file **out);
int exec_open_path(const struct path *path, struct file **out);
void exec_close(struct file *f);

/* p's program is f (NULL: none) from now on, from exec_open(); takes a reference of its own and
 * lets the former one go. All processes that run it share f: to fork writes one word of it. May
 * sleep. */
void proc_set_exe(struct proc *p, struct file *f);
/* Gives `to`, which nobody knows yet and which has none, the program of the running process. */
void proc_copy_exe(struct proc *to, const struct proc *from);
