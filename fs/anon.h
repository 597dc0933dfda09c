/* SPDX-License-Identifier: MIT
 *
 * Files that are nothing but an object of the kernel: no name in the tree, no data. They share
 * one inode; /proc/PID/fd shows what kind they are.
 */
#pragma once

#include "fs/file.h"

enum anon_kind {
    ANON_EPOLL,
    ANON_EVENTFD,
    ANON_TIMERFD,
    ANON_SIGNALFD,
    ANON_PIDFD,
    ANON_USERFAULTFD
};

/* A file with `data`. 0; -ENFILE, -ENOMEM. */
int anon_create(enum anon_kind kind, const struct file_ops *ops, u32 flags, void *data,
                struct file **out);

bool inode_is_anon(const struct inode *ino);
bool file_is_anon_kind(const struct file *f, enum anon_kind kind);
static inline bool file_is_anon(const struct file *f)
{
    return inode_is_anon(f->inode);
}

void anon_init(void);
