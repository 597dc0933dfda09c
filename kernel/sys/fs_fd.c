/* SPDX-License-Identifier: MIT
 *
 * Descriptors: closing, duplicating, fcntl, ioctl.
 */
#include "fs/fdtable.h"
#include "fs/inode.h"
#include "fs/mount/mount.h"
#include "fs/perm.h"
#include "fs/pipe/capacity.h"
#include "fs/pipe/pipe.h"
#include "fs/ramfs/memfd.h"
#include "kernel/sys/fs.h"
#include "kernel/sys/fs_async.h"
#include "kernel/sys/fs_lock.h"
#include "kernel/task/fork/fork.h"
#include "kernel/task/uaccess.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/stat.h"

#define CLOSE_RANGE_UNSHARE 2u
#define CLOSE_RANGE_CLOEXEC 4u

#define FIONREAD 0x541bu
#define FIONBIO  0x5421u
#define FIOASYNC 0x5452u

/* Of sockets: F_SETOWN and F_GETOWN by other names. */
#define FIOSETOWN 0x8901u
#define SIOCSPGRP 0x8902u
#define FIOGETOWN 0x8903u
#define SIOCGPGRP 0x8904u
#define FIONCLEX  0x5450u
#define FIOCLEX   0x5451u

/* What file systems are asked. */
#define FIGETBSZ        2u
#define FS_IOC_GETFLAGS 0x80086601u
#define FS_IOC_SETFLAGS 0x40086602u
#define FIOQSIZE        0x5460u
#define FICLONE         0x40049409u
#define FICLONERANGE    0x4020940du
#define FIDEDUPERANGE   0xc0189436u
#define FS_IOC_FIEMAP   0xc020660bu
#define FIFREEZE        0xc0045877u
#define FITHAW          0xc0045878u

#define DN_MULTISHOT 0x80000000u

/* What F_SETFL may change. */
#define SETFL_FLAGS (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME)

static struct fdtable *files(void)
{
    return current_thread()->files;
}

long sys_close(const struct syscall_args *a)
{
    return fd_close(files(), (int)a->a0);
}

/* CLOSE_RANGE_UNSHARE: the table is then the caller's alone. */
long sys_close_range(const struct syscall_args *a)
{
    u32 first = (u32)a->a0, last = (u32)a->a1, flags = (u32)a->a2;
    int err;

    if (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) || first > last)
        return -EINVAL;
    if (flags & CLOSE_RANGE_UNSHARE) {
        err = fork_unshare_files();
        if (err)
            return err;
    }
    if (first >= FD_MAX_MOST)
        return 0;
    for (int fd = fd_next(files(), (int)first); fd >= 0 && (u32)fd <= last;
         fd = fd_next(files(), fd + 1)) {
        if (flags & CLOSE_RANGE_CLOEXEC)
            fd_set_cloexec(files(), fd, true);
        else
            fd_close(files(), fd);
    }
    return 0;
}

long sys_dup(const struct syscall_args *a)
{
    struct file *f = file_of((int)a->a0);

    return f ? install_file(f, false) : -EBADF;
}

static long dup_to(int from, int to, bool cloexec)
{
    struct file *f;
    int fd;

    if (to < 0 || (u32)to >= fd_limit())
        return -EBADF;
    f = file_of(from);
    if (!f)
        return -EBADF;
    fd = fd_install_at(files(), f, to, fd_limit(), cloexec);
    if (fd < 0)
        file_put(f);
    return fd;
}

long sys_dup2(const struct syscall_args *a)
{
    int from = (int)a->a0, to = (int)a->a1;

    if (from == to)
        return fd_get_cloexec(files(), from) < 0 ? -EBADF : to;
    return dup_to(from, to, false);
}

long sys_dup3(const struct syscall_args *a)
{
    int from = (int)a->a0, to = (int)a->a1;
    u32 flags = (u32)a->a2;

    if (flags & ~O_CLOEXEC || from == to)
        return -EINVAL;
    return dup_to(from, to, flags & O_CLOEXEC);
}

/* ---- fcntl ---- */

static long dup_above(struct file *f, u64 min, bool cloexec)
{
    int fd;

    if (min >= fd_limit())
        return -EINVAL;
    file_get(f);
    fd = fd_install(files(), f, (int)min, fd_limit(), cloexec);
    if (fd < 0)
        file_put(f);
    return fd;
}

