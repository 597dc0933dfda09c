/* SPDX-License-Identifier: MIT
 *
 * All locks and all who wait for one, by a number each gets when it is set or begins to wait: so
 * a reader of /proc/locks finds the place again where it stopped, whatever came and went.
 */
#include "fs/lock/tell.h"
#include "fs/inode.h"
#include "fs/lock/locks_own.h"
#include "fs/lock/wait.h"
#include "lib/lock.h"

static struct rb_root all = RB_ROOT; /* of struct lock_entry; locks_lock */

static struct lock_entry *entry_of(struct rb_node *n)
{
    return rb_entry(n, struct lock_entry, node);
}

void lock_entry_add(struct lock_entry *e, const struct lock_request *r, bool waits)
{
    REQUIRES(&locks_lock);
    static u64 last_number;
    struct rb_node *last = rb_last(&all);

    e->number = ++last_number;
    e->r = r;
    e->waits = waits;
    rb_insert(&all, &e->node, last, last ? &last->right : &all.node, NULL);
}

void lock_entry_remove(struct lock_entry *e)
{
    REQUIRES(&locks_lock);
    rb_erase(&all, &e->node, NULL);
}

static struct lock_entry *find(u64 from)
{
    REQUIRES(&locks_lock);
    struct rb_node *n = all.node;
    struct lock_entry *found = NULL;

    while (n) {
        if (entry_of(n)->number >= from) {
            found = entry_of(n);
            n = n->left;
        } else {
            n = n->right;
        }
    }
    return found;
}

/* The lock in the way of a request that waits; 0: one that is being changed, or none any more. */
static u64 number_in_the_way(const struct lock_request *r)
{
    REQUIRES(&locks_lock);
    const struct lock *l = lock_tree_conflict(tree_of(r->inode->locks, r), r);

    return l ? l->entry.number : 0;
}

u64 locks_tell(u64 from, struct lock_line *out)
{
    SCOPED_LOCK(&locks_lock);
    const struct lock_entry *e = find(from);

    if (!e)
        return 0;
    *out = (struct lock_line){.r = *e->r,
                              .dev = e->r->inode->dev,
                              .ino = e->r->inode->ino,
                              .number = e->waits ? number_in_the_way(e->r) : e->number,
                              .waits = e->waits};
    return e->number;
}
