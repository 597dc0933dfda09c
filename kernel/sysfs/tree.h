/* SPDX-License-Identifier: MIT
 *
 * What is in /sys, by numbers of inodes, for kernel/sysfs/sysfs.c. The root is number 1.
 */
#pragma once

#include "kernel/procfs/seq.h"

#define TREE_TEXT 32u /* bytes of a name */

/* The i-th thing in a directory: its name (TREE_TEXT bytes) and number. false: no more. */
bool tree_entry(u64 dir, u64 i, char *name, u64 *ino);

u32 tree_type(u64 ino); /* S_IFDIR, S_IFREG, S_IFLNK */

/* Whether it is a loop device's: kernel/loop/attr.h has its text. */
bool tree_is_loop(u64 ino);

/* The text of a link, at most size bytes; its length. */
size_t tree_link(u64 ino, char *text, size_t size);

/* The text of another file; may sleep. Whether it can be written, and a number written to it. */
void tree_show(u64 ino, struct seq *s);
bool tree_may_set(u64 ino);
void tree_set(u64 ino, u64 number);
