/* SPDX-License-Identifier: MIT
 *
 * Between the files of fs/ that open and create.
 */
#pragma once

#include "fs/dentry.h"
#include "fs/file.h"

/* Opens what p names. created: the call just made it, so O_TRUNC, kinds
 * and rights do not matter. -EACCES, -EPERM (O_NOATIME). */
int file_open_path(const struct fs_cred *c, const struct path *p, u32 flags, bool created,
                   struct file **out);

/* Counts one that writes, for the inode and the mount: -ETXTBSY it runs as a program, -EROFS. */
int must_check begin_writing(const struct path *p);
void end_writing(const struct path *p);

/* open(2): flags are Linux O_*. A new file in *out with one reference. */
int vfs_open(struct fs_context *fs, const struct path *base, const char *name, u32 flags,
             u32 mode, struct file **out);

/* The same, with restrictions of the walk: LOOKUP_NO_XDEV to LOOKUP_CACHED, the last not with
 * flags that create or cut. -EXDEV, -ELOOP, -EAGAIN. `base` counts for absolute names too with
 * LOOKUP_IN_ROOT. */
int vfs_open_within(struct fs_context *fs, const struct path *base, const char *name,
                    u32 flags, u32 mode, u32 within, struct file **out);
