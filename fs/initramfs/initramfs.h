/* SPDX-License-Identifier: MIT
 *
 * The first files, from the boot loader's archive.
 */
#pragma once

#include "lib/types.h"

struct fs_context;

/* Unpacks a cpio newc archive into the tree at fs->dirs->root Hostile archives: one clear line in
 * the log, -EINVAL; what was valid before stays. */
int initramfs_unpack(struct fs_context *fs, const void *data, size_t len);
