/* SPDX-License-Identifier: MIT
 *
 * /proc/filesystems, mounts, mountinfo.
 */
#pragma once

#include "kernel/procfs/procfs.h"

int procfs_show_filesystems(struct seq *s, s32 pid);
int procfs_show_mounts(struct seq *s, s32 pid);
int procfs_show_mountinfo(struct seq *s, s32 pid);
