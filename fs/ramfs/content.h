/* SPDX-License-Identifier: MIT
 *
 * What files hold whose data is a vm_object: of ramfs, tmpfs, hugetlbfs, memfd. Contracts of
 * file_ops and inode_ops (fs/vfs.h, fs/file.h).
 */
#pragma once

#include "fs/vfs.h"

struct file;

/* Pages of any order. */
ssize_t ramfs_read(struct file *f, struct uio *u, u64 *pos);
ssize_t ramfs_write(struct file *f, struct uio *u, u64 *pos);
int ramfs_truncate(struct inode *ino, u64 size);
int ramfs_fallocate(struct inode *ino, u32 mode, u64 offset, u64 len);
s64 ramfs_lseek(struct file *f, s64 offset, int whence);
int ramfs_mmap(struct file *f, bool shared, struct vm_object **out);
int ramfs_fsync(struct file *f);
