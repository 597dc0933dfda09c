/* SPDX-License-Identifier: MIT
 *
 * Mounts: where the root of a tree of names, or of a part of one, is shown. A `super` is one
 * instance of a file system; several mounts may show it (bind mounts), each with rights of
 * its own. What is mounted on a directory is seen only through the mount it was done in.
 */
#pragma once

#include "fs/context.h"
#include "fs/vfs.h"
#include "lib/list.h"
#include "lib/waitq.h"

/* What each mount may forbid or order by itself, and what belongs to the file system. */
#define MOUNT_FLAGS                                                               \
    (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOSYMFOLLOW | MS_NOATIME | \
     MS_NODIRATIME | MS_RELATIME)
#define SUPER_FLAGS (MS_RDONLY | MS_SYNCHRONOUS | MS_MANDLOCK | MS_DIRSYNC | MS_LAZYTIME)

/* [T]: changed with vfs_tree_lock exclusive, read with it in any mode. */
struct super {
    const struct fs_type *type; /* [c] */
    struct dentry *root;        /* [c] referenced */
    u32 refs;                   /* atomic; mounts, and the walk through dead ones */
    u32 flags;                  /* [T] SUPER_FLAGS; read without */
    struct quota *quota;        /* [c] what its files may have, and have */
    void *data;                 /* the type's own: configure makes it, drop frees it */
    u32 first_mode, first_uid, first_gid; /* [c] of its root, by the options */
    char source[64];                      /* [c] the label given to mount, cut */
};

struct mount {
    u32 refs;            /* atomic: paths, and 1 for being mounted */
    u32 id;              /* [c] grows with each mount */
    u32 flags;           /* [T] MOUNT_FLAGS; read without */
    u32 writers;         /* atomic: files open for writing, changes of files under way */
    bool expiring;       /* one word: MNT_EXPIRE has seen it unused; any use takes that
                              * back */
    struct super *super; /* [c] */
    struct dentry *root; /* [c] referenced; below super->root for a bind mount */
    struct path at;      /* [T] where; dentry NULL: the first root, or detached */
    struct mount *next_here; /* [T] others on the same directory, seen from other mounts;
                              * of a buried one: dead_lock */
    struct mount *copy;      /* [T] exclusive: while a tree is copied */
    struct list link;        /* [T] */
};

extern struct list vfs_mounts; /* of struct mount.link; vfs_tree_lock */

/* Changes of that list so far, atomic; who polls it waits there. */
extern u64 vfs_mount_changes;
extern struct waitq vfs_mount_events;
void mount_changed(void);

/* What is mounted on p as seen from p->mnt; NULL. vfs_tree_lock. */
struct mount *mount_on(const struct path *p);
/* The last reference of a detached mount is gone: its memory goes when no lock is held. */
void mount_bury(struct mount *m);
/* Frees what was buried. No lock held. Cheap when there is nothing. */
void mount_reap(void);

/* mode=, uid=, gid= for the root of a file system. */
struct root_options {
    u64 mode, uid, gid; /* ~0: not given */
};

struct fs_type *fs_type_find(const char *name);

/* A fresh instance with one reference. options: cut in place. 0 or errno. */
int super_create(const struct fs_type *type, const char *source, char *options, u32 flags,
                 struct super **out);
int super_configure(struct super *s, char *options, bool remount);
/* The last one destroys; no lock held then. */
void super_put(struct super *s);

/* How many mounts there may be, Linux's number. */
extern u32 mounts_max;

/* A mount of `root`, which lies in s; takes references of its own. 0, -ENOMEM, -ENOSPC. */
int mount_create(struct super *s, struct dentry *root, u32 flags, struct mount **out);
void mount_destroy(struct mount *m);

/* vfs_tree_lock exclusive. mount_unhook leaves the reference for being mounted. */
void mount_attach(struct mount *m, const struct path *at);
void mount_unhook(struct mount *m);

void vfs_register(struct fs_type *type);
void vfs_for_each_type(void (*visit)(const struct fs_type *type, void *arg), void *arg);

/* statfs f_type of the file system a path lies on; 0 for nameless files. */
u64 vfs_mount_magic(const struct path *p);

/* MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC... as they hold for this path: those of its
 * mount and those of the file system. 0 for nameless files. */
u32 path_mount_flags(const struct path *p);

/* 0 or -EROFS: for what changes a name, with vfs_tree_lock exclusive. */
int path_may_change(const struct path *p);
/* The same for what changes a file: until the end nobody makes its mount read-only. */
int must_check path_begin_change(const struct path *p);
void path_end_change(const struct path *p);

void vfs_for_each_mount(void (*visit)(const struct mount_info *info, void *arg),
                        void *arg);

/* Sets up the root ramfs; afterwards *fs is a context at its root. Called once at boot. */
void vfs_init(struct fs_context *fs);

/* From now on files of the root file system may take half of what is free, beyond what is in
 * it. Until then it has no limit. */
void vfs_limit_root(const struct fs_context *fs);
