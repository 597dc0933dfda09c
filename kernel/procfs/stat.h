/* SPDX-License-Identifier: MIT
 *
 * /proc/PID/stat, statm, status.
 */
#pragma once

#include "kernel/procfs/procfs.h"

int procfs_show_stat(struct seq *s, const struct task_id *id, bool whole);
int procfs_show_statm(struct seq *s, s32 pid);
int procfs_show_status(struct seq *s, const struct task_id *id, bool whole);

/* /proc/PID/personality. */
int procfs_show_personality(struct seq *s, const struct task_id *id, bool whole);
