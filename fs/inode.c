/* SPDX-License-Identifier: MIT
 *
 * References to inodes, and the calls that read or change one inode.
 */
#include "fs/inode.h"
#include "arch/time.h"
#include "fs/dentry.h"
#include "fs/file.h"
#include "fs/lock/locks.h"
#include "fs/mount/mount.h"
#include "fs/open.h"
#include "fs/perm.h"
#include "fs/ramfs/ramfs.h"
#include "fs/wallclock.h"
#include "fs/xattr.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/mount.h"
#include "lib/uapi/stat.h"
#include "mm/phys/account.h"
#include "mm/vm/object.h"

#define NS_PER_SEC 1000000000ll

/* About what fs_now() said last. A word that all processors read: it moves once in a second. */
static u64 last_now;

u64 wall_at_boot;

u64 fs_now(void)
{
    u64 now = wall_ns();

    if (unlikely(now - READ_ONCE(last_now) > (u64)NS_PER_SEC))
        WRITE_ONCE(last_now, now);
    return now;
}

void inode_touch(struct inode *ino)
{
    s64 now = (s64)fs_now();

    WRITE_ONCE(ino->mtime_ns, now);
    WRITE_ONCE(ino->ctime_ns, now);
}

void inode_named(struct inode *ino, struct inode *from, struct inode *to)
{
    s64 now = (s64)fs_now();

    WRITE_ONCE(from->mtime_ns, now);
    WRITE_ONCE(from->ctime_ns, now);
    WRITE_ONCE(to->mtime_ns, now);
    WRITE_ONCE(to->ctime_ns, now);
    WRITE_ONCE(ino->ctime_ns, now);
}

void inode_changed(struct inode *ino)
{
    WRITE_ONCE(ino->ctime_ns, (s64)fs_now());
}

void inode_get(struct inode *ino)
{
    u32 old = __atomic_fetch_add(&ino->refs, 1, __ATOMIC_RELAXED);

    ASSERT(old > 0 && old < 0x7fffffff);
}

int inode_charge(struct inode *ino, struct quota *q)
{
    if (!quota_charge_inode(q))
        return -ENOSPC;
    ino->quota = quota_get(q);
    if (ino->object)
        object_set_quota(ino->object, q);
    return 0;
}

/* One for the inode, and one for each name beyond the first, which costs as much. */
void inode_uncharge(struct inode *ino)
{
    if (!ino->quota)
        return;
    quota_uncharge_inodes(ino->quota, S_ISDIR(ino->mode) ? 1 : MAX(ino->nlink, 1u));
    quota_put(ino->quota);
}

