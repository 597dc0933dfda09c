/* SPDX-License-Identifier: MIT
 *
 * ramfs: directories are dentries, files are vm_objects.
 */
#include "fs/ramfs/ramfs.h"
#include "fs/dentry.h"
#include "fs/inode.h"
#include "fs/mount/mount.h"
#include "fs/mount/options.h"
#include "fs/numbers.h"
#include "fs/ramfs/content.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/stat.h"
#include "mm/phys/account.h"
#include "mm/phys/slab.h"
#include "mm/vm/object.h"

#define LINK_SHORT 128u
#define FIRST_DEV  16u /* st_dev below it: memfd, pipes */

SLAB_CACHE(inode_cache, "inode", struct inode);

static u64 last_ino; /* atomic */
static DEFINE_PER_CPU(struct numbers, inos);
static const struct inode_ops ramfs_dir_ops, ramfs_file_ops, ramfs_link_ops,
    ramfs_node_ops;
static const struct file_ops ramfs_fops;

struct inode *inode_create(u32 mode, u64 rdev, const struct inode_ops *ops,
                           const struct file_ops *fops)
{
    struct inode *ino = slab_zalloc(&inode_cache);

    if (!ino)
        return NULL;
    ino->ino = number_next(this_cpu_ptr(inos), &last_ino);
    ino->dev = 1;
    ino->mode = mode;
    ino->nlink = S_ISDIR(mode) ? 2 : 1;
    ino->rdev = rdev;
    ino->refs = 1;
    ino->atime_ns = ino->mtime_ns = ino->ctime_ns = ino->btime_ns = (s64)fs_now();
    mutex_init(&ino->lock);
    if (S_ISREG(mode)) /* as on Linux a writer keeps it while he copies */
        mutex_bears_faults(&ino->lock);
    ino->ops = ops;
    ino->fops = fops;
    return ino;
}

/* The text of a link is a page, unless it is short. */
static u64 link_pages(const struct inode *ino)
{
    return S_ISLNK(ino->mode) && strlen(ino->data) > LINK_SHORT;
}

int inode_join(struct inode *ino, const struct inode *dir)
{
    u64 npages = link_pages(ino);
    int err;

    ino->dev = dir->dev;
    ino->super = dir->super;
    if (npages && !quota_charge_pages(dir->quota, npages))
        return -ENOSPC;
    err = inode_charge(ino, dir->quota);
    if (err)
        quota_uncharge_pages(dir->quota, npages);
    return err;
}

void inode_destroy(struct inode *ino)
{
    if (ino->object)
        object_put(ino->object);
    inode_uncharge(ino);
    slab_free(&inode_cache, ino);
}

static void ramfs_destroy(struct inode *ino)
{
    if (S_ISLNK(ino->mode)) {
        if (ino->quota)
            quota_uncharge_pages(ino->quota, link_pages(ino));
        kfree(ino->data);
    }
    inode_destroy(ino);
}

int ramfs_create_inode(u32 mode, u64 rdev, struct inode **out)
{
    struct inode *ino;

    if (S_ISDIR(mode)) {
        ino = inode_create(mode, 0, &ramfs_dir_ops, &dir_file_ops);
    } else if (S_ISREG(mode)) {
        ino = inode_create(mode, 0, &ramfs_file_ops, &ramfs_fops);
        if (ino && !(ino->object = object_create(0))) {
            inode_destroy(ino);
            ino = NULL;
        }
    } else {
        ino = inode_create(mode, rdev, &ramfs_node_ops, NULL);
    }
    *out = ino;
    return ino ? 0 : -ENOMEM;
}

static int ramfs_create(struct inode *dir, const char *name, u32 mode, u64 rdev,
                        struct inode **out)
{
    int err = ramfs_create_inode(mode, rdev, out);

    (void)name;
    if (err)
        return err;
    err = inode_join(*out, dir);
    if (err)
        inode_put(*out);
    return err;
}

int ramfs_symlink(struct inode *dir, const char *target, struct inode **out)
{
    size_t n = strlen(target) + 1;
    struct inode *ino;
    char *text;
    int err;

    if (n > PATH_MAX)
        return -ENAMETOOLONG;
    text = kmalloc(n);
    if (!text)
        return -ENOMEM;
    memcpy(text, target, n);
    ino = inode_create(S_IFLNK | 0777, 0, &ramfs_link_ops, NULL);
    if (!ino) {
        kfree(text);
        return -ENOMEM;
    }
    ino->data = text;
    err = inode_join(ino, dir);
    if (err)
        inode_put(ino);
    else
        *out = ino;
    return err;
}

static ssize_t ramfs_readlink(struct inode *ino, char *buf, size_t size)
{
    size_t n = MIN(strlen(ino->data), size);

    memcpy(buf, ino->data, n);
    return (ssize_t)n;
}

static void ramfs_link_stat(struct inode *ino, struct kernel_stat *st)
{
    st->st_size = (s64)strlen(ino->data);
}

static const struct inode_ops ramfs_dir_ops = {
    .create = ramfs_create,
    .symlink = ramfs_symlink,
    .destroy = ramfs_destroy,
};

static const struct inode_ops ramfs_file_ops = {
    .truncate = ramfs_truncate,
    .fallocate = ramfs_fallocate,
    .destroy = ramfs_destroy,
};

static const struct inode_ops ramfs_link_ops = {
    .readlink = ramfs_readlink,
    .stat = ramfs_link_stat,
    .destroy = ramfs_destroy,
};

static const struct inode_ops ramfs_node_ops = {.destroy = ramfs_destroy};

static const struct file_ops ramfs_fops = {
    .read = ramfs_read,
    .write = ramfs_write,
    .lseek = ramfs_lseek,
    .mmap = ramfs_mmap,
    .fsync = ramfs_fsync,
};

int ramfs_make_root(const struct fs_type *type, struct inode **root)
{
    static u64 last_dev = FIRST_DEV; /* atomic */
    int err = ramfs_create_inode(S_IFDIR | type->root_mode, 0, root);

    if (!err)
        (*root)->dev = __atomic_add_fetch(&last_dev, 1, __ATOMIC_RELAXED);
    return err;
}

/* ---- options ---- */

/* Only mode= counts; what else is given is not looked at, as on Linux. */
static int ramfs_configure(struct super *s, char *options, bool remount)
{
    struct root_options root = {~0ull, ~0ull, ~0ull};
    char *key, *value;

    while (option_next(&options, &key, &value))
        if (strcmp(key, "mode") == 0 && root_option(&root, key, value) < 0)
            return -EINVAL;
    if (!remount)
        root_options_apply(&root, s);
    return 0;
}

struct fs_type ramfs_type = {
    .name = "ramfs",
    .magic = 0x858458f6,
    .root_mode = 0755,
    .make_root = ramfs_make_root,
    .configure = ramfs_configure,
};
