/* SPDX-License-Identifier: MIT
 *
 * Calls that change names: create, link, unlink, rename. Each walks and changes under the
 * exclusive vfs_tree_lock; objects whose last name goes are destroyed after it is released,
 * when the last path to them is put.
 */
#include "fs/names.h"
#include "fs/inode.h"
#include "fs/mount/mount.h"
#include "fs/namei.h"
#include "fs/open.h"
#include "fs/perm.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/stat.h"
#include "mm/phys/account.h"

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
    inode_touch(dir);
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
    int err = walk_alone(fs, base, name, WALK_NAME, w);

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
    if (!w->parent.dentry->inode->ops->create)
        return -ENOENT;
    err = path_may_change(&w->parent);
    return err ? err : dir_may_add(fs->cred, w->parent.dentry->inode);
}

enum make { MAKE_NODE, MAKE_DIR, MAKE_LINK };

/* out (may be NULL): the new name, referenced. */
static int make_path(struct fs_context *fs, const struct path *base, const char *name,
                     enum make kind, u32 mode, u64 rdev, const char *target,
                     struct path *out)
{
    struct inode *dir, *ino;
    struct walk w;
    int err;

    mutex_lock(&vfs_tree_lock);
    err = walk_new(fs, base, name, kind == MAKE_DIR, &w);
    if (!err && ((S_ISCHR(mode) && rdev != 0) || S_ISBLK(mode)) &&
        !cred_capable(fs->cred, CAP_MKNOD))
        err = -EPERM; /* the character device 0:0, which is none, is anybody's */
    if (!err) {
        dir = w.parent.dentry->inode;
        err = kind == MAKE_LINK ? dir->ops->symlink(dir, target, &ino)
                                : dir->ops->create(dir, w.last, mode, rdev, &ino);
    }
    if (!err) {
        inode_init_owner(fs->cred, dir, ino);
        err = name_add(&w, ino, out ? &out->dentry : NULL);
        if (err)
            inode_put(ino);
    }
    if (!err && out) {
        out->mnt = w.parent.mnt;
        path_get(&(struct path){out->mnt, NULL});
    }
    walk_end(&w);
    mutex_unlock(&vfs_tree_lock);
    return err;
}

static int make(struct fs_context *fs, const struct path *base, const char *name,
                enum make kind, u32 mode, u64 rdev, const char *target)
{
    return make_path(fs, base, name, kind, mode, rdev, target, NULL);
}

int vfs_mksock(struct fs_context *fs, const char *name, struct path *out)
{
    return make_path(fs, NULL, name, MAKE_NODE, S_IFSOCK | (0777 & ~fs_umask(fs)), 0,
                     NULL, out);
}

int vfs_may_mknod(u32 mode)
{
    switch (mode & S_IFMT) {
    case 0: /* a regular file */
    case S_IFREG:
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
    case S_IFSOCK:
        return 0;
    default:
        return S_ISDIR(mode) ? -EPERM : -EINVAL;
    }
}

int vfs_mknod(struct fs_context *fs, const struct path *base, const char *name, u32 mode,
              u64 rdev)
{
    int err = vfs_may_mknod(mode);

    if (err)
        return err;
    if (!(mode & S_IFMT))
        mode |= S_IFREG;
    return make(fs, base, name, MAKE_NODE,
                (mode & S_IFMT) | (mode & 07777 & ~fs_umask(fs)), rdev, NULL);
}

int vfs_mkdir(struct fs_context *fs, const struct path *base, const char *name, u32 mode)
{
    return make(fs, base, name, MAKE_DIR, S_IFDIR | (mode & 01777 & ~fs_umask(fs)), 0,
                NULL);
}

int vfs_symlink(struct fs_context *fs, const struct path *base, const char *name,
                const char *target)
{
    if (!*target)
        return -ENOENT;
    return make(fs, base, name, MAKE_LINK, 0, 0, target);
}

