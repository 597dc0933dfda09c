/* SPDX-License-Identifier: MIT
 *
 * The tree of names and its hash.
 */
#include "fs/dentry.h"
#include "fs/inode.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/stat.h"
#include "mm/phys/slab.h"

#define BUCKETS_MIN 1024u /* a power of two, as all sizes of the hash */

SLAB_CACHE(dentry_cache, "dentry", struct dentry);

struct mutex vfs_tree_lock;
static struct dentry *first_buckets[BUCKETS_MIN];
static struct dentry **buckets = first_buckets;
static u32 nbuckets = BUCKETS_MIN, nhashed;
static u64 secret;

void dentry_seed(u64 seed)
{
    ASSERT(!nhashed);
    secret = seed;
}

/* FNV-1a over the name, mixed with the directory's address, from a start that no program knows. */
static struct dentry **bucket(const struct dentry *parent, const char *name, size_t len)
{
    u64 h = secret ^ 0xcbf29ce484222325ull ^ ((uintptr_t)parent >> 4);

    for (size_t i = 0; i < len; i++)
        h = (h ^ (u8)name[i]) * 0x100000001b3ull;
    return &buckets[(h ^ h >> 32) & (nbuckets - 1)];
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
    /* Upwards without recursion: paths can be deep, also of directories that are removed. */
    while (d && __atomic_sub_fetch(&d->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        struct dentry *parent = d->parent;

        inode_put(d->inode);
        slab_free(&dentry_cache, d);
        d = parent;
        pause_anyway();
    }
}

/* Gives the hash n buckets; without memory it stays as it is. */
static void resize(u32 n)
{
    REQUIRES_EXCLUSIVE(&vfs_tree_lock);
    struct dentry **old = buckets, **fresh = first_buckets;
    size_t bytes = n * sizeof(*fresh);
    u32 nold = nbuckets;

    if (n > BUCKETS_MIN) {
        fresh = kmalloc(bytes);
        if (!fresh)
            return;
    }
    memset(fresh, 0, bytes);
    buckets = fresh;
    nbuckets = n;
    for (u32 i = 0; i < nold; i++) {
        struct dentry *next;

        for (struct dentry *d = old[i]; d; d = next) {
            struct dentry **b = bucket(d->parent, d->name, d->len);

            next = d->hash_next;
            d->hash_next = *b;
            *b = d;
        }
        pause_anyway();
    }
    if (old != first_buckets)
        kfree(old);
}

static void hash_in(struct dentry *d)
{
    struct dentry **b, *parent = d->parent;
    struct rb_node **link = &parent->children.node, *last = NULL;

    if (nhashed >= 2 * nbuckets)
        resize(2 * nbuckets);
    nhashed++;
    b = bucket(parent, d->name, d->len);
    d->hash_next = *b;
    *b = d;
    d->cookie = parent->next_cookie++;
    while (*link) { /* behind all others */
        last = *link;
        link = &last->right;
    }
    rb_insert(&parent->children, &d->sibling, last, link, NULL);
}

static void hash_out(struct dentry *d)
{
    struct dentry **b = bucket(d->parent, d->name, d->len);

    while (*b != d)
        b = &(*b)->hash_next;
    *b = d->hash_next;
    rb_erase(&d->parent->children, &d->sibling, NULL);
    nhashed--;
    if (nbuckets > BUCKETS_MIN && nhashed < nbuckets / 2)
        resize(nbuckets / 2);
}

struct dentry *dentry_child(const struct dentry *parent, u64 cookie)
{
    struct rb_node *n = parent->children.node;
    struct dentry *found = NULL;

    while (n) {
        struct dentry *d = rb_entry(n, struct dentry, sibling);

        if (d->cookie >= cookie)
            found = d;
        n = d->cookie >= cookie ? n->left : n->right;
    }
    return found;
}

struct dentry *dentry_next(const struct dentry *d)
{
    struct rb_node *n = rb_next(&d->sibling);

    return n ? rb_entry(n, struct dentry, sibling) : NULL;
}

void dentry_link(struct dentry *d)
{
    dentry_get(d);
    d->kept = true;
    hash_in(d);
}

int dentry_add(struct dentry *dir, const char *name, size_t len, struct inode *inode)
{
    REQUIRES_EXCLUSIVE(&vfs_tree_lock);
    struct dentry *d = dentry_create(dir, name, len, inode);

    if (!d) {
        inode_put(inode);
        return -ENOMEM;
    }
    dentry_link(d);
    dentry_put(d);
    if (S_ISDIR(inode->mode))
        dir->inode->nlink++;
    return 0;
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
