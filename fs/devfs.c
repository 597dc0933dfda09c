/* SPDX-License-Identifier: MIT
 *
 * Character devices: a registry by number, and devfs (devtmpfs), a ramfs that is born with
 * a node for each registered device and the usual links to descriptors.
 */
#include "fs/devfs.h"
#include "fs/dentry.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/mount/mount.h"
#include "fs/ramfs/ramfs.h"
#include "fs/ramfs/tmpfs.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/stat.h"
#include "mm/phys/slab.h"

struct device {
    struct device *next;
    u64 rdev, count; /* numbers [rdev, rdev + count) */
    u32 perm;
    const struct file_ops *fops;
    char name[NAME_MAX + 1]; /* empty: no node in devfs */
};

/* Grows at boot only, so readers need no lock. */
static struct device *devices, **last_device = &devices;

static int devfs_fill(struct dentry *root);

static struct fs_type devtmpfs_type = {.name = "devtmpfs",
                                       .magic = 0x01021994,
                                       .root_mode = 0755,
                                       .make_root = ramfs_make_root,
                                       .configure = tmpfs_configure,
                                       .fill = devfs_fill};
static struct fs_type devfs_type = {.name = "devfs",
                                    .magic = 0x01021994,
                                    .root_mode = 0755,
                                    .make_root = ramfs_make_root,
                                    .configure = tmpfs_configure,
                                    .fill = devfs_fill};

int devfs_register(const char *name, u64 rdev, u32 perm, const struct file_ops *fops)
{
    struct device *d;

    if (strlen(name) > NAME_MAX)
        return -ENAMETOOLONG;
    for (d = devices; d; d = d->next)
        if (d->rdev == rdev || strcmp(d->name, name) == 0)
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
    d->perm = perm;
    d->fops = fops;
    str_copy(d->name, name, sizeof(d->name));
    *last_device = d;
    last_device = &d->next;
    return 0;
}

int devfs_register_range(u64 rdev, u64 count, const struct file_ops *fops)
{
    int err = devfs_register("", rdev, 0, fops);

    if (!err)
        container_of(last_device, struct device, next)->count = count;
    return err;
}

int devfs_open(u64 rdev, const struct file_ops **ops)
{
    for (const struct device *d = devices; d; d = d->next) {
        if (rdev - d->rdev < d->count) {
            *ops = d->fops;
            return 0;
        }
    }
    return -ENXIO;
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
        err = *d->name ? add_node(root, d->name, S_IFCHR | d->perm, d->rdev) : 0;
    for (size_t i = 0; i < ARRAY_SIZE(links) && !err; i++)
        err = add_link(root, links[i][0], links[i][1]);
    mutex_unlock(&vfs_tree_lock);
    return err;
}
