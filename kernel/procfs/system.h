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

int procfs_show_config(struct seq *s, s32 pid); /* /proc/config.gz */
