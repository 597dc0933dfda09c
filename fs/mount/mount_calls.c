/* SPDX-License-Identifier: MIT
 *
 * mount(2) and umount2(2): new file systems, bind mounts, remounts, moves. Propagation
 * between mounts does not exist, so every mount is what MS_PRIVATE asks for.
 */
#include "fs/mount/mount_calls.h"
#include "fs/dentry.h"
#include "fs/mount/mount.h"
#include "fs/mount/mount_tree.h"
#include "fs/namei.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/mount.h"
#include "lib/uapi/stat.h"

#define PROPAGATION (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)

/* The flags of a mount as mount(2) gives them; times relative unless told otherwise. */
static u32 mount_flags(u32 flags)
{
    if (!(flags & (MS_NOATIME | MS_STRICTATIME)))
        flags |= MS_RELATIME;
    if (flags & (MS_NOATIME | MS_STRICTATIME))
        flags &= ~MS_RELATIME;
    if (flags & MS_STRICTATIME)
        flags &= ~MS_NOATIME;
    return flags & MOUNT_FLAGS;
}

/* Down to what is mounted here last. vfs_tree_lock. */
static void to_top(struct path *p)
{
    struct mount *m;

    while ((m = mount_on(p))) {
        struct path up = {m, m->root};

        path_get(&up);
        path_put(p);
        *p = up;
    }
}

/* Whether m is below `top` in the tree of mounts, or is it. */
static bool mount_is_below(const struct mount *m, const struct mount *top)
{
    while (m && m != top)
        m = m->at.mnt;
    return m != NULL;
}

static bool mount_is_attached(const struct mount *m)
{
    return m->at.dentry || list_entry(vfs_mounts.next, struct mount, link) == m;
}

static bool name_is_below(const struct dentry *d, const struct dentry *top)
{
    while (d && d != top)
        d = d->parent;
    return d != NULL;
}

/* Whether something can be mounted at p. vfs_tree_lock. */
static int check_place(const struct path *p, bool directory)
{
    if (directory != S_ISDIR(p->dentry->inode->mode))
        return -ENOTDIR;
    if (p->dentry->dead)
        return -ENOENT;
    if (!p->mnt || !mount_is_attached(p->mnt))
        return -EINVAL;
    /* A name that is made at each look-up cannot hold a mount. */
    return !p->dentry->kept && p->dentry->parent ? -EINVAL : 0;
}

/* ---- new file systems ---- */

static int mount_new(struct path *at, const struct mount_args *a)
{
    struct fs_type *type;
    struct super *s;
    struct mount *m;
    int err;

    if (!a->type)
        return -EINVAL;
    type = fs_type_find(a->type);
    if (!type)
        return -ENODEV;
    err = super_create(type, a->source ? a->source : "none", a->options,
                       a->flags & SUPER_FLAGS, &s);
    if (err)
        return err;
    err = mount_create(s, s->root, mount_flags(a->flags), &m);
    super_put(s);
    if (err)
        return err;
    mutex_lock(&vfs_tree_lock);
    to_top(at);
    err = check_place(at, true);
    if (!err)
        mount_attach(m, at);
    mutex_unlock(&vfs_tree_lock);
    if (err)
        mount_destroy(m);
    return err;
}

/* ---- bind mounts ---- */

/* Copies the mounts below `from` (seen from from->mnt, whose copy is set) as far as they lie
 * in its part of the tree. Parents are copied before children, in as many rounds as that
 * takes. vfs_tree_lock exclusive. */
static int copy_below(const struct path *from)
{
    bool again = true;

    while (again) {
        struct list *pos;

        again = false;
        list_for_each (pos, &vfs_mounts) {
            struct mount *m = list_entry(pos, struct mount, link), *parent = m->at.mnt;
            struct path at;
            int err;

            pause_anyway();
            if (m->copy || !parent || !parent->copy || parent->copy == parent ||
                (parent == from->mnt && !name_is_below(m->at.dentry, from->dentry)))
                continue;
            err = mount_create(m->super, m->root, m->flags, &m->copy);
            if (err)
                return err;
            /* A copy is not copied again. */
            m->copy->copy = m->copy;
            at = (struct path){parent->copy, m->at.dentry};
            mount_attach(m->copy, &at);
            again = true;
        }
    }
    return 0;
}

/* Takes `top` and all that is mounted below it out of the tree. Children go first, for they
 * hold their parents. vfs_tree_lock exclusive. */
static void detach_tree(struct mount *top)
{
    struct mount *m, *up, *child = top;

    do {
        struct list *pos;

        pause_anyway();

        do {
            m = child;
            child = NULL;
            list_for_each (pos, &vfs_mounts) {
                struct mount *other = list_entry(pos, struct mount, link);

                pause_anyway();
                if (other->at.mnt == m)
                    child = other;
            }
        } while (child);
        up = m->at.mnt;
        mount_unhook(m);
        if (__atomic_sub_fetch(&m->refs, 1, __ATOMIC_ACQ_REL) == 0)
            mount_bury(m);
        child = up;
    } while (m != top);
}

/* Does `act` with what source stands for. */
static int with_source(struct fs_context *fs, struct path *at, const struct mount_args *a,
                       int (*act)(const struct path *from, const struct path *at,
                                  u32 flags))
{
    struct path from;
    int err;

    if (!a->source || !*a->source)
        return -EINVAL;
    err = vfs_lookup(fs, NULL, a->source, LOOKUP_FOLLOW, &from);
    if (err)
        return err;
    mutex_lock(&vfs_tree_lock);
    to_top(at);
    err = act(&from, at, a->flags);
    mutex_unlock(&vfs_tree_lock);
    path_put(&from);
    return err;
}

