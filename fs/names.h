/* SPDX-License-Identifier: MIT
 *
 * Making, moving and removing names.
 */
#pragma once

#include "fs/namei.h"
#include "lib/types.h"

struct dentry;
struct fs_context;
struct inode;
struct path;
struct walk;

/* Gives `ino` the name w->last in w->parent; takes over the caller's inode reference on
 * success. out (may be NULL): the dentry, referenced. vfs_tree_lock exclusive. */
int name_add(const struct walk *w, struct inode *ino, struct dentry **out);

/* Takes the name d out of the tree. vfs_tree_lock exclusive; d is in the tree. */
void name_remove(struct dentry *d);

/* Whether mknod(2) makes files of this type: -EPERM for directories, -EINVAL for what is none. */
int vfs_may_mknod(u32 mode);
int vfs_mknod(struct fs_context *fs, const struct path *base, const char *name, u32 mode,
              u64 rdev); /* regular, device (-EPERM without CAP_MKNOD), fifo, socket */
/* bind(2): a socket's inode under a new name; *out: the name, referenced. */
int vfs_mksock(struct fs_context *fs, const char *name, struct path *out);
int vfs_mkdir(struct fs_context *fs, const struct path *base, const char *name, u32 mode);

int vfs_symlink(struct fs_context *fs, const struct path *base, const char *name,
                const char *target);

int vfs_link(struct fs_context *fs, const struct path *from, const struct path *base,
             const char *name);
int vfs_unlink(struct fs_context *fs, const struct path *base, const char *name);
int vfs_rmdir(struct fs_context *fs, const struct path *base, const char *name);

/* flags: RENAME_NOREPLACE or RENAME_EXCHANGE, or none. */
int vfs_rename(struct fs_context *fs, const struct path *obase, const char *oname,
               const struct path *nbase, const char *nname, u32 flags);
