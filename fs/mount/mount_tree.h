/* SPDX-License-Identifier: MIT
 *
 * Between fs/mount/mount.c and fs/mount/mount_calls.c.
 */
#pragma once

#include "fs/mount/mount.h"

struct fs_type *fs_type_find(const char *name);

/* A fresh instance with one reference. options: cut in place. 0 or errno. */
int super_create(const struct fs_type *type, const char *source, char *options, u32 flags,
                 struct super **out);
int super_configure(struct super *s, char *options, bool remount);
/* The last one destroys; no lock held then. */
void super_put(struct super *s);

/* A mount of `root`, which lies in s; takes references of its own. 0 or -ENOMEM. */
int mount_create(struct super *s, struct dentry *root, u32 flags, struct mount **out);
void mount_destroy(struct mount *m);

/* vfs_tree_lock exclusive. mount_unhook leaves the reference for being mounted. */
void mount_attach(struct mount *m, const struct path *at);
void mount_unhook(struct mount *m);
