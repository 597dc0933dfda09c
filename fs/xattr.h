/* SPDX-License-Identifier: MIT
 *
 * Extended attributes of inodes of the memory file system: xattr(7). Their bytes count as pages
 * of the inode's quota, one at least for each.
 */
#pragma once

#include "fs/vfs.h"

#define XATTR_NAME_MAX 255u
#define XATTR_SIZE_MAX 65536u
#define XATTR_CREATE   1u
#define XATTR_REPLACE  2u

struct xattr {
    struct rb_node
        node; /* of its inode's, by name: there may be as many as there are pages */
    u32 name_len, size; /* bytes; the name without its end */
    u64 pages;          /* of the quota */
    char bytes[];       /* name, NUL, value */
};

/* ino->lock held, for xattr_set and xattr_remove exclusively. */

/* The first by name, the one after x, that of a name; NULL: none. */
struct xattr *xattr_next(const struct inode *ino, const struct xattr *x);
struct xattr *xattr_find(const struct inode *ino, const char *name);
static inline const char *xattr_value(const struct xattr *x)
{
    return x->bytes + x->name_len + 1;
}

/* flags: XATTR_*. -EEXIST, -ENODATA, -EOPNOTSUPP: no such file system, -ENOSPC, -ENOMEM. */
int must_check xattr_set(struct inode *ino, const char *name, const void *value, u32 size,
                         u32 flags);
int must_check xattr_remove(struct inode *ino, const char *name); /* -ENODATA */
/* The inode goes. */
void xattr_drop_all(struct inode *ino);

/* Whether the caller may read or change attributes of that name: -EOPNOTSUPP, -ENODATA, -EPERM,
 * -EACCES, -EINVAL. Rights of the caller over the inode are asked for as well. */
int must_check xattr_permission(const struct fs_cred *c, const struct inode *ino,
                                const char *name, bool change);