/* What `from` stands for, shown at `at` too; with MS_REC all that is mounted below it. */
static int mount_bind(const struct path *from, const struct path *at, u32 flags)
{
    struct list *pos;
    struct mount *m;
    int err = !from->mnt || !mount_is_attached(from->mnt) ? -EINVAL
              : from->dentry->dead                        ? -ENOENT
                                                          : 0;

    if (!err)
        err = check_place(at, S_ISDIR(from->dentry->inode->mode));
    if (!err)
        err = mount_create(from->mnt->super, from->dentry, from->mnt->flags, &m);
    if (err)
        return err;
    mount_attach(m, at);
    from->mnt->copy = m;
    m->copy = m;
    if (flags & MS_REC)
        err = copy_below(from);
    if (err)
        detach_tree(m);
    list_for_each (pos, &vfs_mounts) {
        list_entry(pos, struct mount, link)->copy = NULL;
        pause_anyway();
    }
    return err;
}

/* ---- changes ---- */

/* Whether a file is open for writing through m, or (m NULL) through any mount of s. */
static bool is_written(const struct super *s, const struct mount *m)
{
    struct list *pos;

    list_for_each (pos, &vfs_mounts) {
        struct mount *other = list_entry(pos, struct mount, link);

        pause_anyway();
        if (other->super == s && (!m || other == m) &&
            __atomic_load_n(&other->writers, __ATOMIC_SEQ_CST))
            return true;
    }
    return false;
}

/* Readers of flags look after they have counted themselves as writers, so they are set first
 * and put back when somebody writes. */
static int remount(struct path *at, const struct mount_args *a)
{
    const u32 times = MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME;
    struct mount *m = at->mnt;
    struct super *s = m->super;
    u32 old, old_super, flags = mount_flags(a->flags);
    bool whole = !(a->flags & MS_BIND);
    int err = 0;

    if (at->dentry != m->root)
        return -EINVAL;
    mutex_lock(&vfs_tree_lock);
    old = m->flags;
    old_super = s->flags;
    if (!(a->flags & times))
        flags = (flags & ~times) | (old & times);
    __atomic_store_n(&m->flags, flags, __ATOMIC_SEQ_CST);
    if (whole)
        __atomic_store_n(&s->flags, a->flags & SUPER_FLAGS, __ATOMIC_SEQ_CST);
    if (whole ? (s->flags & ~old_super & MS_RDONLY) : (flags & ~old & MS_RDONLY))
        err = is_written(s, whole ? NULL : m) ? -EBUSY : 0;
    if (!err && whole)
        err = super_configure(s, a->options, true);
    if (err) {
        WRITE_ONCE(m->flags, old);
        WRITE_ONCE(s->flags, old_super);
    } else {
        mount_changed();
    }
    mutex_unlock(&vfs_tree_lock);
    return err;
}

static int mount_move(const struct path *from, const struct path *at, u32 flags)
{
    int err;

    (void)flags;
    if (!from->mnt || from->dentry != from->mnt->root || !from->mnt->at.dentry)
        return -EINVAL;
    err = check_place(at, S_ISDIR(from->dentry->inode->mode));
    if (err)
        return err;
    if (mount_is_below(at->mnt, from->mnt))
        return -ELOOP;
    mount_unhook(from->mnt);
    mount_attach(from->mnt, at);
    return 0;
}

/* All mounts are private already: that may be said, the opposite is refused. */
static int set_propagation(const struct path *at, u32 flags)
{
    if (flags & ~(PROPAGATION | MS_REC | MS_SILENT) || at->dentry != at->mnt->root)
        return -EINVAL;
    return (flags & PROPAGATION) == MS_PRIVATE || (flags & PROPAGATION) == MS_SLAVE
               ? 0
               : -EINVAL;
}

int vfs_mount(struct fs_context *fs, struct path *at, const struct mount_args *a)
{
    int err;

    if (!at->mnt)
        err = -EINVAL;
    else if (a->flags & MS_REMOUNT)
        err = remount(at, a);
    else if (a->flags & MS_BIND)
        err = with_source(fs, at, a, mount_bind);
    else if (a->flags & PROPAGATION)
        err = set_propagation(at, a->flags);
    else if (a->flags & MS_MOVE)
        err = with_source(fs, at, a, mount_move);
    else
        err = mount_new(at, a);
    path_put(at);
    mount_reap();
    return err;
}

/* vfs_tree_lock exclusive; the caller holds one reference. */
static int check_umount(const struct fs_context *fs, struct mount *m, u32 flags)
{
    struct path root;
    bool is_root;

    fs_root(fs, &root);
    is_root = m == root.mnt;
    path_put(&root);
    if (!m->at.dentry || (is_root && !(flags & MNT_DETACH)))
        return m->at.dentry ? -EBUSY : -EINVAL;
    if (flags & MNT_DETACH)
        return 0;
    /* Only the mark of being mounted, and the caller's. */
    if (__atomic_load_n(&m->refs, __ATOMIC_ACQUIRE) != 2)
        return -EBUSY;
    return (flags & MNT_EXPIRE) && !READ_ONCE(m->expiring) ? -EAGAIN : 0;
}

int vfs_umount(struct fs_context *fs, struct path *at, u32 flags)
{
    struct mount *m;
    int err = -EINVAL;

    mutex_lock(&vfs_tree_lock);
    if (at->dentry)
        to_top(at); /* "." and ".." name what was there before the mount */
    m = at->mnt;
    if (m && at->dentry == m->root && mount_is_attached(m))
        err = check_umount(fs, m, flags);
    if (!err)
        detach_tree(m);
    path_put(at); /* the mount is used by that, so its mark comes after it */
    if (err == -EAGAIN)
        WRITE_ONCE(m->expiring, true);
    mutex_unlock(&vfs_tree_lock);
    mount_reap();
    return err;
}
