/* SPDX-License-Identifier: MIT
 *
 * The red-black tree for callers that are content with calls of `update`, and its order.
 */
#include "lib/rbtree.h"
#include "lib/rbtree_inline.h"

void rb_propagate(struct rb_node *node, rb_update_fn update)
{
    rb_propagate_with(node, update);
}

void rb_insert(struct rb_root *root, struct rb_node *node, struct rb_node *parent,
               struct rb_node **link, rb_update_fn update)
{
    rb_insert_with(root, node, parent, link, update);
}

void rb_erase(struct rb_root *root, struct rb_node *node, rb_update_fn update)
{
    rb_erase_with(root, node, update);
}

/* ---- a tree from a list ---- */

struct build {
    struct rb_node *(*next)(void *arg);
    void *arg;
    rb_update_fn update;
    unsigned last; /* the deepest level, whose nodes are red: all others are full */
};

/* The subtree of the next n nodes, at this level. */
static struct rb_node *build(const struct build *b, u64 n, unsigned level)
{
    struct rb_node *left, *node;

    if (!n)
        return NULL;
    left = build(b, (n - 1) / 2, level + 1);
    node = b->next(b->arg);
    node->parent_color = level == b->last ? 0 : RB_BLACK;
    node->left = left;
    node->right = build(b, n - 1 - (n - 1) / 2, level + 1);
    if (node->left)
        rb_set_parent(node->left, node);
    if (node->right)
        rb_set_parent(node->right, node);
    if (b->update)
        b->update(node);
    return node;
}

void rb_build(struct rb_root *root, u64 n, struct rb_node *(*next)(void *arg), void *arg,
              rb_update_fn update)
{
    struct build b = {next, arg, update, n ? 63u - (unsigned)__builtin_clzll(n) : 0};

    root->node = build(&b, n, 0);
    if (root->node)
        rb_set_black(root->node);
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