static long set_flags(int fd, struct file *f, u32 flags)
{
    long err;

    if (((flags ^ file_flags(f)) & O_APPEND) && (f->inode->attrs & FS_APPEND_FL))
        return -EPERM;
    if (flags & ~file_flags(f) & O_NOATIME && !inode_owned(current_cred(), f->inode))
        return -EPERM;
    if ((flags & O_DIRECT) && !inode_may_direct(f->inode) && !file_is_pipe(f))
        return -EINVAL;
    err = file_async_switch(fd, f, flags & O_ASYNC);
    if (err && err != -ENOTTY) /* the flag stays off, without a word */
        return err;
    file_change_flags(f, SETFL_FLAGS, flags);
    return 0;
}

static long pipe_control(struct file *f, u32 cmd, u32 size)
{
    if (!file_is_pipe(f))
        return -EBADF;
    return cmd == F_GETPIPE_SZ ? (long)pipe_capacity(f) : pipe_set_capacity(f, size);
}

/* How long what is written will be wanted. Nothing is placed by it: it is kept, and told. */
static long write_hint(struct inode *ino, u32 cmd, vaddr_t arg)
{
    u64 hint = READ_ONCE(ino->write_hint);

    if (cmd == F_GET_RW_HINT)
        return copy_to_user(arg, &hint, sizeof(hint));
    if (!inode_owned(current_cred(), ino))
        return -EPERM;
    if (copy_from_user(&hint, arg, sizeof(hint)) != 0)
        return -EFAULT;
    if (hint > RWH_WRITE_LIFE_EXTREME)
        return -EINVAL;
    WRITE_ONCE(ino->write_hint, (u8)hint);
    return 0;
}

/* What an O_PATH descriptor can do, too. */
static long fcntl_descriptor(int fd, struct file *f, u32 cmd, u64 arg)
{
    switch (cmd) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return dup_above(f, (u32)arg, cmd == F_DUPFD_CLOEXEC);
    case F_GETFD:
        return fd_get_cloexec(files(), fd) ? FD_CLOEXEC : 0;
    case F_SETFD:
        return fd_set_cloexec(files(), fd, arg & FD_CLOEXEC);
    case F_GETFL:
        return (long)file_flags(f);
    default:
        return file_flags(f) & O_PATH ? -EBADF : -EINVAL;
    }
}

static long do_fcntl(int fd, struct file *f, u32 cmd, u64 arg)
{
    if (file_flags(f) & O_PATH)
        return fcntl_descriptor(fd, f, cmd, arg);
    switch (cmd) {
    case F_SETFL:
        return set_flags(fd, f, (u32)arg);
    case F_GETLK:
    case F_OFD_GETLK:
        return record_lock_test(f, arg, cmd == F_OFD_GETLK);
    case F_SETLK:
    case F_SETLKW:
        return record_lock_set(fd, f, arg, false, cmd == F_SETLKW);
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        return record_lock_set(fd, f, arg, true, cmd == F_OFD_SETLKW);
    case F_SETOWN:
    case F_GETOWN:
    case F_SETSIG:
    case F_GETSIG:
    case F_SETOWN_EX:
    case F_GETOWN_EX:
        return file_async_control(f, cmd, arg);
    case F_SETPIPE_SZ:
    case F_GETPIPE_SZ:
        return pipe_control(f, cmd, (u32)arg);
    case F_ADD_SEALS:
        return arg > UINT32_MAX ? -EINVAL : memfd_add_seals(f, (u32)arg);
    case F_GET_SEALS:
        return memfd_get_seals(f);
    case F_NOTIFY: /* nothing is told of directories; asking for nothing ends what there is not */
        return (u32)arg & ~DN_MULTISHOT ? -EINVAL : 0;
    case F_GETLEASE: /* nobody can have one, so there is none to give back either */
        return F_UNLCK;
    case F_SETLEASE:
        return (u32)arg == F_UNLCK && S_ISREG(f->inode->mode) ? -EAGAIN : -EINVAL;
    case F_GET_RW_HINT:
    case F_SET_RW_HINT:
        return write_hint(f->inode, cmd, arg);
    default:
        return fcntl_descriptor(fd, f, cmd, arg);
    }
}

long sys_fcntl(const struct syscall_args *a)
{
    struct file *f = file_of((int)a->a0);
    long result;

    if (!f)
        return -EBADF;
    result = do_fcntl((int)a->a0, f, (u32)a->a1, a->a2);
    file_put(f);
    return result;
}

/* ---- ioctl ---- */

static long set_nonblock(struct file *f, vaddr_t arg)
{
    s32 on;

    if (copy_from_user(&on, arg, sizeof(on)) != 0)
        return -EFAULT;
    file_change_flags(f, O_NONBLOCK, on ? O_NONBLOCK : 0);
    return 0;
}