/* A further name of ino, which costs as much as an inode; the first of an O_TMPFILE does not. */
static int name_another(struct walk *w, struct inode *ino)
{
    struct quota *q = ino->nlink ? ino->quota : NULL;
    int err;

    if (q && !quota_charge_inode(q))
        return -ENOSPC;
    inode_get(ino);
    err = name_add(w, ino, NULL);
    if (!err) {
        ino->nlink++;
        ino->linkable = false;
        return 0;
    }
    if (q)
        quota_uncharge_inodes(q, 1);
    inode_put(ino);
    return err;
}

int vfs_link(struct fs_context *fs, const struct path *from, const struct path *base,
             const char *name)
{
    struct inode *ino = from->dentry->inode;
    struct walk w;
    int err;

    mutex_lock(&vfs_tree_lock);
    err = walk_new(fs, base, name, false, &w);
    if (!err && (!from->mnt || w.parent.mnt != from->mnt))
        err = -EXDEV;
    if (!err && S_ISDIR(ino->mode))
        err = -EPERM;
    if (!err)
        err = inode_may_link(fs->cred, ino);
    if (!err && ino->nlink == 0 && !ino->linkable)
        err = -ENOENT;
    if (!err)
        err = name_another(&w, ino);
    if (!err)
        inode_named(ino, w.parent.dentry->inode, w.parent.dentry->inode);
    walk_end(&w);
    mutex_unlock(&vfs_tree_lock);
    return err;
}

/* The name w->found loses its entry. */
void name_remove(struct dentry *d)
{
    struct inode *ino = d->inode, *dir = d->parent->inode;

    if (S_ISDIR(ino->mode)) {
        ino->nlink -= 2;
        dir->nlink--;
    } else {
        if (ino->quota && ino->nlink > 1)
            quota_uncharge_inodes(ino->quota, 1);
        ino->nlink--;
    }
    inode_named(ino, dir, dir);
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
    return is_dir && dentry_has_children(d) ? -ENOTEMPTY : 0;
}

static int remove(struct fs_context *fs, const struct path *base, const char *name,
                  bool directory)
{
    struct walk w;
    int err;

    mutex_lock(&vfs_tree_lock);
    err = walk_alone(fs, base, name, WALK_NAME, &w);
    if (!err && w.last_len == 0) /* "." is invalid, ".." is never empty, "/" is busy */
        err = !directory ? -EISDIR : w.dots == 2 ? -ENOTEMPTY : w.dots ? -EINVAL : -EBUSY;
    if (w.last_len && w.parent.dentry && path_may_change(&w.parent) != 0)
        err = -EROFS;
    if (!err && w.found.dentry == w.found.mnt->root)
        err = -EBUSY;
    if (!err && w.slash && !directory)
        err = S_ISDIR(w.found.dentry->inode->mode) ? -EISDIR : -ENOTDIR;
    if (!err)
        err = dir_may_remove(fs->cred, w.parent.dentry->inode, w.found.dentry->inode);
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
    for (; d && d != top; d = d->parent)
        pause_anyway();
    return d != NULL;
}

/* What is asked of two names whose parents are known, before either is looked up. */
static int check_places(const struct walk *o, const struct walk *n, u32 flags)
{
    if (o->parent.mnt != n->parent.mnt)
        return -EXDEV;
    if (o->last_len == 0)
        return -EBUSY;
    if (n->last_len == 0)
        return flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
    return path_may_change(&o->parent);
}

/* The rights a rename needs. A directory that gets another parent is itself written: its
 * ".." changes. */
static int may_rename(const struct fs_cred *c, const struct walk *o, const struct walk *n,
                      const struct dentry *t, bool exchange)
{
    struct inode *from = o->parent.dentry->inode, *to = n->parent.dentry->inode;
    struct inode *ino = o->found.dentry->inode;
    int err = dir_may_remove(c, from, ino);

    if (!err)
        err = t ? dir_may_remove(c, to, t->inode) : dir_may_add(c, to);
    if (!err && from != to && S_ISDIR(ino->mode))
        err = inode_permission(c, ino, MAY_WRITE);
    if (!err && from != to && exchange && S_ISDIR(t->inode->mode))
        err = inode_permission(c, t->inode, MAY_WRITE);
    return err;
}

