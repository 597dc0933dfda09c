/* SPDX-License-Identifier: MIT
 *
 * Sizes and storage: truncate, fallocate, syncing, advice. All files are in memory, so
 * syncing has nothing to do and advice about reading is already followed.
 */
#include "fs/inode.h"
#include "fs/mount/mount.h"
#include "fs/open.h"
#include "fs/perm.h"
#include "kernel/sys/fs.h"
#include "kernel/task/limits.h"
#include "kernel/task/signal.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/stat.h"

#define SYNC_FILE_RANGE_ALL 7u
#define FADV_MAX            5 /* POSIX_FADV_NOREUSE */

/* Whether the file may not grow to `size`; then the caller is told. */
static bool is_beyond_limit(const struct inode *ino, u64 size)
{
    REQUIRES(&ino->lock);
    if (size <= ino->object->size || size <= proc_rlimit(current_proc(), RLIMIT_FSIZE))
        return false;
    signal_send_self(SIGXFSZ);
    return true;
}

static int resize(struct inode *ino, s64 size)
{
    if (!S_ISREG(ino->mode))
        return S_ISDIR(ino->mode) ? -EISDIR : -EINVAL;
    if (ino->attrs & FS_APPEND_FL)
        return -EPERM;
    SCOPED_LOCK(&ino->lock);
    if (ino->object && is_beyond_limit(ino, (u64)size))
        return -EFBIG;
    inode_drop_set_id(current_cred(), ino);
    return vfs_truncate(ino, (u64)size);
}

long sys_truncate(const struct syscall_args *a)
{
    struct target t;
    int err;

    if ((s64)a->a1 < 0)
        return -EINVAL;
    err = target_at(AT_FDCWD, a->a0, 0, &t);
    if (err)
        return err;
    if (S_ISREG(t.inode->mode)) {
        err = inode_permission(current_cred(), t.inode, MAY_WRITE);
        if (!err)
            err = begin_writing(&t.path);
        if (!err) {
            err = resize(t.inode, (s64)a->a1);
            end_writing(&t.path);
        }
    } else {
        err = S_ISDIR(t.inode->mode) ? -EISDIR : -EINVAL;
    }
    target_put(&t);
    return err;
}

long sys_ftruncate(const struct syscall_args *a)
{
    struct file *f;
    int err = -EINVAL;
    bool held;

    if ((s64)a->a1 < 0)
        return -EINVAL;
    f = io_borrow((int)a->a0, &held);
    if (!f)
        return -EBADF;
    if (file_writable(f) && S_ISREG(f->inode->mode))
        err = resize(f->inode, (s64)a->a1);
    io_return(f, held);
    return err;
}

/* One thing at a time, and KEEP_SIZE only where the size could change. */
static bool mode_known(u32 mode)
{
    switch (mode & ~(u32)FALLOC_FL_KEEP_SIZE) {
    case 0:
    case FALLOC_FL_ZERO_RANGE:
    case FALLOC_FL_UNSHARE_RANGE:
        return true;
    case FALLOC_FL_PUNCH_HOLE:
        return mode & FALLOC_FL_KEEP_SIZE;
    case FALLOC_FL_COLLAPSE_RANGE:
    case FALLOC_FL_INSERT_RANGE:
    case FALLOC_FL_WRITE_ZEROES:
        return !(mode & FALLOC_FL_KEEP_SIZE);
    default:
        return false;
    }
}

static int allocate(struct file *f, u32 mode, s64 offset, s64 len)
{
    struct inode *ino = f->inode;
    s64 end;

    if (!mode_known(mode))
        return -EOPNOTSUPP;
    if (!file_writable(f))
        return -EBADF;
    if ((ino->attrs & FS_IMMUTABLE_FL) ||
        ((ino->attrs & FS_APPEND_FL) && (mode & ~(u32)FALLOC_FL_KEEP_SIZE)))
        return -EPERM;
    if (S_ISFIFO(ino->mode))
        return -ESPIPE;
    if (S_ISDIR(ino->mode))
        return -EISDIR;
    if (!S_ISREG(ino->mode))
        return -ENODEV;
    if (__builtin_add_overflow(offset, len, &end))
        return -EFBIG;
    if (!ino->ops->fallocate)
        return -EOPNOTSUPP;
    SCOPED_LOCK(&ino->lock);
    if (!(mode & FALLOC_FL_PUNCH_HOLE) && is_beyond_limit(ino, (u64)end))
        return -EFBIG;
    if (unlikely(ino->mode & (S_ISUID | S_ISGID)))
        inode_drop_set_id(current_cred(), ino);
    return ino->ops->fallocate(ino, mode, (u64)offset, (u64)len);
}

long sys_fallocate(const struct syscall_args *a)
{
    s64 offset = (s64)a->a2, len = (s64)a->a3;
    bool held;
    struct file *f = io_borrow((int)a->a0, &held);
    int err;

    if (!f)
        return -EBADF;
    err = offset < 0 || len <= 0 ? -EINVAL : allocate(f, (u32)a->a1, offset, len);
    io_return(f, held);
    return err;
}

static long do_fsync(int fd)
{
    struct file *f = io_file_of(fd);
    long err = -EINVAL;

    if (!f)
        return -EBADF;
    if (f->ops->fsync)
        err = f->ops->fsync(f);
    else if (S_ISDIR(f->inode->mode))
        err = 0;
    file_put(f);
    return err;
}

long sys_fsync(const struct syscall_args *a)
{
    return do_fsync((int)a->a0);
}

long sys_fdatasync(const struct syscall_args *a)
{
    return do_fsync((int)a->a0);
}

long sys_sync(const struct syscall_args *a)
{
    (void)a;
    return 0;
}

long sys_syncfs(const struct syscall_args *a)
{
    struct file *f = io_file_of((int)a->a0);

    if (!f)
        return -EBADF;
    file_put(f);
    return 0;
}

long sys_fadvise64(const struct syscall_args *a)
{
    struct file *f = io_file_of((int)a->a0);
    long err = 0;

    if (!f)
        return -EBADF;
    if (S_ISFIFO(f->inode->mode))
        err = -ESPIPE;
    else if ((s64)a->a2 < 0 || (u32)a->a3 > FADV_MAX)
        err = -EINVAL;
    file_put(f);
    return err;
}

long sys_readahead(const struct syscall_args *a)
{
    struct file *f = io_file_of((int)a->a0);
    long err = 0;

    if (!f)
        return -EBADF;
    if (!file_readable(f))
        err = -EBADF;
    else if (!S_ISREG(f->inode->mode) || (s64)a->a2 < 0)
        err = -EINVAL;
    file_put(f);
    return err;
}

/* Every file is in memory, which is where it is kept; see docs/reference/honesty.md. */
long sys_sync_file_range(const struct syscall_args *a)
{
    s64 offset = (s64)a->a1, len = (s64)a->a2;
    struct file *f = io_file_of((int)a->a0);
    long err = 0;

    if (!f)
        return -EBADF;
    if ((u32)a->a3 & ~SYNC_FILE_RANGE_ALL || offset < 0 || len < 0 ||
        len > INT64_MAX - offset)
        err = -EINVAL;
    else if (!S_ISREG(f->inode->mode) && !S_ISDIR(f->inode->mode) &&
             !S_ISLNK(f->inode->mode) && !S_ISBLK(f->inode->mode))
        err = -ESPIPE;
    file_put(f);
    return err;
}
