/* SPDX-License-Identifier: MIT
 *
 * Inside the lock engine: what fs/lock/locks.c (changes) and fs/lock/wait.c (who waits, circles)
 * share. locks_lock is held at each call.
 */
#pragma once

#include "fs/lock/tree.h"
#include "lib/list.h"
#include "lib/spinlock.h"

extern spinlock_t locks_lock;

/* Of a file; there as long as one of these is. */
struct file_locks {
    struct lock_tree records, flocks;
    struct list waiting; /* of struct waiter.link, who came first is first */
    struct list running; /* of struct change.link */
    struct account *account;
};

/* A call that changes locks. What it has not done yet others take as done: `now` is in their
 * way; and nobody else of its owner changes anything on the file. */
struct change {
    struct list link;
    const struct lock_request *asked;
    struct lock_request now; /* with the neighbours that become one with it */
    struct lock *spares[2];  /* for what a cut leaves, and for `now` */
    struct lock *freed;
    bool news; /* somebody else may be able to go on */
};

static inline struct lock_tree *tree_of(struct file_locks *f,
                                        const struct lock_request *r)
{
    return r->whole_file ? &f->flocks : &f->records;
}
