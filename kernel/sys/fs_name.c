/* SPDX-License-Identifier: MIT
 *
 * Making, moving and removing names.
 */
#include "fs/inode.h"
#include "fs/names.h"
#include "kernel/sys/fs.h"
#include "kernel/task/uaccess.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/stat.h"
#include "mm/phys/slab.h"

/* A name of the caller and the directory it starts from. */
struct place {
    char *name;
    struct at_dir dir;
};

static int place_get(int dirfd, vaddr_t user, struct place *p)
{
    int err = name_of(user, false, &p->name);

    if (err)
        return err;
    err = at_dir_get(dirfd, p->name, &p->dir);
    if (err)
        kfree(p->name);
    return err;
}

static void place_put(struct place *p)
{
    at_dir_put(&p->dir);
    kfree(p->name);
}

static long do_mkdir(int dirfd, vaddr_t name, u32 mode)
{
    struct place p;
    int err = place_get(dirfd, name, &p);

    if (err)
        return err;
    err = vfs_mkdir(current_fs(), p.dir.base, p.name, mode);
    place_put(&p);
    return err;
}

long sys_mkdir(const struct syscall_args *a)
{
    return do_mkdir(AT_FDCWD, a->a0, (u32)a->a1);
}

long sys_mkdirat(const struct syscall_args *a)
{
    return do_mkdir((int)a->a0, a->a1, (u32)a->a2);
}

/* dev: as stat reports it, 32 bits. What can never be made is refused before the name is read. */
static long do_mknod(int dirfd, vaddr_t name, u32 mode, u32 dev)
{
    struct place p;
    int err = vfs_may_mknod(mode);

    if (err)
        return err;
    err = place_get(dirfd, name, &p);
    if (err)
        return err;
    err = vfs_mknod(current_fs(), p.dir.base, p.name, mode,
                    S_ISCHR(mode) || S_ISBLK(mode) ? dev : 0);
    place_put(&p);
    return err;
}

long sys_mknod(const struct syscall_args *a)
{
    return do_mknod(AT_FDCWD, a->a0, (u32)a->a1, (u32)a->a2);
}

long sys_mknodat(const struct syscall_args *a)
{
    return do_mknod((int)a->a0, a->a1, (u32)a->a2, (u32)a->a3);
}

static long do_unlink(int dirfd, vaddr_t name, bool directory)
{
    struct place p;
    int err = place_get(dirfd, name, &p);

    if (err)
        return err;
    err = directory ? vfs_rmdir(current_fs(), p.dir.base, p.name)
                    : vfs_unlink(current_fs(), p.dir.base, p.name);
    place_put(&p);
    return err;
}

long sys_unlink(const struct syscall_args *a)
{
    return do_unlink(AT_FDCWD, a->a0, false);
}

long sys_rmdir(const struct syscall_args *a)
{
    return do_unlink(AT_FDCWD, a->a0, true);
}

long sys_unlinkat(const struct syscall_args *a)
{
    u32 flags = (u32)a->a2;

    if (flags & ~AT_REMOVEDIR)
        return -EINVAL;
    return do_unlink((int)a->a0, a->a1, flags & AT_REMOVEDIR);
}

static long do_rename(int odir, vaddr_t oname, int ndir, vaddr_t nname, u32 flags)
{
    struct place o, n;
    int err;

    if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) ||
        flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
        return -EINVAL;
    err = place_get(odir, oname, &o);
    if (err)
        return err;
    err = place_get(ndir, nname, &n);
    if (!err) {
        err = vfs_rename(current_fs(), o.dir.base, o.name, n.dir.base, n.name, flags);
        place_put(&n);
    }
    place_put(&o);
    return err;
}

long sys_rename(const struct syscall_args *a)
{
    return do_rename(AT_FDCWD, a->a0, AT_FDCWD, a->a1, 0);
}

long sys_renameat(const struct syscall_args *a)
{
    return do_rename((int)a->a0, a->a1, (int)a->a2, a->a3, 0);
}

long sys_renameat2(const struct syscall_args *a)
{
    return do_rename((int)a->a0, a->a1, (int)a->a2, a->a3, (u32)a->a4);
}

static long do_link(int odir, vaddr_t oname, int ndir, vaddr_t nname, u32 flags)
{
    struct target t;
    struct place p;
    int err;

    if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    err = target_at(odir, oname,
                    (flags & AT_EMPTY_PATH) |
                        (flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW),
                    &t);
    if (err)
        return err;
    err = place_get(ndir, nname, &p);
    if (!err) {
        err =
            t.path.dentry ? vfs_link(current_fs(), &t.path, p.dir.base, p.name) : -EXDEV;
        place_put(&p);
    }
    target_put(&t);
    return err;
}

long sys_link(const struct syscall_args *a)
{
    return do_link(AT_FDCWD, a->a0, AT_FDCWD, a->a1, 0);
}

long sys_linkat(const struct syscall_args *a)
{
    return do_link((int)a->a0, a->a1, (int)a->a2, a->a3, (u32)a->a4);
}

static long do_symlink(vaddr_t user, int dirfd, vaddr_t name)
{
    struct place p;
    char *text;
    int err = name_of(user, false, &text);

    if (err)
        return err;
    err = place_get(dirfd, name, &p);
    if (!err) {
        err = vfs_symlink(current_fs(), p.dir.base, p.name, text);
        place_put(&p);
    }
    kfree(text);
    return err;
}

long sys_symlink(const struct syscall_args *a)
{
    return do_symlink(a->a0, AT_FDCWD, a->a1);
}

long sys_symlinkat(const struct syscall_args *a)
{
    return do_symlink(a->a0, (int)a->a1, a->a2);
}

static bool has_text(const struct inode *ino)
{
    return S_ISLNK(ino->mode) && ino->ops->readlink;
}

static ssize_t link_text(struct inode *ino, vaddr_t user, size_t size)
{
    char *text;
    ssize_t n;

    text = kmalloc(PATH_MAX);
    if (!text)
        return -ENOMEM;
    n = ino->ops->readlink(ino, text, PATH_MAX);
    if (n > 0) {
        n = (ssize_t)MIN((size_t)n, size);
        if (copy_to_user(user, text, (size_t)n) != 0)
            n = -EFAULT;
    }
    kfree(text);
    return n;
}

/* An empty name means the link the descriptor itself names; ENOENT when it is none. */
static long do_readlink(int dirfd, vaddr_t name, vaddr_t user, int size)
{
    struct target t;
    char *text;
    ssize_t n;
    int err;

    if (size <= 0)
        return -EINVAL;
    err = name_of(name, dirfd != AT_FDCWD, &text);
    if (err)
        return err;
    err = target_name(current_fs(), dirfd, text, AT_SYMLINK_NOFOLLOW, &t);
    if (!err) {
        n = has_text(t.inode) ? link_text(t.inode, user, (size_t)size)
            : *text           ? -EINVAL
                              : -ENOENT;
    }
    kfree(text);
    if (err)
        return err;
    if (n >= 0)
        vfs_accessed(&t.path, t.inode);
    target_put(&t);
    return n;
}

long sys_readlink(const struct syscall_args *a)
{
    return do_readlink(AT_FDCWD, a->a0, a->a1, (int)a->a2);
}

long sys_readlinkat(const struct syscall_args *a)
{
    return do_readlink((int)a->a0, a->a1, a->a2, (int)a->a3);
}
