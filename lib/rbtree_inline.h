/* SPDX-License-Identifier: MIT
 *
 * The algorithm of lib/rbtree.h, inlined: a tree that includes this and gives its own `update`,
 * a function that is inlined as well, pays no call for a node whose value is recomputed.
 *
 * After Cormen et al., "Introduction to Algorithms", ch. 13, with the augmentation of ch. 14:
 * who changes a subtree recomputes the nodes above it.
 */
#pragma once

#include "lib/rbtree.h"

#define RB_BLACK 1ul

static inline bool rb_is_black(const struct rb_node *n)
{
    return !n || (n->parent_color & RB_BLACK);
}

/* Whether taking n away needs no balance. */
static inline bool rb_is_red_leaf(const struct rb_node *n)
{
    return !n->left && !n->right && !rb_is_black(n);
}

static inline void rb_set_black(struct rb_node *n)
{
    n->parent_color |= RB_BLACK;
}

static inline void rb_set_red(struct rb_node *n)
{
    n->parent_color &= ~RB_BLACK;
}

static inline void rb_set_parent(struct rb_node *n, struct rb_node *parent)
{
    n->parent_color = (uintptr_t)parent | (n->parent_color & RB_BLACK);
}

/* Puts `new` (may be NULL) in the place below `parent` where `old` was. */
static inline void rb_replace_child(struct rb_root *root, struct rb_node *parent,
                                    struct rb_node *old, struct rb_node *new)
{
    if (!parent)
        root->node = new;
    else if (parent->left == old)
        parent->left = new;
    else
        parent->right = new;
}

/* Puts `new`, which is in no tree, in the place of `old`. What is stored there is not touched. */
static inline void rb_replace(struct rb_root *root, struct rb_node *old,
                              struct rb_node *new)
{
    *new = *old;
    rb_replace_child(root, rb_parent(old), old, new);
    if (new->left)
        rb_set_parent(new->left, new);
    if (new->right)
        rb_set_parent(new->right, new);
}

static always_inline void rb_propagate_with(struct rb_node *node, rb_update_fn update)
{
    while (node && update(node))
        node = rb_parent(node);
}

/* Turns n down to the left (or, mirrored, to the right); its child takes its place. */
static inline void rb_rotate(struct rb_root *root, struct rb_node *n, bool left,
                             rb_update_fn update)
{
    struct rb_node *up = left ? n->right : n->left;
    struct rb_node *inner = left ? up->left : up->right;
    struct rb_node *parent = rb_parent(n);

    if (left) {
        n->right = inner;
        up->left = n;
    } else {
        n->left = inner;
        up->right = n;
    }
    if (inner)
        rb_set_parent(inner, n);
    rb_replace_child(root, parent, n, up);
    rb_set_parent(up, parent);
    rb_set_parent(n, up);
    if (update) {
        update(n);
        update(up);
    }
}

/* Puts `node` at *link, whose parent is `parent` (NULL for an empty tree). The caller brings
 * the values above it up to date and then calls rb_balance_with(). */
static inline void rb_link(struct rb_node *node, struct rb_node *parent,
                           struct rb_node **link)
{
    node->parent_color = (uintptr_t)parent; /* red */
    node->left = node->right = NULL;
    *link = node;
}

static always_inline void rb_balance_with(struct rb_root *root, struct rb_node *node,
                                          rb_update_fn update)
{
    struct rb_node *parent;

    while ((parent = rb_parent(node)) != NULL && !rb_is_black(parent)) {
        struct rb_node *grand = rb_parent(parent);
        bool left = parent == grand->left;
        struct rb_node *uncle = left ? grand->right : grand->left;

        if (!rb_is_black(uncle)) {
            rb_set_black(parent);
            rb_set_black(uncle);
            rb_set_red(grand);
            node = grand;
            continue;
        }
        if (node == (left ? parent->right : parent->left)) {
            rb_rotate(root, parent, left, update);
            parent = node;
        }
        rb_set_black(parent);
        rb_set_red(grand);
        rb_rotate(root, grand, !left, update);
        break;
    }
    rb_set_black(root->node);
}

static always_inline void rb_insert_with(struct rb_root *root, struct rb_node *node,
                                         struct rb_node *parent, struct rb_node **link,
                                         rb_update_fn update)
{
    rb_link(node, parent, link);
    if (update)
        rb_propagate_with(node, update);
    rb_balance_with(root, node, update);
}

/* The subtree `node` (may be NULL) below `parent` lacks one black node. */
static always_inline void rb_fix_erase(struct rb_root *root, struct rb_node *node,
                                       struct rb_node *parent, rb_update_fn update)
{
    while (node != root->node && rb_is_black(node)) {
        bool left = node == parent->left;
        struct rb_node *sib = left ? parent->right : parent->left;

        if (!rb_is_black(sib)) {
            rb_set_black(sib);
            rb_set_red(parent);
            rb_rotate(root, parent, left, update);
            sib = left ? parent->right : parent->left;
        }
        if (rb_is_black(sib->left) && rb_is_black(sib->right)) {
            rb_set_red(sib);
            node = parent;
            parent = rb_parent(node);
            continue;
        }
        if (rb_is_black(left ? sib->right : sib->left)) {
            rb_set_black(left ? sib->left : sib->right);
            rb_set_red(sib);
            rb_rotate(root, sib, !left, update);
            sib = left ? parent->right : parent->left;
        }
        sib->parent_color =
            (sib->parent_color & ~RB_BLACK) | (parent->parent_color & RB_BLACK);
        rb_set_black(parent);
        rb_set_black(left ? sib->right : sib->left);
        rb_rotate(root, parent, left, update);
        node = root->node;
        break;
    }
    if (node)
        rb_set_black(node);
}

/* A node below `changed` has gone. `next` (NULL: none), which may be `changed`, took its place
 * above; what is stored there is not what was there. */
static always_inline void rb_update_erased(struct rb_node *changed, struct rb_node *next,
                                           rb_update_fn update)
{
    while (changed && changed != next && update(changed))
        changed = rb_parent(changed);
    if (next) {
        update(next);
        rb_propagate_with(rb_parent(next), update);
    }
}

static always_inline void rb_erase_with(struct rb_root *root, struct rb_node *node,
                                        rb_update_fn update)
{
    struct rb_node *child, *parent = rb_parent(node), *changed = parent, *next = NULL;
    bool black = rb_is_black(node);

    if (node->left && node->right) {
        next = node->right;
        while (next->left)
            next = next->left;
        black = rb_is_black(next);
        child = next->right;
        changed = rb_parent(next);
        if (changed == node) {
            changed = next;
        } else {
            changed->left = child;
            if (child)
                rb_set_parent(child, changed);
            next->right = node->right;
            rb_set_parent(next->right, next);
        }
        next->left = node->left;
        rb_set_parent(next->left, next);
        next->parent_color = node->parent_color;
        rb_replace_child(root, parent, node, next);
    } else {
        child = node->left ? node->left : node->right;
        if (child)
            rb_set_parent(child, parent);
        rb_replace_child(root, parent, node, child);
    }
    if (update)
        rb_update_erased(changed, next, update);
    if (black)
        rb_fix_erase(root, child, changed, update);
}
