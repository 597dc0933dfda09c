/* SPDX-License-Identifier: MIT
 *
 * open(2): from a name and flags to an open file.
 */
#include "fs/open.h"
#include "fs/context.h"
#include "fs/dentry.h"
#include "fs/devfs.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/mount/mount.h"
#include "fs/namei.h"
#include "fs/names.h"
#include "fs/perm.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/mount.h"
#include "lib/uapi/stat.h"

static const struct file_ops path_ops; /* O_PATH: nothing can be done with it */

/* The operations of an opened inode. */
static int choose_ops(struct inode *ino, u32 flags, const struct file_ops **ops)
{
    *ops = ino->fops;
    if (flags & O_PATH)
        *ops = &path_ops;
    else if (S_ISCHR(ino->mode) || S_ISBLK(ino->mode))
        return devfs_open(ino->mode, ino->rdev, ops);
    else if (S_ISFIFO(ino->mode))
        *ops = &fifo_ops;
    return *ops ? 0 : -ENXIO;
}

static int check_kind(const struct inode *ino, u32 flags)
{
    bool writes = (flags & O_ACCMODE) != O_RDONLY;

    if (flags & O_PATH)
        return (flags & O_DIRECTORY) && !S_ISDIR(ino->mode) ? -ENOTDIR : 0;
    if (S_ISLNK(ino->mode)) /* O_NOFOLLOW */
        return flags & O_DIRECTORY ? -ENOTDIR : -ELOOP;
    if (flags & VFS_OPEN_EXEC) /* before an open that could wait, or have an effect */
        return S_ISREG(ino->mode) ? 0 : -EACCES;
    if (S_ISDIR(ino->mode))
        return writes || (flags & (O_CREAT | O_TRUNC)) ? -EISDIR : 0;
    if (flags & O_DIRECTORY)
        return -ENOTDIR;
    return 0;
}

static int check_rights(const struct fs_cred *c, const struct path *p, u32 flags)
{
    static const u32 modes[] = {MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE,
                                MAY_READ | MAY_WRITE};
    const struct inode *ino = p->dentry->inode;
    u32 want = flags & VFS_OPEN_EXEC ? MAY_EXEC : modes[flags & O_ACCMODE];
    u32 mount = path_mount_flags(p);
    int err;

    if (flags & O_PATH)
        return 0;
    if (flags & O_TRUNC)
        want |= MAY_WRITE;
    if ((mount & MS_NODEV) && (S_ISCHR(ino->mode) || S_ISBLK(ino->mode)))
        return -EACCES;
    if ((mount & MS_NOEXEC) && (flags & VFS_OPEN_EXEC))
        return -EACCES;
    if ((mount & MS_RDONLY) && (want & MAY_WRITE) && S_ISREG(ino->mode))
        return -EROFS;
    err = inode_permission(c, ino, want);
    if (!err && unlikely(ino->attrs & FS_APPEND_FL) && (want & MAY_WRITE) &&
        (!(flags & O_APPEND) || (flags & O_TRUNC)))
        err = -EPERM;
    if (!err && (flags & O_NOATIME) && !inode_owned(c, ino))
        err = -EPERM;
    return err;
}

void end_writing(const struct path *p)
{
    path_end_change(p);
    inode_put_write(p->dentry->inode);
}

int begin_writing(const struct path *p)
{
    int err = inode_get_write(p->dentry->inode);

    if (err)
        return err;
    err = path_begin_change(p);
    if (err)
        inode_put_write(p->dentry->inode);
    return err;
}

/* O_TRUNC writes, whatever the descriptor is for: a program that runs stays as it is. */
static int cut_to_nothing(const struct fs_cred *c, const struct path *p, bool counted)
{
    struct inode *ino = p->dentry->inode;
    int err = counted ? 0 : begin_writing(p);

    if (err)
        return err;
    inode_drop_set_id(c, ino);
    mutex_lock(&ino->lock);
    err = vfs_truncate(ino, 0);
    mutex_unlock(&ino->lock);
    if (!counted)
        end_writing(p);
    return err;
}

