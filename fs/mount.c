/* SPDX-License-Identifier: MIT
 *
 * File system types and mounts, and the context of the first process.
 */
#include "fs/dentry.h"
#include "fs/hugetlbfs.h"
#include "lib/assert.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/stat.h"
#include "mm/slab.h"

SLAB_CACHE(mount_cache, "mount", struct mount);

static struct fs_type *types;
struct list vfs_mounts = LIST_INIT(vfs_mounts);

void vfs_register(struct fs_type *type)
{
    type->next = types;
    types = type;
}

static struct fs_type *find_type(const char *name)
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

/* Everything kept below a root goes away with its file system. */
static void drop_tree(struct dentry *top)
{
    struct dentry *d = top;

    while (d) {
        if (!list_empty(&d->children)) {
            d = list_entry(d->children.next, struct dentry, sibling);
            continue;
        }
        struct dentry *parent = d == top ? NULL : d->parent;

        if (d != top)
            dentry_unlink(d);
        d = parent;
    }
}

static void mount_destroy(struct mount *m)
{
    drop_tree(m->root);
    dentry_put(m->root);
    slab_free(&mount_cache, m);
}

static int mount_create(struct fs_type *type, struct mount **out)
{
    struct mount *m = slab_zalloc(&mount_cache);
    struct inode *root;
    int err;

    if (!m)
        return -ENOMEM;
    err = type->make_root(type, &root);
    if (err) {
        slab_free(&mount_cache, m);
        return err;
    }
    m->root = dentry_create(NULL, "", 0, root);
    if (!m->root) {
        inode_put(root);
        slab_free(&mount_cache, m);
        return -ENOMEM;
    }
    m->refs = 1;
    m->type = type;
    err = type->fill ? type->fill(m->root) : 0;
    if (err) {
        mount_destroy(m);
        return err;
    }
    *out = m;
    return 0;
}

int vfs_mount(struct fs_context *fs, const char *type_name, const char *name)
{
    struct fs_type *type = find_type(type_name);
    struct mount *m;
    struct walk w;
    int err;

    if (!type)
        return -ENODEV;
    err = mount_create(type, &m);
    if (err)
        return err;
    mutex_lock(&vfs_tree_lock);
    err = walk_path(fs, NULL, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &w);
    if (!err && !w.found.dentry->kept && w.found.dentry->parent)
        err = -EINVAL; /* a transient name cannot hold a mount */
    if (!err && !w.found.dentry->parent && w.found.dentry->mounted)
        err = -EBUSY;
    if (!err) {
        m->at = w.found;
        w.found = (struct path){NULL, NULL};
        m->at.dentry->mounted = m;
        list_add_tail(&vfs_mounts, &m->link);
    }
    walk_end(&w);
    mutex_unlock(&vfs_tree_lock);
    if (err)
        mount_destroy(m);
    return err;
}

int vfs_umount(struct fs_context *fs, const char *name)
{
    struct mount *m = NULL;
    struct walk w;
    int err;

    mutex_lock(&vfs_tree_lock);
    err = walk_path(fs, NULL, name, LOOKUP_FOLLOW, &w);
    if (!err) {
        m = w.found.mnt;
        if (w.found.dentry != m->root || !m->at.dentry)
            err = -EINVAL;
    }
    walk_end(&w);
    /* Only the mark of being mounted may be left. */
    if (!err && __atomic_load_n(&m->refs, __ATOMIC_ACQUIRE) != 1)
        err = -EBUSY;
    if (!err) {
        m->at.dentry->mounted = NULL;
        list_del(&m->link);
        path_put(&m->at);
    }
    mutex_unlock(&vfs_tree_lock);
    if (!err)
        mount_destroy(m);
    return err;
}

void vfs_for_each_mount(void (*visit)(const char *type, const struct path *at, void *arg),
                        void *arg)
{
    /* Without the lock while visiting: visitors ask for path texts. */
    struct mount *seen[32];
    struct list *pos;
    size_t n = 0;

    mutex_lock_shared(&vfs_tree_lock);
    list_for_each (pos, &vfs_mounts) {
        if (n < ARRAY_SIZE(seen)) {
            seen[n] = list_entry(pos, struct mount, link);
            __atomic_fetch_add(&seen[n++]->refs, 1, __ATOMIC_RELAXED);
        }
    }
    mutex_unlock(&vfs_tree_lock);
    for (size_t i = 0; i < n; i++) {
        struct path at = {seen[i], seen[i]->root};

        visit(seen[i]->type->name, &at, arg);
        __atomic_fetch_sub(&seen[i]->refs, 1, __ATOMIC_ACQ_REL);
    }
}

u64 vfs_mount_magic(const struct path *p)
{
    return p->mnt ? p->mnt->type->magic : 0;
}

void vfs_init(struct fs_context *fs)
{
    static struct fs_type tmpfs = {
        .name = "tmpfs", .magic = 0x01021994, .root_mode = 01777};
    struct mount *m;

    mutex_init(&vfs_tree_lock);
    tmpfs.make_root = ramfs_type.make_root;
    vfs_register(&ramfs_type);
    vfs_register(&tmpfs);
    vfs_register(&hugetlbfs_type);
    if (mount_create(&ramfs_type, &m) != 0)
        panic("no memory for the root file system");
    list_add_tail(&vfs_mounts, &m->link);
    fs->root = (struct path){m, m->root};
    fs->cwd = fs->root;
    fs->umask = 022;
    fs->cred = (struct fs_cred){.caps = ~0ul};
    path_get(&fs->root);
    path_get(&fs->cwd);
}

int fs_context_copy(struct fs_context *to, const struct fs_context *from)
{
    *to = *from;
    path_get(&to->root);
    path_get(&to->cwd);
    return 0;
}

void fs_context_fini(struct fs_context *fs)
{
    path_put(&fs->root);
    path_put(&fs->cwd);
}
