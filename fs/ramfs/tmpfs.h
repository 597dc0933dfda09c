/* SPDX-License-Identifier: MIT
 *
 * Limits of tmpfs.
 */
#pragma once

#include "lib/types.h"

struct super;

/* The options of tmpfs (fs/ramfs/tmpfs.c), for types that are one. */
int tmpfs_configure(struct super *s, char *options, bool remount);

/* The root file system: half of what is free now beyond what it already has. */
void tmpfs_limit_root(struct super *s);
