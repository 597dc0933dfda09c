/* SPDX-License-Identifier: MIT
 *
 * References to inodes, and the calls that read or change one inode.
 */
#include "fs/inode.h"
#include "arch/time.h"
#include "fs/file.h"
#include "fs/lock/locks.h"
#include "fs/mount/mount.h"
#include "fs/open.h"
#include "lib/assert.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/mount.h"
#include "lib/uapi/stat.h"
#include "mm/phys/account.h"
#include "mm/vm/object.h"

#define NS_PER_SEC 1000000000ull

static u64 last_now; /* what fs_now() said last */

u64 fs_now(void)
{
    u64 now = clock_boot_epoch() * NS_PER_SEC + clock_monotonic_ns();

    WRITE_ONCE(last_now, now);
    return now;
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

static void split_time(u64 ns, u64 *sec, u64 *nsec)
{
    *sec = ns / NS_PER_SEC;
    *nsec = ns % NS_PER_SEC;
}

void inode_times_settle(struct inode *ino)
{
    u64 wrote = 0;

    if (ino->object && READ_ONCE(ino->object->wrote))
        wrote = object_take_wrote(ino->object);
    if (!wrote)
        return;
    wrote = clock_boot_epoch() * NS_PER_SEC + clock_ns_of_cycles(wrote);
    ino->mtime_ns = MAX(ino->mtime_ns, wrote);
    ino->ctime_ns = MAX(ino->ctime_ns, wrote);
}

void vfs_stat(struct inode *ino, struct kernel_stat *st)
{
    inode_times_settle(ino);
    memset(st, 0, sizeof(*st));
    st->st_dev = ino->dev;
    st->st_ino = ino->ino;
    st->st_nlink = ino->nlink;
    st->st_mode = ino->mode;
    st->st_uid = ino->uid;
    st->st_gid = ino->gid;
    st->st_rdev = ino->rdev;
    st->st_blksize = PAGE_SIZE;
    if (ino->object) {
        st->st_size = (s64)READ_ONCE(ino->object->size);
        st->st_blocks = (s64)(object_resident(ino->object) * (PAGE_SIZE / 512));
    }
    split_time(ino->atime_ns, &st->st_atime_sec, &st->st_atime_nsec);
    split_time(ino->mtime_ns, &st->st_mtime_sec, &st->st_mtime_nsec);
    split_time(ino->ctime_ns, &st->st_ctime_sec, &st->st_ctime_nsec);
    if (ino->ops->stat)
        ino->ops->stat(ino, st);
}

int vfs_truncate(struct inode *ino, u64 size)
{
    int err;

    if (S_ISDIR(ino->mode))
        return -EISDIR;
    if (!ino->ops->truncate)
        return -EINVAL;
    mutex_lock(&ino->lock);
    err = ino->ops->truncate(ino, size);
    if (!err)
        ino->mtime_ns = ino->ctime_ns = fs_now();
    mutex_unlock(&ino->lock);
    return err;
}

/* Relative times: kept unless older than a change or a day. For the day the clock is not
 * read: when it was looked at last does. */
static inline bool access_is_new(const struct inode *ino)
{
    return ino->atime_ns > ino->mtime_ns && ino->atime_ns > ino->ctime_ns &&
           (s64)(READ_ONCE(last_now) - ino->atime_ns) < 24 * 3600 * (s64)NS_PER_SEC;
}

/* Nameless files have exact times, to a tick as on Linux. */
static inline bool access_is_kept(const struct path *p, const struct inode *ino)
{
    if (unlikely(!p->mnt))
        return ino->read_tick == READ_ONCE(clock_ticks);
    return access_is_new(ino) && READ_ONCE(p->mnt->flags) & MS_RELATIME &&
           !(ino->object && READ_ONCE(ino->object->wrote));
}

/* Apart, so that the way of most reads saves no registers. */
static noinline void set_access(const struct path *p, struct inode *ino)
{
    u32 flags = path_mount_flags(p);

    if (!(flags & (MS_RDONLY | MS_NOATIME)) &&
        !(S_ISDIR(ino->mode) && (flags & MS_NODIRATIME)))
        ino->atime_ns = fs_now();
    ino->read_tick = READ_ONCE(clock_ticks);
    inode_times_settle(ino);
}

void vfs_accessed(const struct path *p, struct inode *ino)
{
    if (!access_is_kept(p, ino))
        set_access(p, ino);
}

void file_accessed(const struct file *f)
{
    if (!access_is_kept(&f->path, f->inode) && !(f->flags & O_NOATIME))
        set_access(&f->path, f->inode);
}

int vfs_chmod(struct inode *ino, u32 mode)
{
    if ((ino->seals & F_SEAL_EXEC) && ((ino->mode ^ mode) & 0111))
        return -EPERM;
    ino->mode = (ino->mode & S_IFMT) | (mode & 07777);
    ino->ctime_ns = fs_now();
    return 0;
}

int vfs_chown(struct inode *ino, u32 uid, u32 gid)
{
    if (uid != ~0u)
        ino->uid = uid;
    if (gid != ~0u)
        ino->gid = gid;
    /* A program must not keep its privileges under a new owner. */
    if (S_ISREG(ino->mode))
        ino->mode &= ~(u32)(S_ISUID | (ino->mode & 0010 ? S_ISGID : 0));
    ino->ctime_ns = fs_now();
    return 0;
}

int vfs_utimes(struct inode *ino, u64 atime_ns, u64 mtime_ns)
{
    inode_times_settle(ino); /* what was written before does not show later */
    ino->atime_ns = atime_ns;
    ino->mtime_ns = mtime_ns;
    ino->ctime_ns = fs_now();
    return 0;
}
