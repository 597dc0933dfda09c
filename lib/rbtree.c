/* SPDX-License-Identifier: MIT
 *
 * Red-black tree after Cormen et al., "Introduction to Algorithms", ch. 13, with the
 * augmentation of ch. 14: the caller that changes a subtree recomputes the nodes above it.
 */
#include "lib/rbtree.h"

#define BLACK 1ul

static bool is_black(const struct rb_node *n)
{
    return !n || (n->parent_color & BLACK);
}

static void set_black(struct rb_node *n)
{
    n->parent_color |= BLACK;
}

static void set_red(struct rb_node *n)
{
    n->parent_color &= ~BLACK;
}

static void set_parent(struct rb_node *n, struct rb_node *parent)
{
    n->parent_color = (uintptr_t)parent | (n->parent_color & BLACK);
}

/* Puts `new` (may be NULL) in the place below `parent` where `old` was. */
static void replace_child(struct rb_root *root, struct rb_node *parent,
                          struct rb_node *old, struct rb_node *new)
{
    if (!parent)
        root->node = new;
    else if (parent->left == old)
        parent->left = new;
    else
        parent->right = new;
}

/* Turns n down to the left (or, mirrored, to the right); its child takes its place. */
static void rotate(struct rb_root *root, struct rb_node *n, bool left,
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
        set_parent(inner, n);
    replace_child(root, parent, n, up);
    set_parent(up, parent);
    set_parent(n, up);
    if (update) {
        update(n);
        update(up);
    }
}

void rb_propagate(struct rb_node *node, rb_update_fn update)
{
    while (node && update(node))
        node = rb_parent(node);
}

/* As rb_propagate, but goes to the root whatever update says: the shape has changed. */
static void update_path(struct rb_node *node, rb_update_fn update)
{
    for (; node && update; node = rb_parent(node))
        update(node);
}

void rb_insert(struct rb_root *root, struct rb_node *node, struct rb_node *parent,
               struct rb_node **link, rb_update_fn update)
{
    node->parent_color = (uintptr_t)parent; /* red */
    node->left = node->right = NULL;
    *link = node;
    if (update)
        rb_propagate(node, update);
    while ((parent = rb_parent(node)) != NULL && !is_black(parent)) {
        struct rb_node *grand = rb_parent(parent);
        bool left = parent == grand->left;
        struct rb_node *uncle = left ? grand->right : grand->left;

        if (!is_black(uncle)) {
            set_black(parent);
            set_black(uncle);
            set_red(grand);
            node = grand;
            continue;
        }
        if (node == (left ? parent->right : parent->left)) {
            rotate(root, parent, left, update);
            parent = node;
        }
        set_black(parent);
        set_red(grand);
        rotate(root, grand, !left, update);
        break;
    }
    set_black(root->node);
}

/* The subtree `node` (may be NULL) below `parent` lacks one black node. */
static void fix_erase(struct rb_root *root, struct rb_node *node, struct rb_node *parent,
                      rb_update_fn update)
{
    while (node != root->node && is_black(node)) {
        bool left = node == parent->left;
        struct rb_node *sib = left ? parent->right : parent->left;

        if (!is_black(sib)) {
            set_black(sib);
            set_red(parent);
            rotate(root, parent, left, update);
            sib = left ? parent->right : parent->left;
        }
        if (is_black(sib->left) && is_black(sib->right)) {
            set_red(sib);
            node = parent;
            parent = rb_parent(node);
            continue;
        }
        if (is_black(left ? sib->right : sib->left)) {
            set_black(left ? sib->left : sib->right);
            set_red(sib);
            rotate(root, sib, !left, update);
            sib = left ? parent->right : parent->left;
        }
        sib->parent_color = (sib->parent_color & ~BLACK) | (parent->parent_color & BLACK);
        set_black(parent);
        set_black(left ? sib->right : sib->left);
        rotate(root, parent, left, update);
        node = root->node;
        break;
    }
    if (node)
        set_black(node);
}

void rb_erase(struct rb_root *root, struct rb_node *node, rb_update_fn update)
{
    struct rb_node *child, *parent = rb_parent(node), *changed;
    bool black = is_black(node);

    if (node->left && node->right) {
        struct rb_node *next = node->right;

        while (next->left)
            next = next->left;
        black = is_black(next);
        child = next->right;
        changed = rb_parent(next);
        if (changed == node) {
            changed = next;
        } else {
            changed->left = child;
            if (child)
                set_parent(child, changed);
            next->right = node->right;
            set_parent(next->right, next);
        }
        next->left = node->left;
        set_parent(next->left, next);
        next->parent_color = node->parent_color;
        replace_child(root, parent, node, next);
    } else {
        child = node->left ? node->left : node->right;
        changed = parent;
        if (child)
            set_parent(child, parent);
        replace_child(root, parent, node, child);
    }
    update_path(changed, update);
    if (black)
        fix_erase(root, child, changed, update);
}

struct rb_node *rb_first(const struct rb_root *root)
{
    struct rb_node *n = root->node;

    while (n && n->left)
        n = n->left;
    return n;
}

struct rb_node *rb_last(const struct rb_root *root)
{
    struct rb_node *n = root->node;

    while (n && n->right)
        n = n->right;
    return n;
}

struct rb_node *rb_next(const struct rb_node *node)
{
    struct rb_node *parent;

    if (node->right) {
        node = node->right;
        while (node->left)
            node = node->left;
        return (struct rb_node *)node;
    }
    while ((parent = rb_parent(node)) != NULL && node == parent->right)
        node = parent;
    return parent;
}

struct rb_node *rb_prev(const struct rb_node *node)
{
    struct rb_node *parent;

    if (node->left) {
        node = node->left;
        while (node->right)
            node = node->right;
        return (struct rb_node *)node;
    }
    while ((parent = rb_parent(node)) != NULL && node == parent->left)
        node = parent;
    return parent;
}
