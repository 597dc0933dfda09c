/* SPDX-License-Identifier: MIT
 *
 * Reading directories, and the working and root directories of a process.
 */
#include "fs/context.h"
#include "fs/dentry.h"
#include "fs/inode.h"
#include "fs/mount/path_text.h"
#include "fs/namei.h"
#include "fs/perm.h"
#include "kernel/sys/fs.h"
#include "kernel/task/uaccess.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/stat.h"
#include "mm/phys/slab.h"

#define DENTS_MAX 32768u /* bytes of entries one call gives at most */

/* Entries are gathered in kernel memory: a directory is locked while it is listed, and no
 * fault may be taken then. */
struct dents {
    struct dir_sink sink;
    char *buf;
    size_t size, used;
    bool old; /* getdents: the type stands behind the name */
    bool full;
};

/* The old record: d_type is its last byte. */
struct linux_dirent {
    u64 d_ino, d_off;
    u16 d_reclen;
    char d_name[];
};

static bool emit(struct dir_sink *s, const char *name, size_t len, u64 ino, u8 type,
                 u64 next)
{
    struct dents *d = container_of(s, struct dents, sink);
    size_t head = d->old ? offsetof(struct linux_dirent, d_name)
                         : offsetof(struct linux_dirent64, d_name);
    size_t n = align_up(head + len + (d->old ? 2 : 1), 8);
    char *at = d->buf + d->used;

    if (n > d->size - d->used) {
        d->full = true;
        return false;
    }
    memset(at, 0, n);
    if (d->old) {
        struct linux_dirent *e = (struct linux_dirent *)at;

        *e = (struct linux_dirent){.d_ino = ino, .d_off = next, .d_reclen = (u16)n};
        at[n - 1] = (char)type;
    } else {
        struct linux_dirent64 *e = (struct linux_dirent64 *)at;

        e->d_ino = ino;
        e->d_off = (s64)next;
        e->d_reclen = (u16)n;
        e->d_type = type;
    }
    memcpy(at + head, name, len);
    d->used += n;
    return true;
}

/* Only the first n bytes came to the caller: the entries that are whole count, and the next
 * call goes on behind them. */
static int keep_whole(struct dents *d, size_t n)
{
    size_t whole = 0;

    while (whole < n) {
        const char *at = d->buf + whole;
        const struct linux_dirent64 *e = (const struct linux_dirent64 *)at;
        const struct linux_dirent *old = (const struct linux_dirent *)at;
        size_t size = d->old ? old->d_reclen : e->d_reclen;

        if (size > n - whole)
            break;
        whole += size;
        d->sink.pos = d->old ? old->d_off : (u64)e->d_off;
    }
    d->used = whole;
    return whole ? 0 : -EFAULT;
}

static long list_directory(struct file *f, struct dents *d, vaddr_t user)
{
    size_t copied;
    int err;

    mutex_lock(&f->pos_lock);
    d->sink = (struct dir_sink){.emit = emit, .pos = f->pos};
    err = f->ops->readdir(f, &d->sink);
    if (!err && !d->used && d->full)
        err = -EINVAL; /* not even one entry fits */
    if (!err && d->used) {
        copied = user_range_ok(user, d->used)
                     ? d->used - arch_copy_to_user(user, d->buf, d->used)
                     : 0;
        if (copied < d->used)
            err = keep_whole(d, copied);
    }
    if (!err) {
        f->pos = d->sink.pos;
        file_accessed(f);
    }
    mutex_unlock(&f->pos_lock);
    return err ? err : (long)d->used;
}

static long do_getdents(const struct syscall_args *a, bool old)
{
    struct dents d = {.size = (s32)a->a2 < 0 ? 0 : MIN((u32)a->a2, DENTS_MAX),
                      .old = old};
    struct file *f = io_file_of((int)a->a0);
    long result = -ENOTDIR;

    if (!f)
        return -EBADF;
    if (f->ops->readdir) {
        d.buf = kmalloc(d.size ? d.size : 1);
        result = d.buf ? list_directory(f, &d, a->a1) : -ENOMEM;
        kfree(d.buf);
    }
    file_put(f);
    return result;
}

long sys_getdents(const struct syscall_args *a)
{
    return do_getdents(a, true);
}

long sys_getdents64(const struct syscall_args *a)
{
    return do_getdents(a, false);
}

/* ---- working and root directory ---- */

long sys_getcwd(const struct syscall_args *a)
{
    char *buf = kmalloc(PATH_MAX);
    ssize_t n;

    if (!buf)
        return -ENOMEM;
    n = fs_cwd_text(current_fs(), buf, PATH_MAX);
    if (n >= 0) {
        n++; /* the NUL */
        if ((u64)n > a->a1)
            n = -ERANGE;
        else if (copy_to_user(a->a0, buf, (size_t)n) != 0)
            n = -EFAULT;
    }
    kfree(buf);
    return n;
}

/* Makes a directory the root or the working directory. */
static long set_directory(struct target *t,
                          void (*set)(const struct fs_context *fs, const struct path *p))
{
    int err = S_ISDIR(t->inode->mode)
                  ? inode_permission(current_cred(), t->inode, MAY_EXEC)
                  : -ENOTDIR;

    if (!err) {
        path_get(&t->path);
        set(current_fs(), &t->path);
    }
    target_put(t);
    return err;
}

long sys_chdir(const struct syscall_args *a)
{
    struct target t;
    int err = target_at(AT_FDCWD, a->a0, 0, &t);

    return err ? err : set_directory(&t, fs_set_cwd);
}

long sys_fchdir(const struct syscall_args *a)
{
    struct target t;
    int err = target_fd((int)a->a0, true, &t);

    return err ? err : set_directory(&t, fs_set_cwd);
}

long sys_chroot(const struct syscall_args *a)
{
    struct target t;
    int err = target_at(AT_FDCWD, a->a0, 0, &t);

    if (err)
        return err;
    if (!capable(CAP_SYS_CHROOT)) {
        target_put(&t);
        return -EPERM;
    }
    return set_directory(&t, fs_set_root);
}
