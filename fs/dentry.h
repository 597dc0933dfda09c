/* SPDX-License-Identifier: MIT
 *
 * Dentries: names in directories, shared by the files of fs/ that walk or change names.
 * A kept dentry (ramfs, devfs) is held by its directory as long as the name exists; a
 * transient one (procfs) only by its users. vfs_tree_lock protects everything here but
 * the reference counts.
 */
#pragma once

#include "fs/vfs.h"
#include "lib/rbtree.h"

struct dentry {
    u32 refs;                /* atomic: users, children, and the name itself when kept */
    struct dentry *parent;   /* referenced; NULL at a root */
    struct inode *inode;     /* referenced */
    struct rb_root children; /* kept ones, in order of cookie */
    struct rb_node sibling;
    struct dentry *hash_next;
    struct mount
        *mounted;    /* what covers it, a chain (fs/mount/mount.h: mount_on), or NULL */
    u64 cookie;      /* position for readdir, >= 2, growing in a directory */
    u64 next_cookie; /* for the next child */
    bool kept;       /* in the tree: hashed and in parent's children */
    bool dead;       /* its name was removed */
    u16 len;
    char name[NAME_MAX + 1];
};

extern struct mutex vfs_tree_lock;

/* At boot, before the first name: what names are hashed with, so that nobody can choose many that
 * fall into one place. */
void dentry_seed(u64 seed);

/* A dentry over inode (takes over the caller's reference on success), not in the tree.
 * NULL: no memory. parent may be NULL. */
struct dentry *dentry_create(struct dentry *parent, const char *name, size_t len,
                             struct inode *inode);
void dentry_get(struct dentry *d);
void dentry_put(struct dentry *d);

/* Puts a fresh dentry into the tree (takes the tree's reference) / takes it out. */
void dentry_link(struct dentry *d);
void dentry_unlink(struct dentry *d);
/* Puts a name for inode, which it may have no other of, into dir, and takes over the caller's
 * reference in any case. vfs_tree_lock held. 0 or -ENOMEM. */
int must_check dentry_add(struct dentry *dir, const char *name, size_t len,
                          struct inode *inode);
/* Moves a linked dentry to another directory and name. */
void dentry_move(struct dentry *d, struct dentry *parent, const char *name, size_t len);

/* The kept child of that name, no reference; NULL. */
struct dentry *dentry_find(const struct dentry *parent, const char *name, size_t len);

/* The kept children in order of cookie: the first from `cookie` on, the next; NULL: no more. */
struct dentry *dentry_child(const struct dentry *parent, u64 cookie);
struct dentry *dentry_next(const struct dentry *d);
static inline bool dentry_has_children(const struct dentry *d)
{
    return d->children.node != NULL;
}

extern struct fs_type ramfs_type;
extern const struct file_ops dir_file_ops;
s64 dir_lseek(struct file *f, s64 offset, int whence);
ssize_t dir_read(struct file *f, struct uio *u, u64 *pos); /* -EISDIR */
