/* SPDX-License-Identifier: MIT
 *
 * /proc/PID/syscall and /proc/PID/wchan: what a thread waits in.
 */
#pragma once

#include "kernel/procfs/procfs.h"

/* -EPERM: who may not look into the process. */
int procfs_show_syscall(struct seq *s, const struct task_id *id, bool whole);

/* "0" for who may not look, and for a thread that does not wait. */
int procfs_show_wchan(struct seq *s, const struct task_id *id, bool whole);
