/* SPDX-License-Identifier: MIT
 *
 * The locks on a file that see each other, in two trees of ranges. Part of the lock engine,
 * fs/lock/locks.h; the caller locks.
 */
#pragma once

#include "fs/lock/tell.h"

struct account;

/* How far the locks of a subtree reach: the farthest end, whose it is, and the farthest of all
 * other owners. Ends lie behind the last byte; 0: there is none. */
struct lock_reach {
    u64 owner, end, others;
};

struct lock {
    struct rb_node by_start, by_owner;
    struct lock_entry entry;
    struct lock_request r;
    struct lock_reach all, writes; /* of the subtree of by_start */
    struct account *account;       /* of who set it, referenced */
    struct lock *next;             /* when it waits to be freed */
};

/* Locks of one owner never overlap. */
struct lock_tree {
    struct rb_root by_start; /* then by owner */
    struct rb_root by_owner; /* then by start */
};

void lock_tree_add(struct lock_tree *t, struct lock *l);
void lock_tree_remove(struct lock_tree *t, struct lock *l);

/* The first lock of another owner that keeps r from being set. O(log n). */
const struct lock *lock_tree_conflict(const struct lock_tree *t,
                                      const struct lock_request *r);

/* The first lock of an owner that does not end before `from`, and the one behind it. */
struct lock *lock_tree_own(const struct lock_tree *t, u64 owner, u64 from);
struct lock *lock_tree_own_next(const struct lock *l);

static inline bool lock_tree_empty(const struct lock_tree *t)
{
    return !t->by_start.node;
}
