/* SPDX-License-Identifier: MIT
 *
 * hugetlbfs: a ramfs whose files have pages of 2 MiB. They are read, mapped, truncated and
 * punched, but not written with write(2), as on Linux; sizes are multiples of 2 MiB.
 */
#include "fs/hugetlb/hugetlbfs.h"
#include "fs/dentry.h"
#include "fs/file.h"
#include "fs/hugetlb/pool.h"
#include "fs/hugetlb/promise.h"
#include "fs/inode.h"
#include "fs/mount/mount.h"
#include "fs/mount/options.h"
#include "fs/ramfs/content.h"
#include "fs/ramfs/ramfs.h"
#include "lib/fmt.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/stat.h"
#include "mm/phys/account.h"
#include "mm/phys/page.h"

u32 hugetlb_shm_group;

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
    else if ((*out)->object)
        huge_set_share((*out)->object, dir->super->data);
    return err;
}

/* As Linux, whose links there would have to be huge pages. */
static int huge_symlink(struct inode *dir, const char *target, struct inode **out)
{
    (void)dir;
    (void)target;
    (void)out;
    return -EINVAL;
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

#define NOT_GIVEN (~0ull)

struct huge_options {
    struct root_options root;
    u64 max, min, ninodes; /* pages, pages, inodes; NOT_GIVEN */
};

/* Bytes, or a percentage of the pool; in pages. */
static int option_pages(const char *value, u64 *npages)
{
    u64 size;
    int err = option_size(value, hugepool_counts().total * HUGE_SIZE, &size);

    if (!err)
        *npages = size / HUGE_SIZE;
    return err;
}

static int huge_option(struct huge_options *o, const char *key, const char *value)
{
    int err = root_option(&o->root, key, value);
    u64 size;

    if (err)
        return err < 0 ? err : 0;
    if (strcmp(key, "size") == 0)
        return option_pages(value, &o->max);
    if (strcmp(key, "min_size") == 0)
        return option_pages(value, &o->min);
    if (strcmp(key, "nr_inodes") == 0)
        return option_size(value, 0, &o->ninodes);
    if (strcmp(key, "pagesize") == 0 && option_size(value, 0, &size) == 0 &&
        size == HUGE_SIZE)
        return 0;
    return -EINVAL;
}

/* On a remount the options are read and change nothing, as on Linux. */
static int huge_configure(struct super *s, char *options, bool remount)
{
    struct huge_options o = {
        {NOT_GIVEN, NOT_GIVEN, NOT_GIVEN}, NOT_GIVEN, NOT_GIVEN, NOT_GIVEN};
    struct quota *q = s->quota;
    struct huge_share *share;
    char *key, *value;
    int err = 0;

    while (!err && option_next(&options, &key, &value))
        err = huge_option(&o, key, value);
    if (!err && o.min != NOT_GIVEN && o.min > o.max)
        err = -EINVAL;
    if (err || remount)
        return err;
    err = huge_share_create(o.max, o.min == NOT_GIVEN ? 0 : o.min, q, &share);
    if (err)
        return err;
    s->data = share;
    q->max_pages = o.max == NOT_GIVEN ? QUOTA_NONE : o.max * HUGE_PAGES;
    q->max_inodes = o.ninodes == NOT_GIVEN ? QUOTA_NONE : o.ninodes;
    q->kept_pages = q->kept_inodes = 0;
    q->exact = true;
    root_options_apply(&o.root, s);
    return 0;
}

static void huge_drop(struct super *s)
{
    huge_share_put(s->data);
}

static void huge_show(const struct super *s, char *buf, size_t size)
{
    const struct huge_share *share = s->data;
    int n = root_options_show(s, buf, size);

    if (s->quota->max_inodes != QUOTA_NONE)
        n += fmt_snprintf(buf + n, size - (size_t)n, ",nr_inodes=%lu",
                          s->quota->max_inodes);
    n += fmt_snprintf(buf + n, size - (size_t)n, ",pagesize=2M");
    if (share->max != NOT_GIVEN)
        n += fmt_snprintf(buf + n, size - (size_t)n, ",size=%lu", share->max * HUGE_SIZE);
    if (share->min)
        fmt_snprintf(buf + n, size - (size_t)n, ",min_size=%lu", share->min * HUGE_SIZE);
}

struct fs_type hugetlbfs_type = {
    .name = "hugetlbfs",
    .magic = 0x958458f6,
    .root_mode = 0755,
    .make_root = huge_make_root,
    .configure = huge_configure,
    .show = huge_show,
    .drop = huge_drop,
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
