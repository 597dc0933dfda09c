/* SPDX-License-Identifier: MIT
 *
 * Sparse index: a 64-way radix tree from a 32-bit number to a non-NULL pointer. Used for
 * the pages of an object. Node memory comes from the owner through two callbacks, so the
 * index works before and below any allocator.
 *
 * The owner has a lock (O for an object) under which everything here runs but index_get() and
 * index_leaf(): those need none, because nodes are freed after a grace period (lib/grace.h). The
 * 64 entries of a leaf change under the leaf's own lock (N) besides: who holds that sees them
 * stand still. A leaf that left the tree meanwhile is empty and stays so.
 */
#pragma once

#include "lib/assert.h"
#include "lib/grace.h"
#include "lib/spinlock.h"
#include "lib/types.h"

#define INDEX_SHIFT 6
#define INDEX_SLOTS (1u << INDEX_SHIFT)

#define INDEX_WORDS 8u

struct index_node {
    void *slot[INDEX_SLOTS];
    u64 word
        [INDEX_WORDS]; /* [N] the owner's, of a leaf: those in use first, 0 behind them */
    spinlock_t lock;   /* N, of a leaf */
    u16 count;         /* slots in use; a node with 0 leaves the tree at once */
    u8 shift;          /* bits of the number below this level */
    struct grace_item grace;
};

struct index {
    struct index_node *root; /* NULL when empty */
    u64 count;               /* entries */
    u64 nodes;
};

/* Node memory: zeroed, or NULL when there is none. A node is freed after a grace period. */
struct index_node *index_node_alloc(void);
void index_node_free(struct index_node *node);

static inline void *index_get(const struct index *ix, u32 number)
{
    const struct index_node *n = READ_ONCE(ix->root);

    if (!n || (u64)number >> n->shift >= INDEX_SLOTS)
        return NULL;
    while (n->shift) {
        n = READ_ONCE(n->slot[(number >> n->shift) % INDEX_SLOTS]);
        if (!n)
            return NULL;
    }
    return READ_ONCE(n->slot[number % INDEX_SLOTS]);
}

/* The leaf node that holds number's slot, or NULL. It may leave the tree before its lock is
 * taken, with all its entries; it is not freed before the caller pauses. */
static inline struct index_node *index_leaf(const struct index *ix, u32 number)
{
    struct index_node *n = READ_ONCE(ix->root);

    if (!n || (u64)number >> n->shift >= INDEX_SLOTS)
        return NULL;
    for (u32 shift = n->shift; shift; shift -= INDEX_SHIFT) {
        n = READ_ONCE(n->slot[(number >> shift) % INDEX_SLOTS]);
        if (!n)
            return NULL;
    }
    return n;
}

/* Makes the nodes for `number` so that a following index_set cannot fail.
 * 0, or -ENOMEM with the index unchanged. */
int must_check index_reserve(struct index *ix, u32 number);

/* The same; the leaf that holds number's slot, NULL: -ENOMEM. */
struct index_node *index_make_leaf(struct index *ix, u32 number);
static inline struct index_node *index_make(struct index *ix, u32 number)
{
    struct index_node *leaf = index_leaf(ix, number);

    return leaf ? leaf : index_make_leaf(ix, number);
}

/* Stores a non-NULL pointer at a number that is empty; leaf: from index_make(). */
static inline void index_put(struct index *ix, struct index_node *leaf, u32 number,
                             void *entry)
{
    spin_lock(&leaf->lock);
    ASSERT(!leaf->slot[number % INDEX_SLOTS]);
    WRITE_ONCE(leaf->slot[number % INDEX_SLOTS], entry);
    leaf->count++;
    spin_unlock(&leaf->lock);
    ix->count++;
}

/* Stores a non-NULL pointer at an empty number. 0, -ENOMEM (unchanged), -EEXIST. */
int must_check index_set(struct index *ix, u32 number, void *entry);

/* Removes and returns the entry, NULL if there was none; stores the leaf's words in `words` (NULL:
 * they are not wanted; only to the first that is 0). Frees empty nodes. */
void *index_take_one(struct index *ix, u32 number, u64 words[INDEX_WORDS]);

static inline void *index_erase(struct index *ix, u32 number)
{
    return index_take_one(ix, number, NULL);
}

/* Removes up to INDEX_SLOTS entries at or after *number and below `end` that lie in one leaf;
 * stores them in out, the leaf's words in `words` (NULL: they are not wanted; only to the first
 * that is 0), and where to go on in *number. 0: there are none. Frees empty nodes. */
unsigned index_take(struct index *ix, u32 *number, u64 end, void *out[INDEX_SLOTS],
                    u64 words[INDEX_WORDS]);

/* How many entries there are at or after `number`; counts no further than `most`, a leaf at a time,
 * nor in more than so many nodes. */
u64 index_count_from(const struct index *ix, u32 number, u64 most, u32 nodes);

/* Undoes an index_reserve whose number was not set: frees nodes that are empty. */
void index_trim(struct index *ix, u32 number);

/* The first entry at or after *number; stores its number. NULL when there is none. */
void *index_next(const struct index *ix, u32 *number);
