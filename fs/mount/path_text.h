/* SPDX-License-Identifier: MIT
 *
 * The names of places: from paths to text.
 */
#pragma once

#include "fs/context.h"

/* Text of a path from `root`, " (deleted)" after it when the name is gone. Writes a
 * terminated string into buf; returns its length or -ENAMETOOLONG. */
ssize_t vfs_path_text(const struct path *p, const struct path *root, char *buf,
                      size_t size);

/* The same from the root of the file system it lies in, whatever is mounted where. */
ssize_t vfs_root_text(const struct path *p, char *buf, size_t size);

/* Whether p lies at or below root. */
bool vfs_path_reachable(const struct path *p, const struct path *root);

/* As vfs_path_text and vfs_path_reachable, from the root of fs. */
ssize_t fs_path_text(const struct fs_context *fs, const struct path *p, char *buf,
                     size_t size);
bool fs_path_reachable(const struct fs_context *fs, const struct path *p);
/* getcwd(2): from outside the root the text begins at the top, and says so. -ENOENT: the
 * directory's name is gone. */
ssize_t fs_cwd_text(const struct fs_context *fs, char *buf, size_t size);
