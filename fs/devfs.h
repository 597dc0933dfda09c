/* SPDX-License-Identifier: MIT
 *
 * Devices by number, and their files.
 */
#pragma once

#include "lib/types.h"

struct file_ops;

/* What opening a device of that type (S_IFCHR, S_IFBLK in mode) and number yields. -ENXIO: no such
 * device. */
int devfs_open(u32 mode, u64 rdev, const struct file_ops **ops);

/* Registers a character device so that nodes with this rdev open it. name also appears in
 * devfs with the given permission bits. Called at boot. */
int devfs_register(const char *name, u64 rdev, u32 perm, const struct file_ops *fops);
/* The same for a row of numbers without nodes in devfs: their file system has them. */
int devfs_register_range(u64 rdev, u64 count, const struct file_ops *fops);
/* A row of block devices, 64 at most: none has a node yet. */
int devfs_register_blocks(const char *name, u64 rdev, u32 count, u32 perm,
                          const struct file_ops *fops);
/* One of them gets its node in each devfs, those of later too, or loses it. -ENOMEM, -ENOSPC: not
 * everywhere. Takes vfs_tree_lock. */
int devfs_show(u64 rdev, bool shown);
