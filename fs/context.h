/* SPDX-License-Identifier: MIT
 *
 * The directories of a process: where its names begin. Processes may share them, and threads
 * do: each use takes references of its own.
 */
#pragma once

#include "fs/vfs.h"

/* With directories of its own: 0 or -ENOMEM. share: with those of `from`. */
int must_check fs_context_copy(struct fs_context *to, const struct fs_context *from);
void fs_context_share(struct fs_context *to, const struct fs_context *from);
bool fs_context_is_shared(const struct fs_context *fs);
void fs_context_fini(struct fs_context *fs);

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
