/* SPDX-License-Identifier: MIT
 *
 * Dentries: names in directories, shared by the files of fs/ that walk or change names.
 * A kept dentry (ramfs, devfs) is held by its directory as long as the name exists; a
 * transient one (procfs) only by whoever uses it. vfs_tree_lock protects everything here but
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
    struct mount *mounted; /* what covers it, a chain (fs/mount/mount.h: mount_on), or NULL */
    u64 cookie;            /* position for readdir, >= 2, growing in a directory */
    u64 next_cookie;       /* for the next child */
    bool kept;             /* in the tree: hashed and in parent's children */
    bool dead;             /* its name was removed */
    u16 len;
    char name[NAME_MAX + 1];
};

extern struct mutex vfs_tree_lock;

/* A dentry over inode (takes over the caller's reference on success), not in the tree.
 * NULL: no memory. parent may be NULL. */
struct dentry *dentry_create(struct dentry *parent, const char *name, size_t len,
                             struct inode *inode);
void dentry_get(struct dentry *d);
void dentry_put(struct dentry *d);

/* Puts a fresh dentry into the tree (takes the tree's reference) / takes it out. */
void dentry_link(struct dentry *d);
void dentry_unlink(struct dentry *d);
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

/* ---- fs/namei.c: walking, with vfs_tree_lock held in any mode ---- */

/* The last component itself is meant, also a link with '/' after it: for calls that change
 * names. They judge w->slash themselves. */
#define WALK_NAME 4u

struct walk {
    struct path found;       /* result, referenced */
    struct path parent;      /* directory of the last component, referenced, or NULLs */
    char last[NAME_MAX + 1]; /* last component; "" for paths that end in / . or .. */
    size_t last_len;
    size_t dots; /* how many, when the last component was "." or ".." */
    bool slash;  /* the name ended in '/': must be a directory */
};

/* Resolves name. -ENOENT with w->parent set: only the last component is missing. Call
 * walk_end in any case. */
int walk_path(struct fs_context *fs, const struct path *base, const char *name, u32 flags,
              struct walk *w);
void walk_end(struct walk *w);

u64 fs_now(void); /* wall clock, ns */

extern struct fs_type ramfs_type;
extern const struct file_ops dir_file_ops;
