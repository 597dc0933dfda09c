/* SPDX-License-Identifier: MIT
 *
 * Extended attributes, see fs/xattr.h.
 */
#include "fs/xattr.h"
#include "fs/inode.h"
#include "fs/perm.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/stat.h"
#include "mm/phys/account.h"
#include "mm/phys/slab.h"

struct xattr *xattr_next(const struct inode *ino, const struct xattr *x)
{
    struct rb_node *next = x ? rb_next(&x->node) : rb_first(&ino->xattrs);

    return next ? rb_entry(next, struct xattr, node) : NULL;
}

struct xattr *xattr_find(const struct inode *ino, const char *name)
{
    struct rb_node *node = ino->xattrs.node;
    int order = 1;

    while (node && (order = strcmp(name, rb_entry(node, struct xattr, node)->bytes)) != 0)
        node = order < 0 ? node->left : node->right;
    return node ? rb_entry(node, struct xattr, node) : NULL;
}

static void enter(struct inode *ino, struct xattr *x)
{
    struct rb_node **link = &ino->xattrs.node, *parent = NULL;

    while (*link) {
        parent = *link;
        link = strcmp(x->bytes, rb_entry(parent, struct xattr, node)->bytes) < 0
                   ? &parent->left
                   : &parent->right;
    }
    rb_insert(&ino->xattrs, &x->node, parent, link, NULL);
}

static void drop(struct inode *ino, struct xattr *x)
{
    rb_erase(&ino->xattrs, &x->node, NULL);
    quota_uncharge_pages(ino->quota, x->pages);
    kfree(x);
}

static int create(struct inode *ino, const char *name, const void *value, u32 size,
                  struct xattr **out)
{
    u32 len = (u32)strlen(name);
    size_t bytes = sizeof(struct xattr) + len + 1 + size;
    u64 pages = (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
    struct xattr *x;

    if (!quota_charge_pages(ino->quota, pages))
        return -ENOSPC;
    x = kmalloc(bytes);
    if (!x) {
        quota_uncharge_pages(ino->quota, pages);
        return -ENOMEM;
    }
    *x = (struct xattr){.name_len = len, .size = size, .pages = pages};
    memcpy(x->bytes, name, len + 1);
    memcpy(x->bytes + len + 1, value, size);
    *out = x;
    return 0;
}

int xattr_set(struct inode *ino, const char *name, const void *value, u32 size, u32 flags)
{
    REQUIRES_EXCLUSIVE(&ino->lock);
    struct xattr *old = xattr_find(ino, name), *x;
    int err;

    if (!ino->quota)
        return -EOPNOTSUPP;
    if (old && flags & XATTR_CREATE)
        return -EEXIST;
    if (!old && flags & XATTR_REPLACE)
        return -ENODATA;
    err = create(ino, name, value, size, &x);
    if (err)
        return err;
    enter(ino, x);
    if (old)
        drop(ino, old);
    inode_changed(ino);
    return 0;
}

int xattr_remove(struct inode *ino, const char *name)
{
    REQUIRES_EXCLUSIVE(&ino->lock);
    struct xattr *x = xattr_find(ino, name);

    if (!x)
        return -ENODATA;
    drop(ino, x);
    inode_changed(ino);
    return 0;
}

void xattr_drop_all(struct inode *ino)
{
    struct xattr *x;

    while ((x = xattr_next(ino, NULL))) {
        drop(ino, x);
        pause_anyway();
    }
}

static bool begins(const char *name, const char *space)
{
    return strncmp(name, space, strlen(space)) == 0;
}

static int check_user(const struct fs_cred *c, const struct inode *ino, bool change)
{
    if (!S_ISREG(ino->mode) && !S_ISDIR(ino->mode))
        return change ? -EPERM : -ENODATA;
    if (S_ISDIR(ino->mode) && ino->mode & S_ISVTX && change && !inode_owned(c, ino))
        return -EPERM;
    return inode_permission(c, ino, change ? MAY_WRITE : MAY_READ);
}

/* security.capability would be a file's capabilities, which nothing here obeys. */
int xattr_permission(const struct fs_cred *c, const struct inode *ino, const char *name,
                     bool change)
{
    bool admin = cred_capable(c, CAP_SYS_ADMIN);
    int err = 0;

    if (change && (ino->attrs & FS_FIXED))
        return -EPERM;
    if (begins(name, "system.posix_acl_"))
        return change ? -EOPNOTSUPP : -ENODATA;
    if (begins(name, "trusted."))
        err = admin ? 0 : change ? -EPERM : -ENODATA;
    else if (begins(name, "security."))
        err = !change                                    ? 0
              : strcmp(name, "security.capability") == 0 ? -EOPNOTSUPP
              : admin                                    ? 0
                                                         : -EPERM;
    else if (begins(name, "user."))
        err = check_user(c, ino, change);
    else
        return -EOPNOTSUPP;
    return err ? err : *(strchr(name, '.') + 1) ? 0 : -EINVAL;
}
