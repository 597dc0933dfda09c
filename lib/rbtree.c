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
