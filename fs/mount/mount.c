/* SPDX-License-Identifier: MIT
 *
 * File system types, instances of them, and the set of mounts. The calls that change it are
 * in fs/mount/mount_calls.c.
 */
#include "fs/mount/mount.h"
#include "fs/dentry.h"
#include "fs/hugetlb/hugetlbfs.h"
#include "fs/inode.h"
#include "fs/mount/mount_tree.h"
#include "fs/mount/options.h"
#include "fs/namei.h"
#include "fs/ramfs/ramfs.h"
#include "fs/ramfs/tmpfs.h"
#include "fs/wallclock.h"
#include "lib/assert.h"
#include "lib/pause.h"
#include "lib/spinlock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/mount.h"
#include "lib/uapi/stat.h"
#include "mm/phys/account.h"
#include "mm/phys/slab.h"

SLAB_CACHE(mount_cache, "mount", struct mount);
SLAB_CACHE(super_cache, "super", struct super);

static struct fs_type *types;
struct list vfs_mounts = LIST_INIT(vfs_mounts);

static spinlock_t dead_lock;
static struct mount *dead; /* linked by next_here */

void vfs_register(struct fs_type *type)
{
    type->next = types;
    types = type;
}

struct fs_type *fs_type_find(const char *name)
{
    struct fs_type *t = types;

    while (t && strcmp(t->name, name) != 0)
        t = t->next;
    return t;
}

void vfs_for_each_type(void (*visit)(const struct fs_type *type, void *arg), void *arg)
{
    for (struct fs_type *t = types; t; t = t->next)
        visit(t, arg);
}

/* ---- instances ---- */

/* Everything kept below a root goes away with its file system. */
static void drop_tree(struct dentry *top)
{
    struct dentry *d = top;

    while (d) {
        pause_anyway();
        if (dentry_has_children(d)) {
            d = dentry_child(d, 0);
            continue;
        }
        struct dentry *parent = d == top ? NULL : d->parent;

        if (d != top)
            dentry_unlink(d);
        d = parent;
    }
}

static void super_destroy(struct super *s)
{
    if (s->root) {
        mutex_lock(&vfs_tree_lock);
        drop_tree(s->root);
        mutex_unlock(&vfs_tree_lock);
        dentry_put(s->root);
    }
    if (s->type->drop)
        s->type->drop(s);
    quota_put(s->quota);
    slab_free(&super_cache, s);
}

static int super_make_root(struct super *s)
{
    struct inode *root;
    int err = s->type->make_root(s->type, &root);

    if (err)
        return err;
    err = inode_charge(root, s->quota);
    root->super = s;
    s->root = err ? NULL : dentry_create(NULL, "", 0, root);
    if (!s->root) {
        inode_put(root);
        return err ? err : -ENOMEM;
    }
    return 0;
}

int super_create(const struct fs_type *type, const char *source, char *options, u32 flags,
                 struct super **out)
{
    struct super *s = slab_zalloc(&super_cache);
    int err;

    if (!s)
        return -ENOMEM;
    s->quota = quota_create();
    if (!s->quota) {
        slab_free(&super_cache, s);
        return -ENOMEM;
    }
    quota_set_default(s->quota);
    s->type = type;
    s->refs = 1;
    s->flags = flags;
    s->first_mode = type->root_mode;
    str_copy(s->source, source, sizeof(s->source));
    err = super_make_root(s);
    if (!err)
        err = super_configure(s, options, false);
    if (!err && type->fill)
        err = type->fill(s->root);
    if (err)
        super_destroy(s);
    else
        *out = s;
    return err;
}

/* A type without options takes only an empty text. */
int super_configure(struct super *s, char *options, bool remount)
{
    char *key, *value;

    if (s->type->configure)
        return s->type->configure(s, options, remount);
    return option_next(&options, &key, &value) ? -EINVAL : 0;
}

void super_put(struct super *s)
{
    if (__atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) == 0)
        super_destroy(s);
}

/* ---- mounts ---- */

u32 mounts_max = 100000;
static u32 nmounts; /* atomic */

int mount_create(struct super *s, struct dentry *root, u32 flags, struct mount **out)
{
    static u32 last_id; /* atomic */
    bool over = __atomic_add_fetch(&nmounts, 1, __ATOMIC_RELAXED) > READ_ONCE(mounts_max);
    struct mount *m = over ? NULL : slab_zalloc(&mount_cache);

    if (!m) {
        __atomic_fetch_sub(&nmounts, 1, __ATOMIC_RELAXED);
        return over ? -ENOSPC : -ENOMEM;
    }
    __atomic_fetch_add(&s->refs, 1, __ATOMIC_RELAXED);
    dentry_get(root);
    m->refs = 1;
    m->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
    m->flags = flags;
    m->super = s;
    m->root = root;
    list_init(&m->link);
    *out = m;
    return 0;
}

void mount_destroy(struct mount *m)
{
    dentry_put(m->root);
    super_put(m->super);
    slab_free(&mount_cache, m);
    __atomic_fetch_sub(&nmounts, 1, __ATOMIC_RELAXED);
}

void mount_bury(struct mount *m)
{
    irqflags_t flags = spin_lock_irq(&dead_lock);

    m->next_here = dead;
    dead = m;
    spin_unlock_irq(&dead_lock, flags);
}