int file_open_path(const struct fs_cred *c, const struct path *p, u32 flags, bool created,
                   struct file **out)
{
    struct inode *ino = p->dentry->inode;
    bool writes =
        (flags & O_ACCMODE) != O_RDONLY && S_ISREG(ino->mode) && !(flags & O_PATH);
    const struct file_ops *ops;
    struct file *f;
    int err = check_kind(ino, created ? flags & ~(O_CREAT | O_TRUNC) : flags);

    if (!err && !created)
        err = check_rights(c, p, flags);
    if (!err)
        err = choose_ops(ino, flags, &ops);
    if (!err && (flags & O_DIRECT) && !inode_may_direct(ino))
        err = -EINVAL;
    if (!err && writes)
        err = begin_writing(p);
    if (err)
        return err;
    inode_get(ino);
    err = file_create(
        ino, ops, flags & ~(O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC | VFS_OPEN_EXEC), &f);
    if (err) {
        inode_put(ino);
        if (writes)
            end_writing(p);
        return err;
    }
    f->holds_write = writes;
    f->path = *p;
    path_get(&f->path);
    if ((flags & O_TRUNC) && S_ISREG(ino->mode) && !created && !(flags & O_PATH))
        err = cut_to_nothing(c, p, writes);
    if (!err && ops->open) {
        err = ops->open(f);
        if (err)
            f->ops = &path_ops; /* release must not undo what open did not do */
    }
    if (flags & O_NOCTTY)
        file_change_flags(f, O_NOCTTY, 0); /* it was for ops->open */
    if (err) {
        file_put(f);
        return err;
    }
    *out = f;
    return 0;
}

/* open(2) never creates a directory, whatever the name with '/' after it stands for. */
static bool asks_for_directory(const char *name)
{
    size_t n = strlen(name);

    return n && name[n - 1] == '/';
}

/* Creates the missing last component. */
static int create_last(struct fs_context *fs, struct walk *w, u32 mode, struct path *out)
{
    struct inode *dir = w->parent.dentry->inode, *ino;
    struct dentry *d;
    int err;

    if (w->slash || w->last_len == 0)
        return -EISDIR;
    if (w->parent.dentry->dead)
        return -ENOENT;
    if (!dir->ops->create)
        return -ENOENT;
    err = path_may_change(&w->parent);
    if (!err)
        err = dir_may_add(fs->cred, dir);
    if (err)
        return err;
    err =
        dir->ops->create(dir, w->last, S_IFREG | (mode & 07777 & ~fs_umask(fs)), 0, &ino);
    if (err)
        return err;
    inode_init_owner(fs->cred, dir, ino);
    err = name_add(w, ino, &d);
    if (err) {
        inode_put(ino);
        return err;
    }
    *out = (struct path){w->parent.mnt, d};
    __atomic_fetch_add(&w->parent.mnt->refs, 1, __ATOMIC_RELAXED);
    return 0;
}

/* A file without a name in a directory's file system. */
static int open_tmpfile(struct fs_context *fs, struct path *dir, u32 flags, u32 mode,
                        struct file **out)
{
    struct inode *d = dir->dentry->inode, *ino;
    struct dentry *dentry;
    int err;

    if ((flags & O_ACCMODE) == O_RDONLY)
        return -EINVAL;
    if (!d->ops->create)
        return -EOPNOTSUPP;
    err = path_may_change(dir);
    if (!err)
        err = dir_may_add(fs->cred, d);
    if (!err)
        err = d->ops->create(d, "", S_IFREG | (mode & 07777 & ~fs_umask(fs)), 0, &ino);
    if (err)
        return err;
    inode_init_owner(fs->cred, d, ino);
    ino->nlink = 0;
    ino->linkable = !(flags & O_EXCL);
    dentry = dentry_create(dir->dentry, "#tmpfile", 8, ino);
    if (!dentry) {
        inode_put(ino);
        return -ENOMEM;
    }
    dentry->dead = true;
    struct path p = {dir->mnt, dentry};

