/* SPDX-License-Identifier: MIT
 *
 * From names to paths: components, "..", mounts, symbolic links. The rest of the name lives
 * in one buffer; a link's target is put in front of it, so nesting costs no stack.
 */
#include "fs/namei.h"
#include "fs/dentry.h"
#include "fs/inode.h"
#include "fs/mount/mount.h"
#include "fs/perm.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/mount.h"
#include "lib/uapi/stat.h"
#include "mm/phys/slab.h"

void path_get(const struct path *p)
{
    if (p->mnt)
        __atomic_fetch_add(&p->mnt->refs, 1, __ATOMIC_RELAXED);
    if (p->dentry)
        dentry_get(p->dentry);
}

void path_put(struct path *p)
{
    if (p->dentry)
        dentry_put(p->dentry);
    if (p->mnt && unlikely(READ_ONCE(p->mnt->expiring)))
        WRITE_ONCE(p->mnt->expiring, false); /* it was used */
    if (p->mnt && __atomic_sub_fetch(&p->mnt->refs, 1, __ATOMIC_ACQ_REL) == 0)
        mount_bury(p->mnt);
    *p = (struct path){NULL, NULL};
}

/* Makes *p the path (mnt, dentry), giving back what it was. The new one is referenced. */
static void path_set(struct path *p, struct mount *mnt, struct dentry *dentry)
{
    struct path fresh = {mnt, dentry};

    path_get(&fresh);
    path_put(p);
    *p = fresh;
}

/* Down into whatever is mounted here. -EXDEV: it may not. */
static int cross_mounts(struct path *p, u32 flags)
{
    struct mount *m;

    while (p->dentry->mounted && (m = mount_on(p))) {
        if (flags & LOOKUP_NO_XDEV)
            return -EXDEV;
        path_set(p, m, m->root);
    }
    return 0;
}

/* The tree stands still during a walk: nothing but ".." itself can lead out of root. */
static int step_up(const struct path *root, struct path *p, u32 flags)
{
    struct path at = *p;

    while (at.dentry != root->dentry || at.mnt != root->mnt) {
        if (at.dentry != at.mnt->root) {
            if (at.mnt != p->mnt && (flags & LOOKUP_NO_XDEV))
                return -EXDEV;
            path_set(p, at.mnt, at.dentry->parent);
            return cross_mounts(p, flags);
        }
        if (!at.mnt->at.dentry)
            break;
        at = at.mnt->at;
    }
    return flags & LOOKUP_BENEATH ? -EXDEV : 0;
}

/* The child of *dir, referenced. */
static int child_of(const struct path *dir, const char *name, size_t len, u32 flags,
                    struct path *out)
{
    struct inode *ino = dir->dentry->inode, *child;
    struct dentry *d = dentry_find(dir->dentry, name, len);
    int err;

    if (dir->dentry->dead)
        return -ENOENT;
    if (unlikely(READ_ONCE(ino->ops)->fill) && (!d || (flags & WALK_NAME))) {
        if (!(flags & WALK_ALONE))
            return WALK_AGAIN;
        err = ino->ops->fill(dir->dentry, name, len, flags & WALK_NAME);
        if (err)
            return err;
        return (flags & WALK_NAME) || dentry_find(dir->dentry, name, len) ? WALK_AGAIN
                                                                          : -ENOENT;
    }
    if (!d && ino->ops->lookup) {
        err = ino->ops->lookup(ino, name, len, &child);
        if (err)
            return err;
        d = dentry_create(dir->dentry, name, len, child);
        if (!d) {
            inode_put(child);
            return -ENOMEM;
        }
        *out = (struct path){dir->mnt, d};
        __atomic_fetch_add(&dir->mnt->refs, 1, __ATOMIC_RELAXED);
        return 0;
    }
    if (!d)
        return -ENOENT;
    *out = (struct path){dir->mnt, d};
    path_get(out);
    err = cross_mounts(out, flags);
    if (unlikely(err))
        path_put(out);
    return err;
}

struct state {
    const struct fs_cred *cred;
    struct path root; /* of the caller when the walk began, or its base; referenced */
    struct walk *w;
    const char *rest; /* of the name, or in buf */
    char *buf;        /* 2 * PATH_MAX, from the first link on */
    unsigned links;
    u32 flags;
};

