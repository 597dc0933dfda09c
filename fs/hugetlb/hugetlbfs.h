/* SPDX-License-Identifier: MIT
 *
 * Files with pages of 2 MiB: the file system type, and what memfd_create and mmap need of it.
 * See docs/reference/hugetlb.md.
 */
#pragma once

#include "fs/vfs.h"

extern struct fs_type hugetlbfs_type;

/* vm.hugetlb_shm_group: who may have System V segments of huge pages without CAP_IPC_LOCK. */
extern u32 hugetlb_shm_group;

/* An inode; regular files get huge pages. 0 or -ENOMEM. */
int hugetlbfs_create_inode(u32 mode, u64 rdev, struct inode **out);

/* A writable mapping of bytes up to `end` was made: as on Linux the file grows to it. */
void hugetlbfs_mapped(struct file *f, u64 end);
