/* SPDX-License-Identifier: MIT
 *
 * What a file is: stat and its relatives, access, statfs.
 */
#include "fs/anon.h"
#include "fs/dentry.h"
#include "fs/groups.h"
#include "fs/inode.h"
#include "fs/mount/mount.h"
#include "fs/perm.h"
#include "kernel/sys/fs.h"
#include "kernel/task/cred.h"
#include "kernel/task/uaccess.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/mount.h"
#include "lib/uapi/stat.h"
#include "mm/phys/buddy.h"
#include "mm/phys/page.h"

#define NSEC 1000000000ull

#define STATX_RESERVED  0x80000000u
#define PIPE_MAGIC      0x50495045
#define TMPFS_MAGIC     0x01021994
#define SOCKFS_MAGIC    0x534f434b
#define ANON_MAGIC      0x09041934 /* the one inode of files that are no files */
#define PROC_MAGIC      0x9fa0
#define HUGETLBFS_MAGIC 0x958458f6

static long stat_target(struct target *t, vaddr_t user)
{
    struct kernel_stat st;

    vfs_stat(t->inode, &st);
    target_put(t);
    return copy_to_user(user, &st, sizeof(st));
}

static long stat_at(int dirfd, vaddr_t name, u32 flags, vaddr_t user)
{
    struct target t;
    int err;

    if (flags &
        ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
        return -EINVAL;
    err = target_at(dirfd, name, flags, &t);
    return err ? err : stat_target(&t, user);
}

long sys_stat(const struct syscall_args *a)
{
    return stat_at(AT_FDCWD, a->a0, 0, a->a1);
}

long sys_lstat(const struct syscall_args *a)
{
    return stat_at(AT_FDCWD, a->a0, AT_SYMLINK_NOFOLLOW, a->a1);
}

long sys_newfstatat(const struct syscall_args *a)
{
    return stat_at((int)a->a0, a->a1, (u32)a->a3, a->a2);
}

long sys_fstat(const struct syscall_args *a)
{
    struct target t;
    int err = target_fd((int)a->a0, true, &t);

    return err ? err : stat_target(&t, a->a1);
}

static struct statx_timestamp timestamp(u64 sec, u64 nsec)
{
    return (struct statx_timestamp){.tv_sec = (s64)sec, .tv_nsec = (u32)nsec};
}

static void fill_statx(const struct kernel_stat *st, struct statx *x)
{
    memset(x, 0, sizeof(*x));
    x->stx_mask = STATX_BASIC_STATS;
    x->stx_blksize = (u32)st->st_blksize;
    x->stx_nlink = (u32)st->st_nlink;
    x->stx_uid = st->st_uid;
    x->stx_gid = st->st_gid;
    x->stx_mode = (u16)st->st_mode;
    x->stx_ino = st->st_ino;
    x->stx_size = (u64)st->st_size;
    x->stx_blocks = (u64)st->st_blocks;
    x->stx_atime = timestamp(st->st_atime_sec, st->st_atime_nsec);
    x->stx_mtime = timestamp(st->st_mtime_sec, st->st_mtime_nsec);
    x->stx_ctime = timestamp(st->st_ctime_sec, st->st_ctime_nsec);
    x->stx_rdev_major = dev_major(st->st_rdev);
    x->stx_rdev_minor = dev_minor(st->st_rdev);
    x->stx_dev_major = dev_major(st->st_dev);
    x->stx_dev_minor = dev_minor(st->st_dev);
}

/* What statx tells beyond stat, with `wanted` in its mask. */
static void fill_statx_more(const struct target *t, u32 wanted, struct statx *x)
{
    const struct path *p = &t->path;
    u64 born = t->inode->btime_ns;

    x->stx_attributes_mask = STATX_ATTR_MOUNT_ROOT;
    if (inode_has_attrs(t->inode)) {
        x->stx_attributes_mask |= FS_FIXED | FS_NODUMP_FL;
        x->stx_attributes = t->inode->attrs & (FS_FIXED | FS_NODUMP_FL);
    }
    if (born) {
        x->stx_mask |= STATX_BTIME;
        x->stx_btime = timestamp(born / NSEC, born % NSEC);
    }
    if (!p->mnt)
        return;
    /* Numbers of mounts are not given again. */
    x->stx_mask |= wanted & STATX_MNT_ID_UNIQUE ?: STATX_MNT_ID;
    x->stx_mnt_id = p->mnt->id;
    if (p->dentry == p->mnt->root)
        x->stx_attributes |= STATX_ATTR_MOUNT_ROOT;
}

long sys_statx(const struct syscall_args *a)
{
    u32 flags = (u32)a->a2;
    struct kernel_stat st;
    struct target t;
    struct statx x;
    int err;

    if ((u32)a->a3 & STATX_RESERVED ||
        (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE ||
        flags &
            ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
        return -EINVAL;
    err = target_at((int)a->a0, a->a1, flags, &t);
    if (err)
        return err;
    vfs_stat(t.inode, &st);
    fill_statx(&st, &x);
    fill_statx_more(&t, (u32)a->a3, &x);
    target_put(&t);
    return copy_to_user(a->a4, &x, sizeof(x));
}

/* ---- access ---- */

/* access(2) asks for the real ids: what the caller of a set-user-ID program may do. */
static void use_real_ids(struct cred *c)
{
    c->fs.uid = c->uid;
    c->fs.gid = c->gid;
    if (!(c->securebits & SECURE_NO_SETUID_FIXUP))
        c->fs.caps = c->uid == 0 ? c->permitted : 0;
}

/* Devices and pipes are written also where nothing can be changed. */
static int access_by_mount(const struct target *t, u32 mode)
{
    u32 kind = t->inode->mode;

    if ((mode & MAY_EXEC) && S_ISREG(kind) && (path_mount_flags(&t->path) & MS_NOEXEC))
        return -EACCES;
    if ((mode & MAY_WRITE) && (S_ISREG(kind) || S_ISDIR(kind) || S_ISLNK(kind)))
        return path_may_change(&t->path);
    return 0;
}

static long do_access(int dirfd, vaddr_t name, u32 mode, u32 flags)
{
    struct cred c = *own_cred();
    struct fs_context fs = {current_fs()->dirs, &c.fs};
    struct target t;
    int err;

    if (mode & ~7u || flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (!(flags & AT_EACCESS))
        use_real_ids(&c);
    err = target_in(&fs, dirfd, name, flags, &t);
    if (!err) {
        err = inode_permission(&c.fs, t.inode, mode); /* R_OK... are MAY_READ... */
        if (!err)
            err = access_by_mount(&t, mode);
        target_put(&t);
    }
    return err;
}

long sys_access(const struct syscall_args *a)
{
    return do_access(AT_FDCWD, a->a0, (u32)a->a1, 0);
}

long sys_faccessat(const struct syscall_args *a)
{
    return do_access((int)a->a0, a->a1, (u32)a->a2, 0);
}

long sys_faccessat2(const struct syscall_args *a)
{
    return do_access((int)a->a0, a->a1, (u32)a->a2, (u32)a->a3);
}

/* ---- statfs ---- */

/* The low flags have mount's numbers, two others have their own. */
static s64 statfs_flags(const struct path *p)
{
    u32 flags = path_mount_flags(p);
    u32 same = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS |
               MS_MANDLOCK | MS_NOATIME | MS_NODIRATIME;

    return ST_VALID | (flags & same) | (flags & MS_RELATIME ? ST_RELATIME : 0) |
           (flags & MS_NOSYMFOLLOW ? ST_NOSYMFOLLOW : 0);
}

/* What a file system may have; one without a limit says 0 everywhere, as on Linux. */
static void statfs_quota(const struct quota *q, u64 pages, struct statfs *st)
{
    if (q->max_pages != QUOTA_NONE) {
        st->f_blocks = q->max_pages / pages;
        st->f_bfree = (q->max_pages - MIN(q->pages, q->max_pages)) / pages;
        st->f_bavail = st->f_bfree - MIN(st->f_bfree, q->kept_pages / pages);
    }
    if (q->max_inodes != QUOTA_NONE) {
        st->f_files = q->max_inodes;
        st->f_ffree = q->max_inodes - MIN(q->inodes, q->max_inodes);
    }
}

/* Files without a name, by what Linux keeps their kind in. */
static s64 nameless_magic(const struct inode *ino)
{
    switch (ino->mode & S_IFMT) {
    case S_IFIFO:
        return PIPE_MAGIC;
    case S_IFSOCK:
        return SOCKFS_MAGIC;
    default:
        return inode_is_anon(ino) ? ANON_MAGIC : TMPFS_MAGIC;
    }
}

static long statfs_target(struct target *t, vaddr_t user)
{
    struct statfs st = {.f_namelen = NAME_MAX};
    u64 pages = 1;

    st.f_type = (s64)vfs_mount_magic(&t->path);
    if (st.f_type == HUGETLBFS_MAGIC)
        pages = HUGE_PAGES;
    if (!st.f_type)
        st.f_type = nameless_magic(t->inode);
    if (t->inode->quota && st.f_type != PROC_MAGIC)
        statfs_quota(t->inode->quota, pages, &st);
    st.f_bsize = st.f_frsize = (s64)(pages << PAGE_SHIFT);
    st.f_fsid[0] = (s32)t->inode->dev;
    st.f_flags = statfs_flags(&t->path);
    target_put(t);
    return copy_to_user(user, &st, sizeof(st));
}

long sys_statfs(const struct syscall_args *a)
{
    struct target t;
    int err = target_at(AT_FDCWD, a->a0, 0, &t);

    return err ? err : statfs_target(&t, a->a1);
}

long sys_fstatfs(const struct syscall_args *a)
{
    struct target t;
    int err = target_fd((int)a->a0, true, &t);

    return err ? err : statfs_target(&t, a->a1);
}

/* struct ustat: what is free, and two names that nothing has. */
struct ustat {
    s32 f_tfree;
    u64 f_tinode;
    char f_fname[6], f_fpack[6];
};
_Static_assert(sizeof(struct ustat) == 32, "struct ustat of x86-64");

struct ustat_search {
    u64 dev;
    bool found;
    struct ustat result;
};

static void ustat_look(const struct mount_info *info, void *arg)
{
    struct ustat_search *s = arg;
    const struct quota *q = info->at.dentry->inode->quota;
    struct statfs st = {0};

    if (s->found || info->dev != s->dev)
        return;
    s->found = true;
    if (q && info->type->magic != PROC_MAGIC)
        statfs_quota(q, 1, &st);
    s->result.f_tfree = (s32)MIN(st.f_bfree, (u64)INT32_MAX);
    s->result.f_tinode = st.f_ffree;
}

/* ustat(dev, buf): the mounted file system with this number, as stat reports it. */
long sys_ustat(const struct syscall_args *a)
{
    struct ustat_search s = {.dev = (u32)a->a0};

    vfs_for_each_mount(ustat_look, &s);
    return s.found ? copy_to_user(a->a1, &s.result, sizeof(s.result)) : -EINVAL;
}