static int to_root(struct state *s)
{
    struct path *p = &s->w->found;

    if (s->flags & LOOKUP_BENEATH)
        return -EXDEV;
    if ((s->flags & LOOKUP_NO_XDEV) && p->mnt != s->root.mnt)
        return -EXDEV;
    path_set(p, s->root.mnt, s->root.dentry);
    return 0;
}

/* The object of a magic link, wherever it is. */
static int jump(struct state *s, struct inode *ino)
{
    struct path to;
    int err = ino->ops->follow(ino, &to);

    if (err)
        return err;
    if (s->flags & LOOKUP_NO_MAGICLINKS)
        err = -ELOOP;
    else if ((s->flags & LOOKUP_SCOPED) ||
             ((s->flags & LOOKUP_NO_XDEV) && to.mnt != s->w->found.mnt))
        err = -EXDEV;
    path_put(err ? &to : &s->w->found);
    if (!err)
        s->w->found = to;
    return err;
}

/* Puts the target of the link `at` before the rest of the name. The walk goes on from the
 * link's directory, or from the root. Magic links yield their object at once. */
static int follow_link(struct state *s, struct path *link)
{
    struct inode *ino = link->dentry->inode;
    char *target;
    ssize_t n;

    if (++s->links > SYMLOOP_MAX || (s->flags & LOOKUP_NO_SYMLINKS) ||
        (path_mount_flags(link) & MS_NOSYMFOLLOW))
        return -ELOOP;
    if (ino->ops->follow)
        return jump(s, ino);
    if (!ino->ops->readlink)
        return -EINVAL;
    if (!s->buf)
        s->buf = kmalloc(2 * PATH_MAX);
    target = s->buf ? kmalloc(PATH_MAX) : NULL;
    if (!target)
        return -ENOMEM;
    n = ino->ops->readlink(ino, target, PATH_MAX);
    vfs_accessed(link, ino);
    if (n > 0) {
        size_t left = strlen(s->rest);

        if ((size_t)n + 1 + left + 1 > 2 * PATH_MAX || (size_t)n >= PATH_MAX) {
            n = -ENAMETOOLONG;
        } else {
            memmove(s->buf + n + 1, s->rest, left + 1);
            memcpy(s->buf, target, (size_t)n);
            s->buf[n] = '/';
            if (!left)
                s->buf[n] = 0;
            s->rest = s->buf;
            if (target[0] == '/')
                n = to_root(s) ?: n;
        }
    }
    kfree(target);
    return n < 0 ? (int)n : n == 0 ? -ENOENT : 0;
}

/* Takes the next component off the rest: its start, length; whether it is the last. */
static const char *next_component(struct state *s, size_t *len, bool *last)
{
    const char *name;

    while (*s->rest == '/')
        s->rest++;
    name = s->rest;
    while (*s->rest && *s->rest != '/')
        s->rest++;
    *len = (size_t)(s->rest - name);
    if (*len)
        s->w->slash = *s->rest == '/';
    for (const char *p = s->rest;; p++) {
        if (*p == '/')
            continue;
        *last = *p == 0;
        return name;
    }
}

static void remember_last(struct walk *w, const char *name, size_t len)
{
    path_set(&w->parent, w->found.mnt, w->found.dentry);
    memcpy(w->last, name, len);
    w->last[len] = 0;
    w->last_len = len;
    w->dots = 0;
}

