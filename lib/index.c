/* SPDX-License-Identifier: MIT
 *
 * The 64-way radix tree of lib/index.h. The root covers as many bits as the largest number
 * needs; a node without entries leaves at once, a root with only slot 0 is lowered.
 *
 * Others walk the tree meanwhile without a lock. So a node is complete before a pointer to it
 * is stored, and freed later than that pointer was taken away.
 */
#include "lib/index.h"
#include "lib/uapi/errno.h"

static void free_now(struct grace_item *item)
{
    index_node_free(container_of(item, struct index_node, grace));
}

static struct index_node *node_alloc(struct index *ix)
{
    struct index_node *n = index_node_alloc();

    ix->nodes += n != NULL;
    return n;
}

static void node_free(struct index *ix, struct index_node *n)
{
    ix->nodes--;
    grace_defer(&n->grace, free_now);
}

/* Stores a pointer to a node that is complete. */
static inline void publish(struct index_node **where, struct index_node *n)
{
    __atomic_store_n(where, n, __ATOMIC_RELEASE);
}

static bool covers(const struct index_node *n, u32 number)
{
    return (u64)number >> n->shift < INDEX_SLOTS;
}

/* Slot of a node of this shift for number. */
static unsigned slot_of(u8 shift, u32 number)
{
    return (number >> shift) % INDEX_SLOTS;
}

/* Raises the root until it covers number. */
static int raise(struct index *ix, u32 number)
{
    while (!covers(ix->root, number)) {
        struct index_node *n = node_alloc(ix);

        if (!n)
            return -ENOMEM;
        n->shift = (u8)(ix->root->shift + INDEX_SHIFT);
        n->slot[0] = ix->root;
        n->count = 1;
        publish(&ix->root, n);
    }
    return 0;
}

/* Drops upper nodes that only lead to slot 0. */
static void lower(struct index *ix)
{
    while (ix->root && ix->root->shift && ix->root->count == 1 && ix->root->slot[0]) {
        struct index_node *n = ix->root;

        publish(&ix->root, n->slot[0]);
        node_free(ix, n);
    }
}

/* The path to number, root first; returns its length (0: not covered). */
static unsigned path_to(const struct index *ix, u32 number, struct index_node *path[6])
{
    struct index_node *n = ix->root;
    unsigned depth = 0;

    if (!n || !covers(n, number))
        return 0;
    while (n) {
        path[depth++] = n;
        if (!n->shift)
            break;
        n = n->slot[slot_of(n->shift, number)];
    }
    return depth;
}

void index_trim(struct index *ix, u32 number)
{
    struct index_node *path[6];
    unsigned depth = path_to(ix, number, path);

    while (depth > 0 && path[depth - 1]->count == 0) {
        struct index_node *n = path[--depth];

        if (depth == 0) {
            WRITE_ONCE(ix->root, NULL);
        } else {
            WRITE_ONCE(path[depth - 1]->slot[slot_of(path[depth - 1]->shift, number)],
                       NULL);
            path[depth - 1]->count--;
        }
        node_free(ix, n);
    }
    lower(ix);
}

struct index_node *index_make_leaf(struct index *ix, u32 number)
{
    struct index_node *n;

    if (!ix->root) {
        n = node_alloc(ix);
        if (!n)
            return NULL;
        while (!covers(n, number)) /* an empty tree starts at the right height */
            n->shift += INDEX_SHIFT;
        publish(&ix->root, n);
    } else if (raise(ix, number) != 0) {
        lower(ix);
        return NULL;
    }
    for (n = ix->root; n->shift;) {
        void **slot = &n->slot[slot_of(n->shift, number)];

        if (!*slot) {
            struct index_node *child = node_alloc(ix);

            if (!child) {
                index_trim(ix, number);
                return NULL;
            }
            child->shift = (u8)(n->shift - INDEX_SHIFT);
            publish((struct index_node **)slot, child);
            n->count++;
        }
        n = *slot;
    }
    return n;
}

int index_reserve(struct index *ix, u32 number)
{
    return index_make(ix, number) ? 0 : -ENOMEM;
}

