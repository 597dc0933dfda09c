/* SPDX-License-Identifier: MIT
 *
 * The tree of names and its hash.
 */
#include "fs/dentry.h"
#include "lib/string.h"
#include "mm/slab.h"

#define BUCKETS 1024u

SLAB_CACHE(dentry_cache, "dentry", struct dentry);

struct mutex vfs_tree_lock;
static struct dentry *buckets[BUCKETS];

/* FNV-1a over the name, mixed with the directory's address. */
static struct dentry **bucket(const struct dentry *parent, const char *name, size_t len)
{
    u64 h = 0xcbf29ce484222325ull ^ ((uintptr_t)parent >> 4);

    for (size_t i = 0; i < len; i++)
        h = (h ^ (u8)name[i]) * 0x100000001b3ull;
    return &buckets[(h ^ h >> 32) % BUCKETS];
}

static void set_name(struct dentry *d, const char *name, size_t len)
{
    memcpy(d->name, name, len);
    d->name[len] = 0;
    d->len = (u16)len;
}

struct dentry *dentry_create(struct dentry *parent, const char *name, size_t len,
                             struct inode *inode)
{
    struct dentry *d = slab_alloc(&dentry_cache);

    if (!d)
        return NULL;
    memset(d, 0, offsetof(struct dentry, name));
    d->refs = 1;
    d->inode = inode;
    d->parent = parent;
    d->next_cookie = 2; /* after . and .. */
    list_init(&d->children);
    list_init(&d->sibling);
    set_name(d, name, len);
    if (parent)
        dentry_get(parent);
    return d;
}

void dentry_get(struct dentry *d)
{
    __atomic_fetch_add(&d->refs, 1, __ATOMIC_RELAXED);
}

void dentry_put(struct dentry *d)
{
    /* Upwards without recursion: paths can be deep. */
    while (d && __atomic_sub_fetch(&d->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        struct dentry *parent = d->parent;

        inode_put(d->inode);
        slab_free(&dentry_cache, d);
        d = parent;
    }
}

static void hash_in(struct dentry *d)
{
    struct dentry **b = bucket(d->parent, d->name, d->len);

    d->hash_next = *b;
    *b = d;
    d->cookie = d->parent->next_cookie++;
    list_add_tail(&d->parent->children, &d->sibling);
}

static void hash_out(struct dentry *d)
{
    struct dentry **b = bucket(d->parent, d->name, d->len);

    while (*b != d)
        b = &(*b)->hash_next;
    *b = d->hash_next;
    list_del(&d->sibling);
}

void dentry_link(struct dentry *d)
{
    dentry_get(d);
    d->kept = true;
    hash_in(d);
}

void dentry_unlink(struct dentry *d)
{
    hash_out(d);
    d->kept = false;
    d->dead = true;
    dentry_put(d);
}

void dentry_move(struct dentry *d, struct dentry *parent, const char *name, size_t len)
{
    struct dentry *old = d->parent;

    hash_out(d);
    dentry_get(parent);
    d->parent = parent;
    set_name(d, name, len);
    hash_in(d);
    dentry_put(old);
}

struct dentry *dentry_find(const struct dentry *parent, const char *name, size_t len)
{
    struct dentry *d = *bucket(parent, name, len);

    while (d &&
           !(d->parent == parent && d->len == len && memcmp(d->name, name, len) == 0))
        d = d->hash_next;
    return d;
}