/* Less than 0 beyond the end, as Linux counts. */
static long bytes_left(struct file *f, vaddr_t arg)
{
    const struct vm_object *o = f->inode->object;
    s32 n = (s32)((o ? READ_ONCE(o->size) : 0) - READ_ONCE(f->pos));

    return copy_to_user(arg, &n, sizeof(n));
}

/* FIGETBSZ: bytes of a block; FIOQSIZE: those that a file or directory takes. */
static long tell_size(struct file *f, u32 cmd, vaddr_t arg)
{
    struct kernel_stat st;
    s64 bytes;
    s32 block;

    if (cmd == FIOQSIZE && !S_ISREG(f->inode->mode) && !S_ISDIR(f->inode->mode))
        return -ENOTTY;
    vfs_stat(f->inode, &st);
    bytes = st.st_blocks * 512;
    block = (s32)st.st_blksize;
    return cmd == FIOQSIZE ? copy_to_user(arg, &bytes, sizeof(bytes))
                           : copy_to_user(arg, &block, sizeof(block));
}

/* What no file system here knows cannot be set; nor do all users decide what stays as it is. */
static int change_attrs(struct inode *ino, u32 attrs)
{
    SCOPED_LOCK(&ino->lock);
    if (!owns(ino) ||
        (((attrs ^ ino->attrs) & FS_FIXED) && !capable(CAP_LINUX_IMMUTABLE)))
        return -EPERM;
    if (attrs & ~(FS_FIXED | FS_NODUMP_FL | FS_NOATIME_FL))
        return -EOPNOTSUPP;
    ino->attrs = (u8)attrs;
    inode_changed(ino);
    return 0;
}

static long attrs_ioctl(struct file *f, u32 cmd, vaddr_t arg)
{
    u32 attrs = f->inode->attrs;
    int err;

    if (cmd == FS_IOC_GETFLAGS)
        return copy_to_user(arg, &attrs, sizeof(attrs));
    if (copy_from_user(&attrs, arg, sizeof(attrs)) != 0)
        return -EFAULT;
    err = path_begin_change(&f->path);
    if (err)
        return err;
    err = change_attrs(f->inode, attrs);
    path_end_change(&f->path);
    return err;
}

/* Files share no blocks. */
static long clone_file(int from)
{
    struct file *f = io_file_of(from);

    if (!f)
        return -EBADF;
    file_put(f);
    return -EOPNOTSUPP;
}

static long do_ioctl(int fd, struct file *f, u32 cmd, vaddr_t arg)
{
    s32 on;

    switch (cmd) {
    case FIOCLEX:
    case FIONCLEX:
        return fd_set_cloexec(files(), fd, cmd == FIOCLEX);
    case FIONBIO:
        return set_nonblock(f, arg);
    case FIOASYNC:
        if (copy_from_user(&on, arg, sizeof(on)) != 0)
            return -EFAULT;
        return file_async_switch(fd, f, on);
    case FS_IOC_GETFLAGS:
    case FS_IOC_SETFLAGS:
        if (!inode_has_attrs(f->inode))
            break;
        return attrs_ioctl(f, cmd, arg);
    case FIONREAD:
        if (S_ISREG(f->inode->mode))
            return bytes_left(f, arg);
        break;
    case FIGETBSZ:
    case FIOQSIZE:
        return tell_size(f, cmd, arg);
    case FICLONE:
        return clone_file((s32)arg);
    case FICLONERANGE:
    case FIDEDUPERANGE:
    case FS_IOC_FIEMAP: /* they have no place on a disk either */
        return -EOPNOTSUPP;
    case FIFREEZE:
    case FITHAW: /* no file system stops, so none is stopped */
        return !capable(CAP_SYS_ADMIN) ? -EPERM : cmd == FIFREEZE ? -EOPNOTSUPP : -EINVAL;
    case FIOSETOWN:
    case SIOCSPGRP:
        if ((f->inode->mode & S_IFMT) != S_IFSOCK)
            break;
        return copy_from_user(&on, arg, sizeof(on)) != 0
                   ? -EFAULT
                   : file_async_control(f, F_SETOWN, (u64)(s64)on);
    case FIOGETOWN:
    case SIOCGPGRP:
        if ((f->inode->mode & S_IFMT) != S_IFSOCK)
            break;
        on = (s32)file_async_control(f, F_GETOWN, 0);
        return copy_to_user(arg, &on, sizeof(on));
    default:
        break;
    }
    return f->ops->ioctl ? f->ops->ioctl(f, cmd, arg) : -ENOTTY;
}

long sys_ioctl(const struct syscall_args *a)
{
    struct file *f = io_file_of((int)a->a0);
    long result;

    if (!f)
        return -EBADF;
    result = do_ioctl((int)a->a0, f, (u32)a->a1, a->a2);
    file_put(f);
    return result;
}