/* t: what has the new name already, or NULL. */
static int check_rename(const struct fs_cred *c, const struct walk *o,
                        const struct walk *n, struct dentry *t, u32 flags)
{
    struct dentry *d = o->found.dentry;
    bool dir = S_ISDIR(d->inode->mode), exchange = flags & RENAME_EXCHANGE;
    int err = 0;

    if (d == o->found.mnt->root || (t && t == n->found.mnt->root))
        return -EBUSY;
    if (!d->kept || n->parent.dentry->dead)
        return !d->kept ? -EPERM : -ENOENT;
    if (t && (flags & RENAME_NOREPLACE))
        return -EEXIST;
    if (!t && exchange)
        return -ENOENT;
    if (exchange && n->slash && !S_ISDIR(t->inode->mode))
        return -ENOTDIR;
    if (!dir && (o->slash || (n->slash && !exchange)))
        return -ENOTDIR;
    if (dir && is_below(n->parent.dentry, d))
        return -EINVAL;
    if (t && is_below(o->parent.dentry, t) && t != d)
        return exchange ? -EINVAL : -ENOTEMPTY;
    if (!t || t->inode != d->inode)
        err = may_rename(c, o, n, t, exchange);
    if (err)
        return err;
    if (d->mounted || (t && t->mounted))
        return -EBUSY;
    if (!t || t == d || t->inode == d->inode || exchange)
        return 0;
    return may_remove(t, dir);
}

static void move_name(struct dentry *d, struct dentry *to, const char *name, size_t len)
{
    if (S_ISDIR(d->inode->mode)) {
        d->parent->inode->nlink--;
        to->inode->nlink++;
    }
    inode_named(d->inode, d->parent->inode, to->inode);
    dentry_move(d, to, name, len);
}

/* As Linux: both parents first, then where the names stand, then what they are. WALK_AGAIN: names
 * came in the second walk, and what the first one found may not be true any more. */
static int rename_names(struct fs_context *fs, const struct path *obase,
                        const char *oname, const struct path *nbase, const char *nname,
                        u32 flags, struct walk *o, struct walk *n)
{
    int old = walk_alone(fs, obase, oname, WALK_NAME, o), new, err;
    struct dentry *d, *t;

    if (!o->parent.dentry)
        return old;
    new = walk_path(fs, nbase, nname, WALK_NAME | WALK_ALONE, n);
    if (!n->parent.dentry || new == WALK_AGAIN)
        return new;
    err = check_places(o, n, flags);
    if (!err)
        err = old;
    if (!err && new != -ENOENT)
        err = new;
    if (err)
        return err;
    d = o->found.dentry;
    t = new == 0 ? n->found.dentry : NULL;
    err = check_rename(fs->cred, o, n, t, flags);
    if (err || (t && t->inode == d->inode && (t == d || !(flags & RENAME_EXCHANGE))))
        return err;
    if (flags & RENAME_EXCHANGE)
        move_name(t, o->parent.dentry, o->last, o->last_len);
    else if (t)
        name_remove(t);
    move_name(d, n->parent.dentry, n->last, n->last_len);
    if (t) /* one call, one moment */
        WRITE_ONCE(t->inode->ctime_ns, d->inode->ctime_ns);
    return 0;
}

int vfs_rename(struct fs_context *fs, const struct path *obase, const char *oname,
               const struct path *nbase, const char *nname, u32 flags)
{
    int err;

    do {
        struct walk o, n = {0};

        mutex_lock(&vfs_tree_lock);
        err = rename_names(fs, obase, oname, nbase, nname, flags, &o, &n);
        mutex_unlock(&vfs_tree_lock);
        walk_end(&o);
        walk_end(&n);
    } while (err == WALK_AGAIN);
    return err;
}