void mount_reap(void)
{
    while (unlikely(READ_ONCE(dead))) {
        irqflags_t flags = spin_lock_irq(&dead_lock);
        struct mount *m = dead;

        if (m)
            dead = m->next_here;
        spin_unlock_irq(&dead_lock, flags);
        if (m)
            mount_destroy(m);
    }
}

struct mount *mount_on(const struct path *p)
{
    struct mount *m = p->dentry->mounted;

    while (m && m->at.mnt != p->mnt)
        m = m->next_here;
    return m;
}

u64 vfs_mount_changes;
struct waitq vfs_mount_events;

void mount_changed(void)
{
    __atomic_fetch_add(&vfs_mount_changes, 1, __ATOMIC_RELEASE);
    waitq_wake_all(&vfs_mount_events);
}

/* The list is in order of numbers: a new mount comes last, only a moved one may not. */
static void list_mount(struct mount *m)
{
    struct list *pos = vfs_mounts.prev;

    while (pos != &vfs_mounts && list_entry(pos, struct mount, link)->id > m->id)
        pos = pos->prev;
    list_add(pos, &m->link);
}

void mount_attach(struct mount *m, const struct path *at)
{
    m->at = *at;
    path_get(&m->at);
    m->next_here = at->dentry->mounted;
    at->dentry->mounted = m;
    list_mount(m);
    mount_changed();
}

void mount_unhook(struct mount *m)
{
    struct mount **at = &m->at.dentry->mounted;

    while (*at != m)
        at = &(*at)->next_here;
    *at = m->next_here;
    m->next_here = NULL;
    path_put(&m->at);
    list_del(&m->link);
    list_init(&m->link);
    mount_changed();
}

/* ---- what others ask ---- */

void vfs_for_each_mount(void (*visit)(const struct mount_info *info, void *arg),
                        void *arg)
{
    /* Without the lock while visiting, because visitors ask for texts of paths: the next is
     * always the one with the next higher number. */
    struct path seen = {NULL, NULL};
    u32 last = 0;

    for (;;) {
        struct mount *next = NULL;
        struct mount_info info;
        struct list *pos = &vfs_mounts;

        mutex_lock_shared(&vfs_tree_lock);
        if (seen.mnt && !list_empty(&seen.mnt->link))
            pos = &seen.mnt->link; /* it is still there: on from it */
        while (!next && (pos = pos->next) != &vfs_mounts)
            if (list_entry(pos, struct mount, link)->id > last)
                next = list_entry(pos, struct mount, link);
        if (next) {
            const struct super *s = next->super;

            info = (struct mount_info){.id = next->id,
                                       .parent = next->at.mnt ? next->at.mnt->id : 0,
                                       .flags = next->flags,
                                       .super_flags = s->flags,
                                       .dev = s->root->inode->dev,
                                       .type = s->type,
                                       .super = s,
                                       .source = s->source,
                                       .at = {next, next->root}};
            path_get(&info.at);
        }
        mutex_unlock(&vfs_tree_lock);
        path_put(&seen);
        mount_reap();
        if (!next)
            break;
        seen = info.at;
        last = next->id;
        visit(&info, arg);
        pause_anyway();
    }
}

u64 vfs_mount_magic(const struct path *p)
{
    return p->mnt ? p->mnt->super->type->magic : 0;
}

u32 path_mount_flags(const struct path *p)
{
    if (!p->mnt)
        return 0;
    return READ_ONCE(p->mnt->flags) | READ_ONCE(p->mnt->super->flags);
}

int path_may_change(const struct path *p)
{
    return path_mount_flags(p) & MS_RDONLY ? -EROFS : 0;
}

/* The one who makes a mount read-only sets its flags and then looks at `writers`. */
int path_begin_change(const struct path *p)
{
    int err;

    if (!p->mnt)
        return 0;
    __atomic_fetch_add(&p->mnt->writers, 1, __ATOMIC_SEQ_CST);
    err = path_may_change(p);
    if (err)
        path_end_change(p);
    return err;
}

void path_end_change(const struct path *p)
{
    if (p->mnt)
        __atomic_fetch_sub(&p->mnt->writers, 1, __ATOMIC_SEQ_CST);
}

void vfs_init(struct fs_context *fs)
{
    static const struct fs_cred first_cred = {.caps = ~0ul};
    static struct fs_dirs first_dirs; /* always used by the system's own context */
    struct super *s;
    struct mount *m;

    wall_start();
    mutex_init(&vfs_tree_lock);
    waitq_init(&vfs_mount_events);
    vfs_register(&ramfs_type);
    vfs_register(&tmpfs_type);
    vfs_register(&hugetlbfs_type);
    if (super_create(&ramfs_type, "rootfs", (char[1]){""}, 0, &s) != 0 ||
        mount_create(s, s->root, MS_RELATIME, &m) != 0)
        panic("no memory for the root file system");
    s->quota->max_pages = s->quota->max_inodes = QUOTA_NONE; /* until it is unpacked */
    super_put(s);
    list_add_tail(&vfs_mounts, &m->link);
    first_dirs.refs = 1;
    fs->dirs = &first_dirs;
    fs->dirs->root = (struct path){m, m->root};
    fs->dirs->cwd = fs->dirs->root;
    fs->dirs->umask = 022;
    fs->cred = &first_cred;
    path_get(&fs->dirs->root);
    path_get(&fs->dirs->cwd);
}

void vfs_limit_root(const struct fs_context *fs)
{
    tmpfs_limit_root(fs->dirs->root.mnt->super);
}
