/* SPDX-License-Identifier: MIT
 *
 * Attributes: mode, owner, times.
 */
#include "fs/dentry.h"
#include "fs/inode.h"
#include "fs/mount/mount.h"
#include "fs/perm.h"
#include "kernel/sys/fs.h"
#include "kernel/task/sched/timespec.h"
#include "kernel/task/uaccess.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/stat.h"
#include "lib/uapi/time.h"

#define NSEC 1000000000ll

/* ---- mode ---- */

static long chmod_target(struct target *t, u32 mode)
{
    struct inode *ino = t->inode;
    int err = path_begin_change(&t->path);

    if (!err) {
        mutex_lock(&ino->lock);
        if (S_ISLNK(ino->mode)) /* it has no rights of its own */
            err = -EOPNOTSUPP;
        else if (!owns(ino))
            err = -EPERM;
        else
            err = vfs_chmod(ino, inode_chmod_mode(current_cred(), ino, mode & 07777));
        mutex_unlock(&ino->lock);
        path_end_change(&t->path);
    }
    target_put(t);
    return err;
}

static long do_chmod(int dirfd, vaddr_t name, u32 mode, u32 flags)
{
    struct target t;
    int err;

    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    err = target_at(dirfd, name, flags, &t);
    return err ? err : chmod_target(&t, mode);
}

long sys_chmod(const struct syscall_args *a)
{
    return do_chmod(AT_FDCWD, a->a0, (u32)a->a1, 0);
}

long sys_fchmodat(const struct syscall_args *a)
{
    return do_chmod((int)a->a0, a->a1, (u32)a->a2, 0);
}

long sys_fchmodat2(const struct syscall_args *a)
{
    return do_chmod((int)a->a0, a->a1, (u32)a->a2, (u32)a->a3);
}

long sys_fchmod(const struct syscall_args *a)
{
    struct target t;
    int err = target_fd((int)a->a0, false, &t);

    return err ? err : chmod_target(&t, (u32)a->a1);
}

long sys_umask(const struct syscall_args *a)
{
    return __atomic_exchange_n(&current_fs()->dirs->umask, (u32)a->a0 & 0777,
                               __ATOMIC_RELAXED);
}

/* ---- owner ---- */

static long chown_target(struct target *t, u32 uid, u32 gid)
{
    int err = path_begin_change(&t->path);

    if (!err) {
        mutex_lock(&t->inode->lock);
        err = inode_may_chown(current_cred(), t->inode, uid, gid);
        if (!err)
            err = vfs_chown(t->inode, uid, gid);
        mutex_unlock(&t->inode->lock);
        path_end_change(&t->path);
    }
    target_put(t);
    return err;
}

static long do_chown(int dirfd, vaddr_t name, u32 uid, u32 gid, u32 flags)
{
    struct target t;
    int err;

    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    err = target_at(dirfd, name, flags, &t);
    return err ? err : chown_target(&t, uid, gid);
}

long sys_chown(const struct syscall_args *a)
{
    return do_chown(AT_FDCWD, a->a0, (u32)a->a1, (u32)a->a2, 0);
}

long sys_lchown(const struct syscall_args *a)
{
    return do_chown(AT_FDCWD, a->a0, (u32)a->a1, (u32)a->a2, AT_SYMLINK_NOFOLLOW);
}

long sys_fchownat(const struct syscall_args *a)
{
    return do_chown((int)a->a0, a->a1, (u32)a->a2, (u32)a->a3, (u32)a->a4);
}

long sys_fchown(const struct syscall_args *a)
{
    struct target t;
    int err = target_fd((int)a->a0, false, &t);

    return err ? err : chown_target(&t, (u32)a->a1, (u32)a->a2);
}

/* ---- times ---- */

