/* SPDX-License-Identifier: MIT
 *
 * Who waits for locks: what is in the way of a request, circles of owners that wait for one
 * another, and whose turn it is.
 */
#include "fs/lock/wait.h"
#include "fs/lock/locks_own.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/waitq.h"

/* A thread that waits, or (r NULL) the place where one that looks for waiters is. */
struct waiter {
    struct list link;
    struct lock_entry entry;
    const struct lock_request *r;
    struct file_locks *f;
    struct waitq queue;
    u64 blocker;         /* the owner in the way when it was looked at last */
    bool news;           /* there is another one in the way */
    struct rb_node node; /* waiters_by_owner, if it may be part of a circle */
    u64 reached;         /* the last search that did */
    struct waiter *next; /* during a search */
};

/* How many waiters a search for a circle looks at. What is longer is not found: those who
 * wait can still be interrupted. */
#define SEARCH_MAX 500u

static struct rb_root waiters_by_owner = RB_ROOT;

/* ---- what is in the way; locks_lock held ---- */

static bool excludes(const struct lock_request *a, const struct lock_request *b)
{
    return a->whole_file == b->whole_file && a->owner != b->owner && a->type != F_UNLCK &&
           (a->type == F_WRLCK || b->type == F_WRLCK) && a->start <= b->end &&
           b->start <= a->end;
}

const struct lock_request *lock_conflict(struct file_locks *f,
                                         const struct lock_request *r)
{
    REQUIRES(&locks_lock);
    const struct lock *l;
    struct list *pos;

    if (r->type == F_UNLCK)
        return NULL;
    l = lock_tree_conflict(tree_of(f, r), r);
    if (l)
        return &l->r;
    list_for_each (pos, &f->running) {
        const struct change *c = list_entry(pos, struct change, link);

        if (excludes(&c->now, r))
            return &c->now;
    }
    return NULL;
}

bool lock_owner_busy(const struct file_locks *f, u64 owner)
{
    REQUIRES(&locks_lock);
    struct list *pos;

    list_for_each (pos, &f->running)
        if (list_entry(pos, struct change, link)->now.owner == owner)
            return true;
    return false;
}

/* ---- circles; locks_lock held ---- */

static struct waiter *by_owner(struct rb_node *n)
{
    return rb_entry(n, struct waiter, node);
}

static void waiter_add(struct waiter *w)
{
    REQUIRES(&locks_lock);
    struct rb_node **link = &waiters_by_owner.node, *parent = NULL;

    while (*link) {
        parent = *link;
        link = w->r->owner < by_owner(parent)->r->owner ? &parent->left : &parent->right;
    }
    rb_insert(&waiters_by_owner, &w->node, parent, link, NULL);
}

static struct rb_node *first_of_owner(u64 owner)
{
    REQUIRES(&locks_lock);
    struct rb_node *n = waiters_by_owner.node, *found = NULL;

    while (n) {
        if (by_owner(n)->r->owner >= owner) {
            found = n;
            n = n->left;
        } else {
            n = n->right;
        }
    }
    return found && by_owner(found)->r->owner == owner ? found : NULL;
}

/* The waiters of an owner that the search did not reach yet, put before `unvisited`. */
static struct waiter *reach(u64 owner, struct waiter *unvisited, u64 search, u32 *looked)
{
    REQUIRES(&locks_lock);
    struct rb_node *n = first_of_owner(owner);

    for (; n && by_owner(n)->r->owner == owner && ++*looked < SEARCH_MAX;
         n = rb_next(n)) {
        struct waiter *w = by_owner(n);

        if (w->reached == search)
            continue;
        w->reached = search;
        w->next = unvisited;
        unvisited = w;
    }
    return unvisited;
}

/* Whether waiting for `blocker` closes a circle: whether it waits, by any of its threads and
 * over any number of others, for `owner`. */
static bool deadlock(u64 owner, u64 blocker)
{
    REQUIRES(&locks_lock);
    static u64 search;
    struct waiter *unvisited;
    u32 looked = 0;

    search++;
    unvisited = reach(blocker, NULL, search, &looked);
    while (unvisited && looked < SEARCH_MAX) {
        const struct lock_request *l = lock_conflict(unvisited->f, unvisited->r);

        unvisited = unvisited->next;
        if (l && l->owner == owner)
            return true;
        if (l)
            unvisited = reach(l->owner, unvisited, search, &looked);
    }
    return false;
}

/* ---- waiting ---- */

/* Whether w is worth a new look: nothing is in its way, or somebody else who waits himself,
 * so that there may be a circle. */
static bool has_news(struct waiter *w)
{
    REQUIRES(&locks_lock);
    const struct lock_request *l = lock_conflict(w->f, w->r);

    if (!l)
        return !lock_owner_busy(w->f, w->r->owner);
    if (l->owner != w->blocker) {
        w->blocker = l->owner;
        w->news = first_of_owner(l->owner) != NULL;
    }
    return w->news;
}

static bool may_go(struct waiter *w)
{
    bool news;

    spin_lock(&locks_lock);
    news = has_news(w);
    spin_unlock(&locks_lock);
    return news;
}

void lock_wake_next(struct file_locks *f)
{
    REQUIRES(&locks_lock);
    struct waiter here = {.r = NULL};
    struct list *pos = f->waiting.next;
    bool found = false;

    while (!found && pos != &f->waiting) {
        struct waiter *w = list_entry(pos, struct waiter, link);

        if (w->r && has_news(w)) {
            found = !lock_conflict(f, w->r);
            waitq_wake_all(&w->queue);
        }
        if (pause_due()) {
            list_add(pos, &here.link);
            pause_unlocked(&locks_lock);
            pos = here.link.next;
            list_del(&here.link);
        } else {
            pos = pos->next;
        }
    }
}

int lock_wait(struct file_locks *f, const struct lock_request *r,
              const struct lock_request *in_the_way)
{
    REQUIRES(&locks_lock);
    struct waiter w = {.r = r, .f = f, .blocker = in_the_way ? in_the_way->owner : 0};
    bool in_circles = in_the_way && !r->whole_file && r->pid >= 0;
    int err;

    if (in_circles && deadlock(r->owner, w.blocker))
        return -EDEADLOCK;
    waitq_init(&w.queue);
    list_add_tail(&f->waiting, &w.link);
    lock_entry_add(&w.entry, r, true);
    if (in_circles)
        waiter_add(&w);
    spin_unlock(&locks_lock);
    err = waitq_wait(&w.queue, may_go(&w));
    spin_lock(&locks_lock);
    list_del(&w.link);
    lock_entry_remove(&w.entry);
    if (in_circles)
        rb_erase(&waiters_by_owner, &w.node, NULL);
    return err;
}
