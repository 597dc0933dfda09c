/* SPDX-License-Identifier: MIT
 *
 * Calls that change names: create, link, unlink, rename. Each walks and changes under the
 * exclusive vfs_tree_lock; objects whose last name goes are destroyed after it is released,
 * when the last path to them is put.
 */
#include "fs/open.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/stat.h"

static void touch_dir(struct inode *dir)
{
    dir->mtime_ns = dir->ctime_ns = fs_now();
}

/* Gives `ino` (whose reference it takes over on success) the name w->last in w->parent. */
int name_add(const struct walk *w, struct inode *ino, struct dentry **out)
{
    struct inode *dir = w->parent.dentry->inode;
    struct dentry *d = dentry_create(w->parent.dentry, w->last, w->last_len, ino);

    if (!d)
        return -ENOMEM;
    dentry_link(d);
    if (S_ISDIR(ino->mode))
        dir->nlink++;
    touch_dir(dir);
    if (out)
        *out = d;
    else
        dentry_put(d);
    return 0;
}

/* Finds where a new name shall stand: 0 with w->parent and w->last, or why not. */
static int walk_new(struct fs_context *fs, const struct path *base, const char *name,
                    bool directory, struct walk *w)
{
    int err = walk_path(fs, base, name, WALK_NAME, w);

    if (!err)
        return -EEXIST;
    if (err != -ENOENT || !w->parent.dentry)
        return err;
    if (w->last_len == 0)
        return -EEXIST;
    if (w->slash && !directory)
        return -ENOENT;
    if (w->parent.dentry->dead)
        return -ENOENT;
    /* procfs: the name is looked up anew each time, and does not exist. */
    return w->parent.dentry->inode->ops->create ? 0 : -ENOENT;
}

enum make { MAKE_NODE, MAKE_DIR, MAKE_LINK };

static int make(struct fs_context *fs, const struct path *base, const char *name,
                enum make kind, u32 mode, u64 rdev, const char *target)
{
    struct inode *dir, *ino;
    struct walk w;
    int err;

    mutex_lock(&vfs_tree_lock);
    err = walk_new(fs, base, name, kind == MAKE_DIR, &w);
    if (!err) {
        dir = w.parent.dentry->inode;
        err = kind == MAKE_LINK ? dir->ops->symlink(dir, target, &ino)
                                : dir->ops->create(dir, w.last, mode, rdev, &ino);
    }
    if (!err) {
        err = name_add(&w, ino, NULL);
        if (err)
            inode_put(ino);
    }
    walk_end(&w);
    mutex_unlock(&vfs_tree_lock);
    return err;
}

int vfs_mknod(struct fs_context *fs, const struct path *base, const char *name, u32 mode,
              u64 rdev)
{
    if (!(mode & S_IFMT))
        mode |= S_IFREG;
    if (S_ISDIR(mode))
        return -EPERM;
    if (!S_ISREG(mode) && !S_ISCHR(mode) && !S_ISBLK(mode) && !S_ISFIFO(mode) &&
        (mode & S_IFMT) != S_IFSOCK)
        return -EINVAL;
    return make(fs, base, name, MAKE_NODE, (mode & S_IFMT) | (mode & 07777 & ~fs->umask),
                rdev, NULL);
}

int vfs_mkdir(struct fs_context *fs, const struct path *base, const char *name, u32 mode)
{
    return make(fs, base, name, MAKE_DIR, S_IFDIR | (mode & 01777 & ~fs->umask), 0, NULL);
}

int vfs_symlink(struct fs_context *fs, const struct path *base, const char *name,
                const char *target)
{
    if (!*target)
        return -ENOENT;
    return make(fs, base, name, MAKE_LINK, 0, 0, target);
}

int vfs_link(struct fs_context *fs, const struct path *from, const struct path *base,
             const char *name)
{
    struct inode *ino = from->dentry->inode;
    struct walk w;
    int err;

    if (S_ISDIR(ino->mode))
        return -EPERM;
    mutex_lock(&vfs_tree_lock);
    err = walk_new(fs, base, name, false, &w);
    if (!err && (!from->mnt || w.parent.mnt != from->mnt))
        err = -EXDEV;
    if (!err && ino->nlink == 0)
        err = -ENOENT;
    if (!err) {
        inode_get(ino);
        err = name_add(&w, ino, NULL);
        if (err)
            inode_put(ino);
        else
            ino->nlink++;
    }
    if (!err)
        ino->ctime_ns = fs_now();
    walk_end(&w);
    mutex_unlock(&vfs_tree_lock);
    return err;
}

/* The name w->found loses its entry. */
static void name_remove(struct dentry *d)
{
    struct inode *ino = d->inode, *dir = d->parent->inode;

    if (S_ISDIR(ino->mode)) {
        ino->nlink -= 2;
        dir->nlink--;
    } else {
        ino->nlink--;
    }
    ino->ctime_ns = fs_now();
    touch_dir(dir);
    dentry_unlink(d);
}

