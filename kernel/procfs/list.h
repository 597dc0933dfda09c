/* SPDX-License-Identifier: MIT
 *
 * Listings of directories of procfs.
 */
#pragma once

#include "kernel/procfs/file.h"

struct dir_sink;

/* Emits what the directory has from s->pos on, until the buffer is full. */
void procfs_list(const struct procfs_node *dir, struct dir_sink *s);
/* Emits the entry at s->pos unless it lies before `at`; false: the buffer is full. */
bool procfs_emit(struct dir_sink *s, u64 at, const char *name, size_t len,
                 const struct procfs_node *n);