    err =
        file_open_path(fs->cred, &p, flags & ~(O_TMPFILE | O_CREAT | O_EXCL), true, out);
    dentry_put(dentry);
    if (!err)
        file_change_flags(*out, O_TMPFILE, O_TMPFILE); /* F_GETFL tells them */
    return err;
}

/* An open under way. */
struct opening {
    struct fs_context *fs;
    const struct path *base;
    const char *name;
    u32 flags, mode;
    u32 look; /* LOOKUP_*, WALK_NAME */
    bool creates;
};

/* Where the name leads: *found, referenced. With vfs_tree_lock exclusive (`alone`) and `creates` it is
 * made when it is missing, and opened under the same lock: nobody comes between. */
static int find_or_create(const struct opening *o, bool alone, struct path *found,
                          struct file **out)
{
    struct walk w;
    int err = (alone ? walk_alone : walk_path)(o->fs, o->base, o->name, o->look, &w);

    *out = NULL;
    if ((o->look & WALK_NAME) && w.parent.dentry && w.last_len)
        err = -EISDIR;
    else if (!err && o->creates && (o->flags & O_EXCL))
        err = -EEXIST;
    else if (!err && o->creates && w.last_len && !S_ISDIR(w.found.dentry->inode->mode))
        err = dir_may_reuse(o->fs->cred, w.parent.dentry->inode, w.found.dentry->inode);
    if (!err) {
        *found = w.found;
        path_get(found);
    } else if (err == -ENOENT && alone && o->creates && w.parent.dentry) {
        err = create_last(o->fs, &w, o->mode, found);
        if (!err)
            err = file_open_path(o->fs->cred, found, o->flags, true, out);
        if (err && found->dentry) /* there was no memory to open it: it goes again */
            name_remove(found->dentry);
    }
    walk_end(&w);
    return err;
}

/* Shared at first: what is there already needs no more. */
static int walk_to(const struct opening *o, struct path *found, struct file **out)
{
    int err = -ENOENT;

    *found = (struct path){NULL, NULL};
    if (!o->creates || !(o->flags & O_EXCL)) {
        mutex_lock_shared(&vfs_tree_lock);
        err = find_or_create(o, false, found, out);
        mutex_unlock(&vfs_tree_lock);
    }
    if (err == WALK_AGAIN && (o->look & LOOKUP_CACHED))
        return -EAGAIN;
    if ((err == -ENOENT && o->creates) || err == WALK_AGAIN) {
        mutex_lock(&vfs_tree_lock);
        err = find_or_create(o, true, found, out);
        mutex_unlock(&vfs_tree_lock);
    }
    return err;
}

int vfs_open(struct fs_context *fs, const struct path *base, const char *name, u32 flags,
             u32 mode, struct file **out)
{
    return vfs_open_within(fs, base, name, flags, mode, 0, out);
}

int vfs_open_within(struct fs_context *fs, const struct path *base, const char *name,
                    u32 flags, u32 mode, u32 within, struct file **out)
{
    bool tmpfile = (flags & O_TMPFILE) == O_TMPFILE;
    struct opening o = {fs, base, name, flags, mode, 0, false};
    struct path found;
    int err;

    if (flags & O_PATH)
        o.flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    o.creates = (o.flags & O_CREAT) && !tmpfile;
    o.look = flags & O_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
    if (o.creates && asks_for_directory(name))
        o.look = WALK_NAME;
    else if (o.creates && (flags & O_EXCL))
        o.look = 0;
    o.look |= within;
    err = walk_to(&o, &found, out);
    if (!err && tmpfile)
        err = S_ISDIR(found.dentry->inode->mode)
                  ? open_tmpfile(fs, &found, o.flags, mode, out)
                  : -ENOTDIR;
    else if (!err && !*out)
        err = file_open_path(fs->cred, &found, o.flags, false, out);
    path_put(&found);
    mount_reap();
    return err;
}
