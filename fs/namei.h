/* SPDX-License-Identifier: MIT
 *
 * From names to places: walks along paths, and the names of places.
 */
#pragma once

#include "fs/vfs.h"

/* ---- one walk, with vfs_tree_lock held in any mode ---- */

/* The last component itself is meant, also a link with '/' after it: for calls that change
 * names. They judge w->slash themselves. */
#define WALK_NAME  4u
/* vfs_tree_lock is held exclusively. */
#define WALK_ALONE 8u
/* walk_path() without WALK_ALONE: it must be tried again with it, for names come from elsewhere.
 * With it: some came, and vfs_tree_lock was given up meanwhile. It was not given up in a walk that
 * ends otherwise, but for one that finds that a name is not there. */
#define WALK_AGAIN 1

struct walk {
    struct path found;  /* result, referenced */
    struct path parent; /* directory of the last component, referenced, or NULLs */
    size_t last_len;
    size_t dots;             /* how many, when the last component was "." or ".." */
    bool slash;              /* the name ended in '/': must be a directory */
    char last[NAME_MAX + 1]; /* last component; "" for paths that end in / . or .. */
};

/* Resolves name. WALK_AGAIN; -ENOENT with w->parent set: only the last component is missing. Call
 * walk_end in any case, without the lock. */
int walk_path(struct fs_context *fs, const struct path *base, const char *name, u32 flags,
              struct walk *w);
/* The same with WALK_ALONE, as often as it must be tried again. */
int walk_alone(struct fs_context *fs, const struct path *base, const char *name,
               u32 flags, struct walk *w);
void walk_end(struct walk *w);

/* ---- places ---- */

void path_get(const struct path *p);
void path_put(struct path *p);

/* Resolves `name` from `base` (NULL: the working directory; ignored for absolute names).
 * -ENOENT, -ENOTDIR, -ELOOP, -ENAMETOOLONG, -EACCES. */
int vfs_lookup(struct fs_context *fs, const struct path *base, const char *name,
               u32 flags, struct path *out);
