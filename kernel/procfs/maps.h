/* SPDX-License-Identifier: MIT
 *
 * /proc/PID/maps, smaps, smaps_rollup.
 */
#pragma once

#include "kernel/procfs/procfs.h"

int procfs_show_maps(struct seq *s, s32 pid);
int procfs_show_smaps(struct seq *s, s32 pid);
int procfs_show_smaps_rollup(struct seq *s, s32 pid);
