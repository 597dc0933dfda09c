/* SPDX-License-Identifier: MIT
 *
 * Mounts: where the root of a tree of names, or of a part of one, is shown. A `super` is one
 * instance of a file system; several mounts may show it (bind mounts), each with rights of
 * its own. What is mounted on a directory is seen only through the mount it was done in.
 */
#pragma once

#include "fs/vfs.h"
#include "lib/list.h"

/* What each mount may forbid or order by itself, and what belongs to the file system. */
#define MOUNT_FLAGS                                                               \
    (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOSYMFOLLOW | MS_NOATIME | \
     MS_NODIRATIME | MS_RELATIME)
#define SUPER_FLAGS (MS_RDONLY | MS_SYNCHRONOUS | MS_MANDLOCK | MS_DIRSYNC | MS_LAZYTIME)

struct super {
    const struct fs_type *type; /* [c] */
    struct dentry *root;        /* [c] referenced */
    u32 refs;                   /* atomic; mounts, and the walk through dead ones */
    u32 flags;                  /* SUPER_FLAGS; changed under vfs_tree_lock */
    struct quota *quota;        /* [c] what its files may have, and have */
    void *data;                 /* the type's own: configure makes it, drop frees it */
    char source[64];            /* [c] the label given to mount, cut */
};

struct mount {
    u32 refs;                /* atomic: paths, and 1 for being mounted */
    u32 id;                  /* [c] grows with each mount */
    u32 flags;               /* MOUNT_FLAGS; changed under vfs_tree_lock */
    u32 writers;             /* atomic: files open for writing */
    bool expiring;           /* MNT_EXPIRE has seen it unused; any use takes that back */
    struct super *super;     /* [c] */
    struct dentry *root;     /* [c] referenced; below super->root for a bind mount */
    struct path at;          /* where; dentry NULL: the first root, or detached */
    struct mount *next_here; /* others on the same directory, seen from other mounts */
    struct mount *copy;      /* while a tree is copied; vfs_tree_lock */
    struct list link;
};

extern struct list vfs_mounts; /* of struct mount.link; vfs_tree_lock */

/* What is mounted on p as seen from p->mnt; NULL. vfs_tree_lock. */
struct mount *mount_on(const struct path *p);
/* The last reference of a detached mount is gone: its memory goes when no lock is held. */
void mount_bury(struct mount *m);
/* Frees what was buried. No lock held. Cheap when there is nothing. */
void mount_reap(void);

/* ---- options of mount(2) ---- */

/* Takes the next "key" or "key=value" off *text, in place; value NULL: none given. false at
 * the end. */
bool option_next(char **text, char **key, char **value);
/* A number in this base (8: modes). 0 or -EINVAL. */
int option_number(const char *value, unsigned base, u64 *out);
/* A size in bytes: k, m, g after it, or a percentage of `whole`. 0 or -EINVAL. */
int option_size(const char *value, u64 whole, u64 *out);

/* mode=, uid=, gid= for the root of a file system. */
struct root_options {
    u64 mode, uid, gid; /* ~0: not given */
};
/* 1: taken, 0: not one of these, -EINVAL. */
int root_option(struct root_options *r, const char *key, const char *value);
void root_options_apply(const struct root_options *r, struct inode *root);
