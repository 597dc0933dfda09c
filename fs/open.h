/* SPDX-License-Identifier: MIT
 *
 * Between the files of fs/ that open and create.
 */
#pragma once

#include "fs/dentry.h"
#include "fs/file.h"

/* Opens what p names. created: the call just made it, so O_TRUNC, kinds
 * and rights do not matter. -EACCES, -EPERM (O_NOATIME). */
int file_open_path(const struct fs_cred *c, const struct path *p, u32 flags, bool created,
                   struct file **out);

/* Gives `ino` the name w->last in w->parent; takes over the caller's inode reference on
 * success. out (may be NULL): the dentry, referenced. vfs_tree_lock exclusive. */
int name_add(const struct walk *w, struct inode *ino, struct dentry **out);

/* Takes the name d out of the tree. vfs_tree_lock exclusive; d is in the tree. */
void name_remove(struct dentry *d);

/* The inode is open for writing: -ETXTBSY while it runs as a program. */
int inode_get_write(struct inode *ino);
void inode_put_write(struct inode *ino);
/* A file opened for writing is closed. */
void end_writing(const struct path *p);
