/* SPDX-License-Identifier: MIT
 *
 * Loop devices in /sys: /sys/block/loopN and /sys/dev/block/7:N, for kernel/sysfs/sysfs.c. Numbers of
 * inodes are theirs from LOOP_ATTRS on.
 */
#pragma once

#include "lib/types.h"

#define LOOP_ATTRS 2048u /* the number of /sys/block/loop0 */

/* The i-th of the directories in /sys/block, of the links in /sys/dev/block, or of what is in the
 * directory `dir` of theirs: its name (size bytes at most) and number. false: no more. */
bool loop_attr_device(u64 i, bool as_link, char *name, size_t size, u64 *ino);
bool loop_attr_at(u64 dir, u64 i, char *name, size_t size, u64 *ino);

u32 loop_attr_type(u64 ino); /* S_IFDIR, S_IFREG, S_IFLNK */

/* The text of a file or a link: its length. */
size_t loop_attr_text(u64 ino, char *out, size_t size);