void inode_put(struct inode *ino)
{
    if (__atomic_sub_fetch(&ino->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    ASSERT(!locks_any(ino)); /* the next inode at this address would inherit them */
    if (unlikely(ino->xattrs.node))
        xattr_drop_all(ino);
    ino->ops->destroy(ino);
}

/* Moves `writers` by `step` unless it has the other sign. */
static int claim(struct inode *ino, s32 step)
{
    s32 now = __atomic_load_n(&ino->writers, __ATOMIC_RELAXED);

    do {
        if (step > 0 ? now < 0 : now > 0)
            return -ETXTBSY;
    } while (!__atomic_compare_exchange_n(&ino->writers, &now, now + step, false,
                                          __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    return 0;
}

int inode_deny_write(struct inode *ino)
{
    return claim(ino, -1);
}

void inode_allow_write(struct inode *ino)
{
    __atomic_fetch_add(&ino->writers, 1, __ATOMIC_ACQ_REL);
}

int inode_get_write(struct inode *ino)
{
    return claim(ino, 1);
}

void inode_put_write(struct inode *ino)
{
    __atomic_fetch_sub(&ino->writers, 1, __ATOMIC_ACQ_REL);
}

/* Nanoseconds go forwards before 1970 too. */
static void split_time(s64 ns, u64 *sec, u64 *nsec)
{
    s64 rest = ns % NS_PER_SEC;

    *sec = (u64)(ns / NS_PER_SEC - (rest < 0));
    *nsec = (u64)(rest < 0 ? rest + NS_PER_SEC : rest);
}

/* *time is not before `when`, however it is set meanwhile. */
static void raise(s64 *time, s64 when)
{
    s64 now = READ_ONCE(*time);

    while (now < when && !__atomic_compare_exchange_n(time, &now, when, false,
                                                      __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
}

static void settle(struct inode *ino)
{
    REQUIRES(&ino->times_lock);
    u64 wrote = object_take_wrote(ino->object);

    if (!wrote)
        return;
    wrote = wall_ns_at(clock_ns_of_cycles(wrote));
    raise(&ino->mtime_ns, (s64)wrote);
    raise(&ino->ctime_ns, (s64)wrote);
}

void inode_times_settle(struct inode *ino)
{
    if (!ino->object || !READ_ONCE(ino->object->wrote))
        return;
    spin_lock(&ino->times_lock);
    settle(ino);
    spin_unlock(&ino->times_lock);
}

bool inode_may_direct(const struct inode *ino)
{
    return S_ISBLK(ino->mode) ||
           (S_ISREG(ino->mode) && ino->object && !ino->object->order);
}

bool inode_has_attrs(const struct inode *ino)
{
    const struct fs_type *type = ino->super ? ino->super->type : NULL;

    return (S_ISREG(ino->mode) || S_ISDIR(ino->mode)) &&
           (type == &tmpfs_type || type == &ramfs_type);
}

void vfs_stat(struct inode *ino, struct kernel_stat *st)
{
    inode_times_settle(ino);
    memset(st, 0, sizeof(*st));
    st->st_dev = ino->dev;
    st->st_ino = ino->ino;
    st->st_nlink = READ_ONCE(ino->nlink);
    st->st_mode = READ_ONCE(ino->mode);
    st->st_uid = READ_ONCE(ino->uid);
    st->st_gid = READ_ONCE(ino->gid);
    st->st_rdev = ino->rdev;
    st->st_blksize = PAGE_SIZE;
    if (ino->object) {
        st->st_size = (s64)READ_ONCE(ino->object->size);
        st->st_blocks = (s64)(object_resident(ino->object) * (PAGE_SIZE / 512));
    }
    split_time(READ_ONCE(ino->atime_ns), &st->st_atime_sec, &st->st_atime_nsec);
    split_time(READ_ONCE(ino->mtime_ns), &st->st_mtime_sec, &st->st_mtime_nsec);
    split_time(READ_ONCE(ino->ctime_ns), &st->st_ctime_sec, &st->st_ctime_nsec);
    if (ino->ops->stat)
        ino->ops->stat(ino, st);
}

int vfs_truncate(struct inode *ino, u64 size)
{
    REQUIRES_EXCLUSIVE(&ino->lock);
    int err;

    if (S_ISDIR(ino->mode))
        return -EISDIR;
    if (!ino->ops->truncate)
        return -EINVAL;
    err = ino->ops->truncate(ino, size);
    if (!err)
        inode_touch(ino);
    return err;
}

/* Relative times: kept unless older than a change or a day. For the day the clock is not
 * read: when it was looked at last does. */
static inline bool access_is_new(const struct inode *ino)
{
    s64 read = READ_ONCE(ino->atime_ns);

    return read > READ_ONCE(ino->mtime_ns) && read > READ_ONCE(ino->ctime_ns) &&
           (s64)(READ_ONCE(last_now) - (u64)read) < 24 * 3600 * NS_PER_SEC;
}

/* Nameless files have exact times, to a tick as on Linux. */
static inline bool access_is_kept(const struct path *p, const struct inode *ino)
{
    if (unlikely(!p->mnt))
        return READ_ONCE(ino->read_tick) == (u32)READ_ONCE(clock_ticks);
    return access_is_new(ino) && READ_ONCE(p->mnt->flags) & MS_RELATIME &&
           !(ino->object && READ_ONCE(ino->object->wrote));
}

/* Apart, so that the way of most reads saves no registers. */
static noinline void set_access(const struct path *p, struct inode *ino)
{
    u32 flags = path_mount_flags(p);

    if (!(flags & (MS_RDONLY | MS_NOATIME)) && !(ino->attrs & FS_NOATIME_FL) &&
        !(S_ISDIR(ino->mode) && (flags & MS_NODIRATIME)))
        WRITE_ONCE(ino->atime_ns, (s64)fs_now());
    WRITE_ONCE(ino->read_tick, (u32)READ_ONCE(clock_ticks));
    inode_times_settle(ino);
}

void vfs_accessed(const struct path *p, struct inode *ino)
{
    if (!access_is_kept(p, ino))
        set_access(p, ino);
}

void file_accessed(const struct file *f)
{
    if (!access_is_kept(&f->path, f->inode) && !(file_flags(f) & O_NOATIME))
        set_access(&f->path, f->inode);
}

int vfs_chmod(struct inode *ino, u32 mode)
{
    REQUIRES_EXCLUSIVE(&ino->lock);
    if (ino->attrs & FS_FIXED || ino->ops->passing)
        return -EPERM;
    if ((ino->seals & F_SEAL_EXEC) && ((ino->mode ^ mode) & 0111))
        return -EPERM;
    WRITE_ONCE(ino->mode, (ino->mode & S_IFMT) | (mode & 07777));
    inode_changed(ino);
    return 0;
}

int vfs_chown(struct inode *ino, u32 uid, u32 gid)
{
    REQUIRES_EXCLUSIVE(&ino->lock);
    if (ino->attrs & FS_FIXED || (ino->ops->passing && (uid & gid) != ~0u))
        return -EPERM;
    /* A program must not keep its privileges under a new owner: not for a moment. */
    if (!S_ISDIR(ino->mode))
        inode_clear_mode(ino, S_ISUID | (ino->mode & 0010 ? S_ISGID : 0));
    if (uid != ~0u)
        WRITE_ONCE(ino->uid, uid);
    if (gid != ~0u)
        WRITE_ONCE(ino->gid, gid);
    inode_changed(ino);
    return 0;
}

int vfs_utimes(struct inode *ino, s64 atime_ns, s64 mtime_ns)
{
    REQUIRES_EXCLUSIVE(&ino->lock);
    SCOPED_LOCK(&ino->times_lock);
    if (ino->object)
        settle(ino); /* what was written before does not show later */

    s64 now = (s64)fs_now();

    if (atime_ns != TIME_KEPT)
        WRITE_ONCE(ino->atime_ns, atime_ns == TIME_NOW ? now : atime_ns);
    if (mtime_ns != TIME_KEPT)
        WRITE_ONCE(ino->mtime_ns, mtime_ns == TIME_NOW ? now : mtime_ns);
    WRITE_ONCE(ino->ctime_ns, now);
    return 0;
}
