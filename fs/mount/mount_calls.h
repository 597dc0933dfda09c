/* SPDX-License-Identifier: MIT
 *
 * mount(2) and umount2(2) once names and rights are settled.
 */
#pragma once

#include "lib/types.h"

struct fs_context;
struct mount_args;
struct path;

/* Where: a path found with vfs_lookup, consumed in any case. */
int vfs_mount(struct fs_context *fs, struct path *at, const struct mount_args *args);
int vfs_umount(struct fs_context *fs, struct path *at, u32 flags);
