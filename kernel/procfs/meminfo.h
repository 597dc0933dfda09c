/* SPDX-License-Identifier: MIT
 *
 * /proc/meminfo, vmstat, slabinfo, buddyinfo.
 */
#pragma once

#include "kernel/procfs/procfs.h"

int procfs_show_meminfo(struct seq *s, s32 pid);
void procfs_show_node(struct seq *s); /* the same of the one node, as sysfs tells it */
int procfs_show_vmstat(struct seq *s, s32 pid);
int procfs_store_vmstat(s32 pid, char *text,
                        size_t n); /* debug kernels: forgets the stall */
int procfs_show_slabinfo(struct seq *s, s32 pid);
int procfs_show_buddyinfo(struct seq *s, s32 pid);
