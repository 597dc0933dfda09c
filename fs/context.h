/* SPDX-License-Identifier: MIT
 *
 * The directories of a thread: where its names begin. Threads and processes may share them
 * (CLONE_FS): each use takes references of its own.
 */
#pragma once

#include "fs/vfs.h"

/* Gives `to` directories, not credentials: its own, 0 or -ENOMEM; share: those of `from`. */
int must_check fs_context_copy(struct fs_context *to, const struct fs_context *from);
void fs_context_share(struct fs_context *to, const struct fs_context *from);
/* How many contexts have these directories. */
u32 fs_context_shares(const struct fs_context *fs);
/* It has none any more. What the last one leaves is to be freed, without spinlocks; else NULL. */
struct fs_dirs *must_check fs_context_leave(struct fs_context *fs);
void fs_dirs_free(struct fs_dirs *dirs);
static inline void fs_context_fini(struct fs_context *fs)
{
    fs_dirs_free(fs_context_leave(fs));
}

/* The root and the working directory as they are now, referenced (path_put). */
void fs_root(const struct fs_context *fs, struct path *out);
void fs_cwd(const struct fs_context *fs, struct path *out);
/* Both of them at one moment. */
void fs_root_and_cwd(const struct fs_context *fs, struct path *root, struct path *cwd);
/* Puts p, whose reference is taken over, in their place. */
void fs_set_root(const struct fs_context *fs, const struct path *p);
void fs_set_cwd(const struct fs_context *fs, const struct path *p);

static inline u32 fs_umask(const struct fs_context *fs)
{
    return READ_ONCE(fs->dirs->umask);
}
