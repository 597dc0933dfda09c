/* SPDX-License-Identifier: MIT
 *
 * Texts in the files of the whole system, and names in any.
 */
#pragma once

#include "kernel/procfs/procfs.h"

/* Text of a path as the running process names it; a terminated string in a fresh buffer of
 * PATH_MAX bytes, or "" when it has no name. */
void seq_path(struct seq *s, const struct path *p, const char *escaped);
/* A text in which the characters of `escaped` stand as \ooo. */
void seq_escape(struct seq *s, const char *text, const char *escaped);

/* What of locks belongs to an open file, of a table with lock_owner `owner`, for its fdinfo: in pieces,
 * whose numbers are those of the list of all locks. */
struct file;
void procfs_show_own_locks(struct seq *s, const struct file *f, u64 owner);

int procfs_show_config(struct seq *s, s32 pid); /* /proc/config.gz */