/* One component; s->w->found is the directory it is looked up in. */
static int step(struct state *s, const char *name, size_t len, bool last)
{
    struct walk *w = s->w;
    struct path child;
    int err;

    if (!S_ISDIR(w->found.dentry->inode->mode))
        return -ENOTDIR;
    err = inode_permission(s->cred, w->found.dentry->inode, MAY_EXEC);
    if (err)
        return err;
    if (len == 1 && name[0] == '.') {
        if (last) {
            remember_last(w, name, 0);
            w->dots = 1;
        }
        return 0;
    }
    if (len == 2 && name[0] == '.' && name[1] == '.') {
        if (last) {
            remember_last(w, name, 0);
            w->dots = 2;
        }
        return step_up(&s->root, &w->found, s->flags);
    }
    if (len > NAME_MAX)
        return -ENAMETOOLONG;
    if (last)
        remember_last(w, name, len);
    err = child_of(&w->found, name, len, last ? s->flags : s->flags & ~WALK_NAME, &child);
    if (err) {
        if (!last)
            path_put(&w->parent); /* not only the last one is missing */
        return err;
    }
    if (S_ISLNK(child.dentry->inode->mode) &&
        (!last || (w->slash && !(s->flags & WALK_NAME)) || (s->flags & LOOKUP_FOLLOW))) {
        pause_anyway(); /* each link can be a long way */
        if (last)
            err = dir_may_follow(s->cred, w->found.dentry->inode, child.dentry->inode);
        if (!err)
            err = follow_link(s, &child);
        path_put(&child);
        return err;
    }
    path_put(&w->found);
    w->found = child;
    return 0;
}

/* The base is the root as well. */
static int begin_scoped(const struct fs_context *fs, const struct path *base,
                        const char *name, struct state *s)
{
    if (base) {
        s->root = *base;
        path_get(&s->root);
    } else {
        fs_cwd(fs, &s->root);
    }
    s->w->found = s->root;
    path_get(&s->w->found);
    return name[0] == '/' && (s->flags & LOOKUP_BENEATH) ? -EXDEV : 0;
}

/* Takes the directory that the walk begins in. */
static int begin(const struct fs_context *fs, const struct path *base, const char *name,
                 struct state *s)
{
    if (s->flags & LOOKUP_SCOPED)
        return begin_scoped(fs, base, name, s);
    if (name[0] != '/' && !base) {
        fs_root_and_cwd(fs, &s->root, &s->w->found);
        return 0;
    }
    fs_root(fs, &s->root);
    s->w->found = name[0] == '/' ? s->root : *base;
    path_get(&s->w->found);
    return 0;
}

int walk_path(struct fs_context *fs, const struct path *base, const char *name, u32 flags,
              struct walk *w)
{
    REQUIRES(&vfs_tree_lock);
    struct state s = {.cred = fs->cred, .w = w, .flags = flags, .rest = name};
    size_t n = strnlen(name, PATH_MAX);
    int err;

    memset(w, 0,
           offsetof(struct walk, last) +
               1); /* a name as long as it may be is not cleared */
    if (n == 0)
        return -ENOENT;
    if (n >= PATH_MAX)
        return -ENAMETOOLONG;
    err = begin(fs, base, name, &s);
    while (!err) {
        const char *comp;
        size_t len;
        bool last;

        comp = next_component(&s, &len, &last);
        if (len == 0) {
            if (!w->parent.dentry) /* "/" alone */
                remember_last(w, "", 0);
            break;
        }
        err = step(&s, comp, len, last);
    }
    path_put(&s.root);
    kfree(s.buf);
    if (!err && ((flags & LOOKUP_DIRECTORY) || (w->slash && !(flags & WALK_NAME))) &&
        !S_ISDIR(w->found.dentry->inode->mode))
        err = -ENOTDIR;
    return err;
}

int walk_alone(struct fs_context *fs, const struct path *base, const char *name,
               u32 flags, struct walk *w)
{
    int err;

    while ((err = walk_path(fs, base, name, flags | WALK_ALONE, w)) == WALK_AGAIN)
        walk_end(w);
    return err;
}

void walk_end(struct walk *w)
{
    path_put(&w->found);
    path_put(&w->parent);
}

int vfs_lookup(struct fs_context *fs, const struct path *base, const char *name,
               u32 flags, struct path *out)
{
    struct walk w;
    int err;

    mutex_lock_shared(&vfs_tree_lock);
    err = walk_path(fs, base, name, flags, &w);
    if (unlikely(err == WALK_AGAIN)) {
        mutex_unlock(&vfs_tree_lock);
        walk_end(&w);
        mutex_lock(&vfs_tree_lock);
        err = walk_alone(fs, base, name, flags, &w);
    }
    if (!err) {
        *out = w.found;
        w.found = (struct path){NULL, NULL};
    }
    walk_end(&w);
    mutex_unlock(&vfs_tree_lock);
    mount_reap();
    return err;
}
