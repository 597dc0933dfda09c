/* SPDX-License-Identifier: MIT
 *
 * Trees of locks. Any number of read locks of different owners may lie over one another, so
 * "which lock of somebody else reaches into this range" is no question of order alone: each
 * subtree knows how far it reaches, for its farthest owner and for all others together. So
 * the locks of who asks are passed over as a whole.
 */
#include "fs/lock/tree.h"
#include "lib/string.h"
#include "lib/uapi/fcntl.h"

static struct lock *by_start(struct rb_node *n)
{
    return rb_entry(n, struct lock, by_start);
}

static struct lock *by_owner(struct rb_node *n)
{
    return rb_entry(n, struct lock, by_owner);
}

static struct lock_reach farther(struct lock_reach a, struct lock_reach b)
{
    struct lock_reach far = a.end >= b.end ? a : b, near = a.end >= b.end ? b : a;

    far.others = MAX(far.others, near.owner == far.owner ? near.others : near.end);
    return far;
}

static bool update(struct rb_node *node)
{
    struct lock *l = by_start(node);
    struct lock_reach all = {l->r.owner, l->r.end + 1, 0}, writes = {0};
    bool changed;

    if (l->r.type == F_WRLCK)
        writes = all;
    if (node->left) {
        all = farther(all, by_start(node->left)->all);
        writes = farther(writes, by_start(node->left)->writes);
    }
    if (node->right) {
        all = farther(all, by_start(node->right)->all);
        writes = farther(writes, by_start(node->right)->writes);
    }
    changed = memcmp(&l->all, &all, sizeof(all)) != 0 ||
              memcmp(&l->writes, &writes, sizeof(writes)) != 0;
    l->all = all;
    l->writes = writes;
    return changed;
}

static bool before_by_start(const struct lock *a, const struct lock *b)
{
    return a->r.start != b->r.start ? a->r.start < b->r.start : a->r.owner < b->r.owner;
}

static bool before_by_owner(const struct lock *a, const struct lock *b)
{
    return a->r.owner != b->r.owner ? a->r.owner < b->r.owner : a->r.start < b->r.start;
}

void lock_tree_add(struct lock_tree *t, struct lock *l)
{
    struct rb_node **link = &t->by_start.node, *parent = NULL;

    l->all = l->writes = (struct lock_reach){0};
    while (*link) {
        parent = *link;
        link = before_by_start(l, by_start(parent)) ? &parent->left : &parent->right;
    }
    rb_insert(&t->by_start, &l->by_start, parent, link, update);

    link = &t->by_owner.node;
    parent = NULL;
    while (*link) {
        parent = *link;
        link = before_by_owner(l, by_owner(parent)) ? &parent->left : &parent->right;
    }
    rb_insert(&t->by_owner, &l->by_owner, parent, link, NULL);
}

void lock_tree_remove(struct lock_tree *t, struct lock *l)
{
    rb_erase(&t->by_start, &l->by_start, update);
    rb_erase(&t->by_owner, &l->by_owner, NULL);
}

/* How far locks that r cannot stand reach in a subtree. */
static u64 reach(struct rb_node *n, const struct lock_request *r)
{
    const struct lock_reach *of;

    if (!n)
        return 0;
    of = r->type == F_WRLCK ? &by_start(n)->all : &by_start(n)->writes;
    return of->owner != r->owner ? of->end : of->others;
}

const struct lock *lock_tree_conflict(const struct lock_tree *t,
                                      const struct lock_request *r)
{
    struct rb_node *n = t->by_start.node;

    /* To the leftmost of those that reach far enough; all others begin behind it. */
    while (reach(n, r) > r->start) {
        const struct lock *l = by_start(n);

        if (reach(n->left, r) > r->start)
            n = n->left;
        else if (l->r.owner != r->owner && l->r.end >= r->start &&
                 (l->r.type == F_WRLCK || r->type == F_WRLCK))
            return l->r.start <= r->end ? l : NULL;
        else
            n = n->right;
    }
    return NULL;
}

struct lock *lock_tree_own(const struct lock_tree *t, u64 owner, u64 from)
{
    struct rb_node *n = t->by_owner.node;
    struct lock *found = NULL;

    while (n) {
        struct lock *l = by_owner(n);

        if (l->r.owner > owner || (l->r.owner == owner && l->r.end >= from)) {
            found = l;
            n = n->left;
        } else {
            n = n->right;
        }
    }
    return found && found->r.owner == owner ? found : NULL;
}

struct lock *lock_tree_own_next(const struct lock *l)
{
    struct rb_node *n = rb_next(&l->by_owner);

    return n && by_owner(n)->r.owner == l->r.owner ? by_owner(n) : NULL;
}
