/* SPDX-License-Identifier: MIT
 *
 * hugetlbfs: a ramfs whose files have pages of 2 MiB. They are read, mapped, truncated and
 * punched, but not written with write(2), as on Linux; sizes are multiples of 2 MiB.
 */
#include "fs/hugetlbfs.h"
#include "fs/dentry.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/mount/mount.h"
#include "fs/mount/options.h"
#include "fs/ramfs.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/stat.h"
#include "mm/phys/page.h"

static const struct inode_ops dir_ops, file_inode_ops;
static const struct file_ops fops;

int hugetlbfs_create_inode(u32 mode, u64 rdev, struct inode **out)
{
    struct inode *ino;

    if (!S_ISREG(mode)) {
        int err = ramfs_create_inode(mode, rdev, &ino);

        if (!err && S_ISDIR(mode))
            ino->ops = &dir_ops;
        *out = ino;
        return err;
    }
    ino = inode_create(mode, 0, &file_inode_ops, &fops);
    if (ino && !(ino->object = object_create_huge(0))) {
        inode_destroy(ino);
        ino = NULL;
    }
    *out = ino;
    return ino ? 0 : -ENOMEM;
}

static int huge_create(struct inode *dir, const char *name, u32 mode, u64 rdev,
                       struct inode **out)
{
    int err = hugetlbfs_create_inode(mode, rdev, out);

    (void)name;
    if (err)
        return err;
    err = inode_join(*out, dir);
    if (err)
        inode_put(*out);
    return err;
}

static int huge_symlink(struct inode *dir, const char *target, struct inode **out)
{
    return ramfs_symlink(dir, target, out);
}

static int huge_truncate(struct inode *ino, u64 size)
{
    REQUIRES_EXCLUSIVE(&ino->lock);
    u64 now = ino->object->size;

    if (size % HUGE_SIZE)
        return -EINVAL;
    if ((size < now && (ino->seals & F_SEAL_SHRINK)) ||
        (size > now && (ino->seals & F_SEAL_GROW)))
        return -EPERM;
    return object_truncate(ino->object, size);
}

static int huge_fallocate(struct inode *ino, u32 mode, u64 offset, u64 len)
{
    struct vm_object *o = ino->object;
    u64 end = offset + len, whole = align_up(end, HUGE_SIZE);
    int err = 0;

    switch (mode) {
    case FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE:
        if (ino->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
            return -EPERM;
        object_punch(o, offset, MIN(end, o->size));
        break;
    case 0:
    case FALLOC_FL_KEEP_SIZE:
        if (end > o->size && (ino->seals & F_SEAL_GROW))
            return -EPERM;
        if (whole > OBJECT_MAX_SIZE)
            return -EFBIG;
        err = object_allocate(o, align_down(offset, HUGE_SIZE), whole);
        if (!err && !mode)
            object_extend(o, whole);
        break;
    default:
        return -EOPNOTSUPP;
    }
    if (!err)
        inode_touch(ino);
    return err;
}

static void huge_stat_file(struct inode *ino, struct kernel_stat *st)
{
    (void)ino;
    st->st_blksize = HUGE_SIZE;
}

static const struct inode_ops file_inode_ops = {
    .truncate = huge_truncate,
    .fallocate = huge_fallocate,
    .stat = huge_stat_file,
    .destroy = inode_destroy,
};

static const struct inode_ops dir_ops = {
    .create = huge_create,
    .symlink = huge_symlink,
    .destroy = inode_destroy,
};

static const struct file_ops fops = {
    .read = ramfs_read,
    .lseek = ramfs_lseek,
    .mmap = ramfs_mmap,
    .fsync = ramfs_fsync,
};

static int huge_make_root(const struct fs_type *type, struct inode **root)
{
    int err = ramfs_make_root(type, root);

    if (!err)
        (*root)->ops = &dir_ops;
    return err;
}

/* mode, uid, gid of the root, and the size of pages there is. */
static int huge_configure(struct super *s, char *options, bool remount)
{
    struct root_options root = {~0ull, ~0ull, ~0ull};
    char *key, *value;
    u64 size;

    while (option_next(&options, &key, &value)) {
        int err = root_option(&root, key, value);

        if (!err && (strcmp(key, "pagesize") != 0 || option_size(value, 0, &size) != 0 ||
                     size != HUGE_SIZE))
            err = -EINVAL;
        if (err < 0)
            return err;
    }
    if (!remount)
        root_options_apply(&root, s->root->inode);
    return 0;
}

struct fs_type hugetlbfs_type = {
    .name = "hugetlbfs",
    .magic = 0x958458f6,
    .root_mode = 0755,
    .make_root = huge_make_root,
    .configure = huge_configure,
};

void hugetlbfs_mapped(struct file *f, u64 end)
{
    struct inode *ino = f->inode;

    mutex_lock(&ino->lock);
    if (!(ino->seals & F_SEAL_GROW))
        object_extend(ino->object, MIN(align_up(end, HUGE_SIZE),
                                       align_down(OBJECT_MAX_SIZE, HUGE_SIZE)));
    mutex_unlock(&ino->lock);
}
