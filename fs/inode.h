/* SPDX-License-Identifier: MIT
 *
 * Inodes: references, attributes, times, sizes.
 */
#pragma once

#include "lib/types.h"

struct file;
struct inode;
struct kernel_stat;
struct path;
struct quota;

u64 fs_now(void); /* wall clock, ns */

/* Its contents change now: both times; it itself changes now: the one. No lock is needed. */
void inode_touch(struct inode *ino);
void inode_changed(struct inode *ino);
/* A name of its leaves the directory `from` and comes to `to`, which may be the same: one moment for the
 * times of all. No lock is needed. */
void inode_named(struct inode *ino, struct inode *from, struct inode *to);

/* Its contents are read or mapped: the access time follows unless O_NOATIME says not. */
void file_accessed(const struct file *f);

/* The inode is open for writing: -ETXTBSY while it runs as a program. */
int inode_get_write(struct inode *ino);
void inode_put_write(struct inode *ino);

void inode_get(struct inode *ino);
void inode_put(struct inode *ino);
/* A fresh inode and the pages of its object count in q from now on. -ENOSPC. */
int must_check inode_charge(struct inode *ino, struct quota *q);
/* Its end: for inode_ops.destroy. */
void inode_uncharge(struct inode *ino);

/* deny_write: the file becomes a running program: -ETXTBSY when it is open for writing. */
int inode_deny_write(struct inode *ino);
void inode_allow_write(struct inode *ino);
/* ino->lock exclusive. */
int vfs_truncate(struct inode *ino, u64 size);

/* The file found under p is read: its access time follows, as its mount has it. */
void vfs_accessed(const struct path *p, struct inode *ino);

/* Writes through mappings count in the times from here on: before they are read or set. */
void inode_times_settle(struct inode *ino);
/* Whether it may have FS_*_FL: a file or directory of a memory file system. */
bool inode_has_attrs(const struct inode *ino);
void vfs_stat(struct inode *ino, struct kernel_stat *st);

/* Whether O_DIRECT means something to open: data that lie in memory anyway, in small pages, and block
 * devices. */
bool inode_may_direct(const struct inode *ino);

/* Changes; whether they are allowed is asked under the same hold of ino->lock, exclusive. */
int vfs_chmod(struct inode *ino, u32 mode);
int vfs_chown(struct inode *ino, u32 uid, u32 gid);
/* For vfs_utimes: this one stays; it becomes the moment of the change, which is ctime's as well. */
#define TIME_KEPT INT64_MIN
#define TIME_NOW  (INT64_MIN + 1)
int vfs_utimes(struct inode *ino, s64 atime_ns, s64 mtime_ns);
