/* SPDX-License-Identifier: MIT
 *
 * The list of all locks on all files and of all who wait for one, for /proc/locks.
 */
#pragma once

#include "fs/lock/locks.h"
#include "lib/rbtree.h"

/* The place of a lock, or of a request that waits, in the order in which they came. locks_lock. */
struct lock_entry {
    struct rb_node node;
    u64 number; /* from 1 on */
    const struct lock_request *r;
    bool waits;
};

/* Into the list and out of it; locks_lock is held. r lives as long as the entry is in it. */
void lock_entry_add(struct lock_entry *e, const struct lock_request *r, bool waits);
void lock_entry_remove(struct lock_entry *e);

/* A line of /proc/locks. */
struct lock_line {
    struct lock_request r; /* r.inode is not referenced */
    u64 dev, ino;          /* of the file */
    u64 number; /* of the lock; of a request that waits, of the lock in its way */
    bool waits;
};

/* What was set or asked for first of all that has a number not below `from`, on any file, with
 * its own number as the result: the next one stands behind it. 0: there is none. */
u64 locks_tell(u64 from, struct lock_line *out);
