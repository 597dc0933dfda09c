/* SPDX-License-Identifier: MIT
 *
 * What directories of procfs whose names are made elsewhere use.
 */
#pragma once

#include "kernel/procfs/file.h"

struct dir_sink;
/* Emits the entry at s->pos unless it lies before `at`; false: the buffer is full. */
bool procfs_emit(struct dir_sink *s, u64 at, const char *name, size_t len,
                 const struct procfs_node *n);