/* times[0] access, [1] modification; nanoseconds may be UTIME_NOW or UTIME_OMIT. */
static long set_times(struct target *t, const struct timespec times[2])
{
    struct inode *ino = t->inode;
    s64 ns[2];
    const s64 most = INT64_MAX / NSEC - 1; /* what 64 bits of nanoseconds hold: to 2262 */
    bool only_now = times[0].tv_nsec == UTIME_NOW && times[1].tv_nsec == UTIME_NOW;
    int err;

    for (int i = 0; i < 2; i++) {
        ns[i] = TIME_KEPT;
        if (times[i].tv_nsec == UTIME_NOW) {
            ns[i] = TIME_NOW;
        } else if (times[i].tv_nsec != UTIME_OMIT) {
            s64 sec = MIN(MAX(times[i].tv_sec, -most), most);

            ns[i] = sec * NSEC + times[i].tv_nsec;
        }
    }
    err = path_begin_change(&t->path);
    if (err) {
        target_put(t);
        return err;
    }
    mutex_lock(&ino->lock);
    if (ino->attrs & (only_now ? FS_IMMUTABLE_FL : FS_FIXED))
        err = -EPERM;
    else if (!owns(ino)) /* one who may write may also say: now */
        err = only_now ? inode_permission(current_cred(), ino, MAY_WRITE) : -EPERM;
    if (!err)
        err = vfs_utimes(ino, ns[0], ns[1]);
    mutex_unlock(&ino->lock);
    path_end_change(&t->path);
    target_put(t);
    return err;
}

static bool nsec_ok(s64 nsec)
{
    return nsec == UTIME_NOW || nsec == UTIME_OMIT || (nsec >= 0 && nsec < NSEC);
}

/* name 0: the descriptor itself. */
static long do_utimens(int dirfd, vaddr_t name, const struct timespec times[2], u32 flags)
{
    struct target t;
    int err;

    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (!name && dirfd != AT_FDCWD)
        err = flags ? -EINVAL : target_fd(dirfd, false, &t);
    else
        err = target_at(dirfd, name, flags, &t);
    if (err)
        return err;
    if (nsec_ok(times[0].tv_nsec) && nsec_ok(times[1].tv_nsec))
        return set_times(&t, times);
    target_put(&t);
    return -EINVAL;
}

static const struct timespec times_now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};

long sys_utimensat(const struct syscall_args *a)
{
    struct timespec times[2];

    if (!a->a2)
        return do_utimens((int)a->a0, a->a1, times_now, (u32)a->a3);
    if (copy_from_user(times, a->a2, sizeof(times)) != 0)
        return -EFAULT;
    if (times[0].tv_nsec == UTIME_OMIT && times[1].tv_nsec == UTIME_OMIT)
        return 0; /* nothing to change: Linux does not even look */
    return do_utimens((int)a->a0, a->a1, times, (u32)a->a3);
}

static long do_utimes(int dirfd, vaddr_t name, vaddr_t user)
{
    struct timeval tv[2];
    struct timespec times[2];

    if (!user)
        return do_utimens(dirfd, name, times_now, 0);
    if (copy_from_user(tv, user, sizeof(tv)) != 0)
        return -EFAULT;
    for (int i = 0; i < 2; i++) {
        if (tv[i].tv_usec < 0 || tv[i].tv_usec >= 1000000)
            return -EINVAL;
        times[i] = (struct timespec){tv[i].tv_sec, tv[i].tv_usec * 1000};
    }
    return do_utimens(dirfd, name, times, 0);
}

long sys_utimes(const struct syscall_args *a)
{
    return do_utimes(AT_FDCWD, a->a0, a->a1);
}

long sys_futimesat(const struct syscall_args *a)
{
    return do_utimes((int)a->a0, a->a1, a->a2);
}

long sys_utime(const struct syscall_args *a)
{
    s64 seconds[2];

    if (!a->a1)
        return do_utimens(AT_FDCWD, a->a0, times_now, 0);
    if (copy_from_user(seconds, a->a1, sizeof(seconds)) != 0)
        return -EFAULT;
    return do_utimens(AT_FDCWD, a->a0,
                      (struct timespec[2]){{seconds[0], 0}, {seconds[1], 0}}, 0);
}
