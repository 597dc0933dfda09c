/* SPDX-License-Identifier: MIT
 *
 * Files of a process that look into its memory.
 */
#pragma once

#include "kernel/procfs/procfs.h"

int procfs_show_arrangement(struct seq *s, s32 pid);
int procfs_store_clear_refs(s32 pid, char *text, size_t n);
