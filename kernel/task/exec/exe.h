/* SPDX-License-Identifier: MIT
 *
 * The program file of a process: /proc/PID/exe, and what may not be written meanwhile.
 */
#pragma once

#include "kernel/task/proc.h"

/* p's program is f (NULL: none) from now on, which is denied for writing already; takes its own
 * references and lets the former one go. May sleep. */
void proc_set_exe(struct proc *p, struct file *f);
/* Gives `to`, which nobody knows yet and which has none, the program of the running process. */
void proc_copy_exe(struct proc *to, const struct proc *from);