int index_set(struct index *ix, u32 number, void *entry)
{
    struct index_node *leaf = index_make(ix, number);

    if (!leaf)
        return -ENOMEM;
    if (leaf->slot[number % INDEX_SLOTS]) /* the owner's lock keeps it there */
        return -EEXIST;
    index_put(ix, leaf, number, entry);
    return 0;
}

static void copy_words(const struct index_node *leaf, u64 words[INDEX_WORDS])
{
    unsigned i = 0;

    do
        words[i] = leaf->word[i];
    while (words[i] && ++i < INDEX_WORDS);
}

void *index_take_one(struct index *ix, u32 number, u64 words[INDEX_WORDS])
{
    struct index_node *leaf = index_leaf(ix, number);
    void **slot, *entry;

    if (!leaf)
        return NULL;
    slot = &leaf->slot[number % INDEX_SLOTS];
    entry = *slot;
    if (!entry)
        return NULL;
    spin_lock(&leaf->lock);
    WRITE_ONCE(*slot, NULL);
    leaf->count--;
    if (words)
        copy_words(leaf, words);
    spin_unlock(&leaf->lock);
    ix->count--;
    if (leaf->count == 0)
        index_trim(ix, number);
    return entry;
}

unsigned index_take(struct index *ix, u32 *number, u64 end, void *out[INDEX_SLOTS],
                    u64 words[INDEX_WORDS])
{
    struct index_node *leaf;
    unsigned n = 0;
    u64 i;

    if (*number >= end)
        return 0;
    leaf = index_leaf(ix, *number);
    if (!leaf || !leaf->slot[*number % INDEX_SLOTS]) {
        if (!index_next(ix, number) || *number >= end)
            return 0;
        leaf = index_leaf(ix, *number);
    }
    spin_lock(&leaf->lock);
    for (i = *number; n == 0 || i % INDEX_SLOTS; i++) {
        void **slot = &leaf->slot[i % INDEX_SLOTS];

        if (i >= end)
            break;
        if (!*slot)
            continue;
        out[n++] = *slot;
        WRITE_ONCE(*slot, NULL);
    }
    leaf->count -= (u16)n;
    if (words)
        copy_words(leaf, words);
    spin_unlock(&leaf->lock);
    ix->count -= n;
    if (leaf->count == 0)
        index_trim(ix, *number);
    *number = i > UINT32_MAX ? UINT32_MAX : (u32)i;
    return n;
}

/* The first entry at or after *number below n, whose subtree starts at `base`. */
static void *next_below(const struct index_node *n, u64 base, u32 *number)
{
    u64 first = *number > base ? (*number - base) >> n->shift : 0;

    for (u64 i = first; i < INDEX_SLOTS; i++) {
        void *child = n->slot[i], *entry;
        u64 child_base = base + (i << n->shift);

        if (!child)
            continue;
        if (!n->shift) {
            *number = (u32)child_base;
            return child;
        }
        entry = next_below(child, child_base, number);
        if (entry)
            return entry;
    }
    return NULL;
}

void *index_next(const struct index *ix, u32 *number)
{
    if (!ix->root || !covers(ix->root, *number))
        return NULL;
    return next_below(ix->root, 0, number);
}

/* Those below n, whose subtree starts at `base`; *nodes: so many nodes are still looked at. */
static u64 count_below(const struct index_node *n, u64 base, u32 number, u64 most,
                       u32 *nodes)
{
    u64 i = number > base ? (number - base) >> n->shift : 0, count = 0;

    if (!*nodes)
        return 0;
    --*nodes;
    if (!n->shift && i == 0)
        return n->count;
    for (; i < INDEX_SLOTS && count < most && *nodes; i++)
        if (n->slot[i])
            count += n->shift ? count_below(n->slot[i], base + (i << n->shift), number,
                                            most - count, nodes)
                              : 1;
    return count;
}

u64 index_count_from(const struct index *ix, u32 number, u64 most, u32 nodes)
{
    if (!ix->root || !covers(ix->root, number))
        return 0;
    return count_below(ix->root, 0, number, most, &nodes);
}
