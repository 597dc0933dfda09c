/* SPDX-License-Identifier: MIT
 *
 * What the two files of the host's file system share: hostfs.c (names) and contents.c.
 */
#pragma once

#include "fs/host/ninep.h"

struct file_ops;
struct inode;
struct inode_ops;
struct kernel_stat;

/* inode->data of directories and files of the server. */
struct host_node {
    struct host_node *next; /* [ninep_lock] of those whose inode is gone */
    u32 fid;                /* [c] */
    u64 size, blocks;       /* [c] as the server said */
    u32 nlink;              /* [c] the same */
    bool open;              /* [ninep_lock] the fid is open for reading */
    bool whole;             /* set under ninep_lock: all of the contents are here */
};

void host_stat(struct inode *ino, struct kernel_stat *st);

/* Of files. */
extern const struct inode_ops host_file_ops;
extern const struct file_ops host_file_fops;