/* What unlink and rename ask before they remove a name. */
static int may_remove(const struct dentry *d, bool directory)
{
    bool is_dir = S_ISDIR(d->inode->mode);

    if (directory && !is_dir)
        return -ENOTDIR;
    if (!directory && is_dir)
        return -EISDIR;
    if (d->mounted || !d->parent)
        return -EBUSY;
    if (!d->kept)
        return -EPERM;
    return is_dir && !list_empty(&d->children) ? -ENOTEMPTY : 0;
}

static int remove(struct fs_context *fs, const struct path *base, const char *name,
                  bool directory)
{
    struct walk w;
    int err;

    mutex_lock(&vfs_tree_lock);
    err = walk_path(fs, base, name, WALK_NAME, &w);
    if (!err && w.last_len == 0) {
        size_t n = strlen(name);

        /* "." is invalid, ".." is never empty, "/" is busy. */
        err = !directory                                           ? -EISDIR
              : n >= 2 && name[n - 1] == '.' && name[n - 2] == '.' ? -ENOTEMPTY
              : name[n - 1] == '.'                                 ? -EINVAL
                                                                   : -EBUSY;
    }
    if (!err && w.found.dentry == w.found.mnt->root)
        err = -EBUSY;
    if (!err && w.slash && !directory)
        err = S_ISDIR(w.found.dentry->inode->mode) ? -EISDIR : -ENOTDIR;
    if (!err)
        err = may_remove(w.found.dentry, directory);
    if (!err)
        name_remove(w.found.dentry);
    mutex_unlock(&vfs_tree_lock);
    walk_end(&w);
    return err;
}

int vfs_unlink(struct fs_context *fs, const struct path *base, const char *name)
{
    return remove(fs, base, name, false);
}

int vfs_rmdir(struct fs_context *fs, const struct path *base, const char *name)
{
    return remove(fs, base, name, true);
}

/* Whether `d` is `top` or lies below it. */
static bool is_below(const struct dentry *d, const struct dentry *top)
{
    while (d && d != top)
        d = d->parent;
    return d != NULL;
}

static int check_rename(const struct walk *o, const struct walk *n, bool target,
                        u32 flags)
{
    struct dentry *d = o->found.dentry, *t = target ? n->found.dentry : NULL;
    int err;

    if (o->last_len == 0 || n->last_len == 0 || d == o->found.mnt->root)
        return -EBUSY;
    if (o->parent.mnt != n->parent.mnt)
        return -EXDEV;
    if (!d->kept || n->parent.dentry->dead)
        return !d->kept ? -EPERM : -ENOENT;
    if (target && (flags & RENAME_NOREPLACE))
        return -EEXIST;
    if (!target && (flags & RENAME_EXCHANGE))
        return -ENOENT;
    if (flags & RENAME_EXCHANGE ? n->slash && !S_ISDIR(t->inode->mode)
                                : n->slash && !S_ISDIR(d->inode->mode))
        return -ENOTDIR;
    if (o->slash && !S_ISDIR(d->inode->mode))
        return -ENOTDIR;
    if (S_ISDIR(d->inode->mode) && is_below(n->parent.dentry, d))
        return -EINVAL;
    if (target && is_below(o->parent.dentry, t) && t != d)
        return flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
    if (d->mounted || (t && t->mounted))
        return -EBUSY;
    if (!target || t == d || t->inode == d->inode || (flags & RENAME_EXCHANGE))
        return 0;
    err = may_remove(t, S_ISDIR(d->inode->mode));
    return err;
}

static void move_name(struct dentry *d, struct dentry *to, const char *name, size_t len)
{
    if (S_ISDIR(d->inode->mode)) {
        d->parent->inode->nlink--;
        to->inode->nlink++;
    }
    touch_dir(d->parent->inode);
    touch_dir(to->inode);
    d->inode->ctime_ns = fs_now();
    dentry_move(d, to, name, len);
}

int vfs_rename(struct fs_context *fs, const struct path *obase, const char *oname,
               const struct path *nbase, const char *nname, u32 flags)
{
    struct walk o, n = {0};
    int err;

    if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) ||
        flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
        return -EINVAL;
    mutex_lock(&vfs_tree_lock);
    err = walk_path(fs, obase, oname, WALK_NAME, &o);
    if (!err) {
        bool target;

        err = walk_path(fs, nbase, nname, WALK_NAME, &n);
        target = err == 0;
        if (target || (err == -ENOENT && n.parent.dentry && n.last_len))
            err = check_rename(&o, &n, target, flags);
        if (!err && target && (flags & RENAME_EXCHANGE)) {
            move_name(n.found.dentry, o.parent.dentry, o.last, o.last_len);
            move_name(o.found.dentry, n.parent.dentry, n.last, n.last_len);
        } else if (!err && !(target && n.found.dentry->inode == o.found.dentry->inode)) {
            if (target)
                name_remove(n.found.dentry);
            move_name(o.found.dentry, n.parent.dentry, n.last, n.last_len);
        }
    }
    mutex_unlock(&vfs_tree_lock);
    walk_end(&o);
    walk_end(&n);
    return err;
}
