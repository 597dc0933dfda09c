/* SPDX-License-Identifier: MIT
 *
 * /proc/PID/maps, smaps, smaps_rollup, numa_maps.
 */
#pragma once

#include "kernel/procfs/procfs.h"

/* What stands for a name of a mapping with an object but no file. */
const char *procfs_nameless(u32 vm_flags);

int procfs_show_maps(struct seq *s, s32 pid);
int procfs_show_smaps(struct seq *s, s32 pid);
int procfs_show_smaps_rollup(struct seq *s, s32 pid);
int procfs_show_numa_maps(struct seq *s, s32 pid);
