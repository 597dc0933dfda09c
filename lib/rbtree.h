/* SPDX-License-Identifier: MIT
 *
 * Intrusive red-black tree with optional augmentation. The caller does the search and
 * links the new node; the tree balances. Nothing allocates or locks.
 *
 * Augmentation: `update(node)` recomputes what a node stores about its subtree from the
 * node itself and its children, and returns whether the stored value changed. The tree
 * calls it bottom-up wherever a subtree changes.
 */
#pragma once

#include "lib/types.h"

struct rb_node {
    uintptr_t parent_color; /* parent pointer, bit 0: black */
    struct rb_node *left, *right;
};

struct rb_root {
    struct rb_node *node;
};

typedef bool (*rb_update_fn)(struct rb_node *node);

#define RB_ROOT \
    {           \
        NULL    \
    }
#define rb_entry(ptr, type, member) container_of(ptr, type, member)

/* Puts `node` at *link, whose parent is `parent` (NULL for an empty tree), and rebalances.
 * update may be NULL; else the node's stored value must be that of an empty subtree, so that
 * the first update reports a change. */
void rb_insert(struct rb_root *root, struct rb_node *node, struct rb_node *parent,
               struct rb_node **link, rb_update_fn update);
void rb_erase(struct rb_root *root, struct rb_node *node, rb_update_fn update);

/* Makes a tree of n nodes, which next(arg) yields in their order. Its depth is that of a full one. */
void rb_build(struct rb_root *root, u64 n, struct rb_node *(*next)(void *arg), void *arg,
              rb_update_fn update);

/* Recomputes augmented values from `node` up to the root, stopping when nothing changes. */
void rb_propagate(struct rb_node *node, rb_update_fn update);

struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

static inline struct rb_node *rb_parent(const struct rb_node *node)
{
    return (struct rb_node *)(node->parent_color & ~1ul);
}
