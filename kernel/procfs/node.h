/* SPDX-License-Identifier: MIT
 *
 * Inodes of procfs.
 */
#pragma once

#include "kernel/procfs/file.h"

/* An inode for n (copied), one reference. 0 or -ENOMEM. */
int procfs_inode(const struct procfs_node *n, struct inode **out);
/* The inode's end: an inode_ops.destroy. */
void procfs_node_destroy(struct inode *ino);
/* What stat(2) says otherwise of all of them: an inode_ops.stat. */
struct kernel_stat;
void procfs_node_stat(struct inode *ino, struct kernel_stat *st);
/* The number of n's inode. */
u64 procfs_ino(const struct procfs_node *n);
