/* SPDX-License-Identifier: MIT
 *
 * Devices: a registry by number, and devfs (devtmpfs), a ramfs that is born with a node for
 * each registered device and the usual links to descriptors. Nodes of rows of block devices come
 * and go in all that are mounted.
 */
#include "fs/devfs.h"
#include "fs/dentry.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/mount/mount.h"
#include "fs/names.h"
#include "fs/ramfs/ramfs.h"
#include "fs/ramfs/tmpfs.h"
#include "lib/fmt.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/stat.h"
#include "mm/phys/slab.h"

struct device {
    struct device *next;
    u64 rdev, count; /* numbers [rdev, rdev + count) */
    u32 mode;        /* S_IFCHR or S_IFBLK, and the permission bits */
    const struct file_ops *fops;
    char name[NAME_MAX + 1]; /* empty: no node in devfs */
    u64 shown; /* [vfs_tree_lock] of a row of block devices: those that have a node, named
                * name0, name1... */
};

/* Grows at boot only, so readers need no lock. */
static struct device *devices, **last_device = &devices;

/* Those that are filled: [vfs_tree_lock] a list linked by super.data. */
static struct super *filled;

static int devfs_fill(struct dentry *root);
static void devfs_drop(struct super *s);

static struct fs_type devtmpfs_type = {.name = "devtmpfs",
                                       .magic = 0x01021994,
                                       .root_mode = 0755,
                                       .make_root = ramfs_make_root,
                                       .configure = tmpfs_configure,
                                       .fill = devfs_fill,
                                       .drop = devfs_drop};
static struct fs_type devfs_type = {.name = "devfs",
                                    .magic = 0x01021994,
                                    .root_mode = 0755,
                                    .make_root = ramfs_make_root,
                                    .configure = tmpfs_configure,
                                    .fill = devfs_fill,
                                    .drop = devfs_drop};

static int add(const char *name, u64 rdev, u32 mode, const struct file_ops *fops)
{
    struct device *d;

    if (strlen(name) > NAME_MAX)
        return -ENAMETOOLONG;
    for (d = devices; d; d = d->next)
        if ((d->rdev == rdev && S_ISBLK(d->mode) == S_ISBLK(mode)) ||
            strcmp(d->name, name) == 0)
            return -EEXIST;
    d = kzalloc(sizeof(*d));
    if (!d)
        return -ENOMEM;
    if (!devices) {
        vfs_register(&devfs_type);
        vfs_register(&devtmpfs_type);
    }
    d->rdev = rdev;
    d->count = 1;
    d->mode = mode;
    d->fops = fops;
    str_copy(d->name, name, sizeof(d->name));
    *last_device = d;
    last_device = &d->next;
    return 0;
}

int devfs_register(const char *name, u64 rdev, u32 perm, const struct file_ops *fops)
{
    return add(name, rdev, S_IFCHR | perm, fops);
}

int devfs_register_range(u64 rdev, u64 count, const struct file_ops *fops)
{
    int err = add("", rdev, S_IFCHR, fops);

    if (!err)
        container_of(last_device, struct device, next)->count = count;
    return err;
}

int devfs_register_blocks(const char *name, u64 rdev, u32 count, u32 perm,
                          const struct file_ops *fops)
{
    int err = add(name, rdev, S_IFBLK | perm, fops);

    if (!err)
        container_of(last_device, struct device, next)->count = count;
    return err;
}

static struct device *find(u32 mode, u64 rdev)
{
    for (struct device *d = devices; d; d = d->next)
        if (rdev - d->rdev < d->count && (mode & S_IFMT) == (d->mode & S_IFMT))
            return d;
    return NULL;
}

int devfs_open(u32 mode, u64 rdev, const struct file_ops **ops)
{
    const struct device *d = find(mode, rdev);

    if (d)
        *ops = d->fops;
    return d ? 0 : -ENXIO;
}

static int add_node(struct dentry *dir, const char *name, u32 mode, u64 rdev)
{
    struct inode *ino;
    int err = dir->inode->ops->create(dir->inode, name, mode, rdev, &ino);

    return err ? err : dentry_add(dir, name, strlen(name), ino);
}

static int add_link(struct dentry *dir, const char *name, const char *target)
{
    struct inode *ino;
    int err = dir->inode->ops->symlink(dir->inode, target, &ino);

    return err ? err : dentry_add(dir, name, strlen(name), ino);
}

static void name_one(const struct device *d, u32 n, char *name)
{
    fmt_snprintf(name, NAME_MAX + 1, "%s%u", d->name, n);
}

static int add_row(struct dentry *root, const struct device *d)
{
    char name[NAME_MAX + 1];
    int err = 0;

    for (u32 n = 0; n < d->count && !err; n++) {
        name_one(d, n, name);
        if (d->shown & 1ull << n)
            err = add_node(root, name, d->mode, d->rdev + n);
    }
    return err;
}

/* The contents of a fresh devfs. On failure the caller drops the tree. */
static int devfs_fill(struct dentry *root)
{
    static const char *const links[][2] = {{"fd", "/proc/self/fd"},
                                           {"stdin", "/proc/self/fd/0"},
                                           {"stdout", "/proc/self/fd/1"},
                                           {"stderr", "/proc/self/fd/2"}};
    int err;

    mutex_lock(&vfs_tree_lock);
    err = add_node(root, "shm", S_IFDIR | 01777, 0);
    if (!err)
        err = add_node(root, "pts", S_IFDIR | 0755, 0);
    for (const struct device *d = devices; d && !err; d = d->next)
        err = S_ISBLK(d->mode) ? add_row(root, d)
              : *d->name       ? add_node(root, d->name, d->mode, d->rdev)
                               : 0;
    for (size_t i = 0; i < ARRAY_SIZE(links) && !err; i++)
        err = add_link(root, links[i][0], links[i][1]);
    if (!err) {
        root->inode->super->data = filled;
        filled = root->inode->super;
    }
    mutex_unlock(&vfs_tree_lock);
    return err;
}

static void devfs_drop(struct super *s)
{
    struct super **at = &filled;

    mutex_lock(&vfs_tree_lock);
    while (*at && *at != s)
        at = (struct super **)&(*at)->data;
    if (*at)
        *at = s->data;
    mutex_unlock(&vfs_tree_lock);
}

static int show_in(struct dentry *root, const struct device *d, u32 n, bool shown)
{
    char name[NAME_MAX + 1];
    struct dentry *there;

    name_one(d, n, name);
    there = dentry_find(root, name, strlen(name));
    if (!there)
        return shown ? add_node(root, name, d->mode, d->rdev + n) : 0;
    if (!shown && S_ISBLK(there->inode->mode) && there->inode->rdev == d->rdev + n &&
        !there->mounted)
        name_remove(there);
    return 0;
}

int devfs_show(u64 rdev, bool shown)
{
    struct device *d = find(S_IFBLK, rdev);
    u64 bit = 1ull << (rdev - d->rdev);
    int err = 0;

    mutex_lock(&vfs_tree_lock);
    d->shown = shown ? d->shown | bit : d->shown & ~bit;
    /* Without a reference its names are about to go. */
    for (struct super *s = filled; s; s = s->data)
        if (__atomic_load_n(&s->refs, __ATOMIC_ACQUIRE) && !err)
            err = show_in(s->root, d, (u32)(rdev - d->rdev), shown);
    mutex_unlock(&vfs_tree_lock);
    return err;
}
