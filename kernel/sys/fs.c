/* SPDX-License-Identifier: MIT
 *
 * What the file system calls share.
 */
#include "kernel/sys/fs.h"
#include "fs/context.h"
#include "fs/dentry.h"
#include "fs/fdtable.h"
#include "fs/inode.h"
#include "fs/namei.h"
#include "fs/perm.h"
#include "kernel/task/limits.h"
#include "kernel/task/uaccess.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/stat.h"
#include "mm/phys/slab.h"

struct file *file_of(int fd)
{
    return fd_get(current_thread()->files, fd);
}

struct file *io_file_of(int fd)
{
    struct file *f = file_of(fd);

    if (f && file_flags(f) & O_PATH) {
        file_put(f);
        return NULL;
    }
    return f;
}

u32 fd_limit(void)
{
    return (u32)MIN(proc_rlimit(current_proc(), RLIMIT_NOFILE), (u64)FD_MAX_MOST);
}

long install_file(struct file *f, bool cloexec)
{
    int fd = fd_install(current_thread()->files, f, 0, fd_limit(), cloexec);

    if (fd < 0)
        file_put(f);
    return fd;
}

int name_of(vaddr_t user, bool empty_ok, char **out)
{
    char *name = kmalloc(PATH_MAX);
    ssize_t len;

    if (!name)
        return -ENOMEM;
    len = strncpy_from_user(name, user, PATH_MAX);
    if (len == 0 && !empty_ok)
        len = -ENOENT;
    if (len < 0) {
        kfree(name);
        return (int)len;
    }
    *out = name;
    return 0;
}

int at_dir_get(int dirfd, const char *name, struct at_dir *d)
{
    *d = (struct at_dir){NULL, NULL};
    if (dirfd == AT_FDCWD || name[0] == '/')
        return 0;
    d->file = file_of(dirfd);
    if (!d->file)
        return -EBADF;
    if (!S_ISDIR(d->file->inode->mode)) {
        at_dir_put(d);
        return -ENOTDIR;
    }
    d->base = &d->file->path;
    return 0;
}

void at_dir_put(struct at_dir *d)
{
    if (d->file)
        file_put(d->file);
    *d = (struct at_dir){NULL, NULL};
}

int target_fd(int fd, bool path_ok, struct target *t)
{
    struct file *f = path_ok ? file_of(fd) : io_file_of(fd);

    if (!f)
        return -EBADF;
    t->path = f->path;
    path_get(&t->path);
    t->inode = f->inode;
    inode_get(t->inode);
    file_put(f);
    return 0;
}

static void target_of_path(const struct path *p, struct target *t)
{
    t->path = *p; /* takes the reference over */
    t->inode = p->dentry->inode;
    inode_get(t->inode);
}

int target_name(struct fs_context *fs, int dirfd, const char *name, u32 at_flags,
                struct target *t)
{
    struct at_dir dir;
    struct path p;
    int err;

    if (!*name) { /* AT_EMPTY_PATH */
        if (dirfd != AT_FDCWD)
            return target_fd(dirfd, true, t);
        fs_cwd(fs, &p);
        target_of_path(&p, t);
        return 0;
    }
    err = at_dir_get(dirfd, name, &dir);
    if (err)
        return err;
    err = vfs_lookup(fs, dir.base, name,
                     at_flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &p);
    at_dir_put(&dir);
    if (!err)
        target_of_path(&p, t);
    return err;
}

int target_at(int dirfd, vaddr_t user, u32 at_flags, struct target *t)
{
    return target_in(current_fs(), dirfd, user, at_flags, t);
}

int target_in(struct fs_context *fs, int dirfd, vaddr_t user, u32 at_flags,
              struct target *t)
{
    char *name;
    int err = name_of(user, at_flags & AT_EMPTY_PATH, &name);

    if (err)
        return err;
    err = target_name(fs, dirfd, name, at_flags, t);
    kfree(name);
    return err;
}

void target_put(struct target *t)
{
    path_put(&t->path);
    inode_put(t->inode);
}

const struct fs_cred *current_cred(void)
{
    return &own_cred()->fs;
}

bool owns(const struct inode *ino)
{
    return inode_owned(current_cred(), ino);
}

/* ---- buffers ---- */

int buffers_get(struct buffers *b, vaddr_t user, u64 count)
{
    struct iovec *iov = b->stack;
    size_t total = 0;

    b->heap = NULL;
    if (count > IOV_MAX)
        return -EINVAL;
    if (count > IOV_STACK) {
        iov = b->heap = kmalloc(count * sizeof(*iov));
        if (!iov)
            return -ENOMEM;
    }
    if (copy_from_user(iov, user, count * sizeof(*iov)) != 0)
        goto fault;
    for (u64 i = 0; i < count; i++) {
        if ((ssize_t)iov[i].len < 0) {
            buffers_put(b);
            return -EINVAL;
        }
        if (!user_range_ok(iov[i].base, iov[i].len))
            goto fault;
        iov[i].len = MIN(iov[i].len, RW_MAX - total);
        total += iov[i].len;
    }
    b->uio = (struct uio){.iov = iov, .niov = count, .left = total, .user = true};
    return 0;

fault:
    buffers_put(b);
    return -EFAULT;
}

void buffers_put(struct buffers *b)
{
    kfree(b->heap);
    b->heap = NULL;
}
