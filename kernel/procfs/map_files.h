/* SPDX-License-Identifier: MIT
 *
 * /proc/PID/map_files; who may look has been asked before.
 */
#pragma once

#include "kernel/procfs/file.h"

/* The mapping that `name` tells, into n (a node of its process). 0 or -ENOENT. */
int procfs_lookup_map(const char *name, size_t len, struct procfs_node *n);
/* Where its link leads: a path, referenced, or a text for what has none. 0 or -ENOENT. */
int procfs_map_path(const struct procfs_node *n, struct path *out, const char **text);
/* All of them at positions from `first` on. */
void procfs_list_maps(const struct procfs_node *dir, u64 first, struct dir_sink *s);
