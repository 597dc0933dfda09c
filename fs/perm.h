/* SPDX-License-Identifier: MIT
 *
 * Who may do what to an inode: the owner, group and other bits, the sticky bit, and the
 * capabilities that go past them. Sources: path_resolution(7), inode(7), capabilities(7).
 * Every check of rights in the file systems comes here, with the running thread's credentials,
 * which nobody else changes, or a copy.
 */
#pragma once

#include "fs/vfs.h"
#include "lib/uapi/capability.h"

#define MAY_EXEC  1u /* directories: search */
#define MAY_WRITE 2u
#define MAY_READ  4u

static inline bool cred_capable(const struct fs_cred *c, unsigned cap)
{
    return c->caps >> cap & 1;
}

/* Whether gid is the group of c or one of its supplementary groups. */
bool cred_in_group(const struct fs_cred *c, u32 gid);

/* want: MAY_*. 0 or -EACCES, -EPERM to write what is immutable. Only one class of bits counts: an owner without a right does
 * not get it from the group's or the others' bits. */
int inode_permission(const struct fs_cred *c, const struct inode *ino, u32 want);

/* The owner, or one that may act as any (CAP_FOWNER). */
bool inode_owned(const struct fs_cred *c, const struct inode *ino);

/* May names be added to dir: 0 or -EACCES. */
int dir_may_add(const struct fs_cred *c, const struct inode *dir);
/* May the name of ino go from dir: 0; -EACCES; -EPERM: a sticky directory, and neither it
 * nor the file is the caller's; a directory that only grows; a file that stays as it is. */
int dir_may_remove(const struct fs_cred *c, const struct inode *dir,
                   const struct inode *ino);

/* A second name for ino: 0 or -EPERM. While protected_hardlinks is not 0, only the owner
 * (or CAP_FOWNER) names what he could not also read and write, or what has set-ID bits. */
int inode_may_link(const struct fs_cred *c, const struct inode *ino);
extern u32 protected_hardlinks;

/* In a directory that is sticky and that everybody writes, /proc/sys/fs/protected_*, at 0 off: 0 or
 * -EACCES. A link there that ends a name leads on if it is the caller's or the directory's owner's. */
int dir_may_follow(const struct fs_cred *c, const struct inode *dir,
                   const struct inode *link);
/* What is there already when O_CREAT would make it: the same; at 2 also where the group writes. */
int dir_may_reuse(const struct fs_cred *c, const struct inode *dir,
                  const struct inode *ino);
extern u32 protected_symlinks, protected_regular, protected_fifos;

/* ino was just made in dir: gives it its owner and group; a set-group-ID directory hands
 * on its group. */
void inode_init_owner(const struct fs_cred *c, const struct inode *dir,
                      struct inode *ino);

/* The mode chmod may really set: a foreign group's S_ISGID is dropped. */
u32 inode_chmod_mode(const struct fs_cred *c, const struct inode *ino, u32 mode);
/* 0 or -EPERM; ~0u: stays. */
int inode_may_chown(const struct fs_cred *c, const struct inode *ino, u32 uid, u32 gid);
/* Takes bits out of the mode, in one step. No lock is needed. */
void inode_clear_mode(struct inode *ino, u32 bits);
/* The contents change: a program must not keep its set-ID bits (except by CAP_FSETID). */
void inode_drop_set_id(const struct fs_cred *c, struct inode *ino);
