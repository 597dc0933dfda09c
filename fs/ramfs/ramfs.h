/* SPDX-License-Identifier: MIT
 *
 * Making inodes, for ramfs and the file systems built like it (devfs, memfd).
 */
#pragma once

#include "fs/vfs.h"

/* A fresh inode with one reference, nlink 1 (2 for a directory). NULL: no memory. */
struct inode *inode_create(u32 mode, u64 rdev, const struct inode_ops *ops,
                           const struct file_ops *fops);
/* Last step of an inode_ops.destroy: drops the object and frees the record. */
void inode_destroy(struct inode *ino);

/* A ramfs inode of any kind but a symlink. 0 or -ENOMEM. */
int ramfs_create_inode(u32 mode, u64 rdev, struct inode **out);

/* inode_ops.symlink of file systems whose links are in memory. -ENAMETOOLONG, -ENOMEM. */
int ramfs_symlink(struct inode *dir, const char *target, struct inode **out);

/* The root of a fresh file system, with a device number of its own. */
int ramfs_make_root(const struct fs_type *type, struct inode **root);
/* ino was made in dir: it lies in the same file system, and counts there. -ENOSPC. */
int must_check inode_join(struct inode *ino, const struct inode *dir);
extern struct fs_type tmpfs_type;
