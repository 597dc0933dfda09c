/* SPDX-License-Identifier: MIT
 *
 * The lock engine: one table of all locks by inode. Locks of one owner on one file never
 * overlap, and neighbours of the same type are one lock, so the table stays as small as it
 * can be. Locks are rare: one spinlock and one wait queue serve all.
 */
#include "fs/locks.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "mm/account.h"
#include "mm/slab.h"

#define BUCKETS 64u

struct lock {
    struct lock *next;
    struct lock_request r;
    struct account *account; /* of who set it, referenced */
};

/* A thread that waits for a lock, for the detection of deadlocks. */
struct waiter {
    struct list link;
    const struct lock_request *r;
    u64 blocker;         /* the owner in the way when it was looked at last */
    struct waiter *next; /* during a search */
    bool reached;
};

/* How many waiters a search for a circle looks at. What is longer is not found: those who
 * wait can still be interrupted. */
#define SEARCH_MAX 20000u

SLAB_CACHE(lock_cache, "file_lock", struct lock);

static struct lock *lock_alloc(void)
{
    struct lock *l = slab_alloc(&lock_cache);

    if (l) {
        l->account = account_current();
        account_hold(l->account);
        __atomic_fetch_add(&l->account->bytes, sizeof(*l), __ATOMIC_RELAXED);
    }
    return l;
}

static void lock_free(struct lock *l)
{
    __atomic_fetch_sub(&l->account->bytes, sizeof(*l), __ATOMIC_RELAXED);
    account_put(l->account);
    slab_free(&lock_cache, l);
}

static spinlock_t locks_lock;
static struct lock *buckets[BUCKETS];
static u32 count; /* of all locks; read without the lock as a hint */
static struct list waiters = LIST_INIT(waiters);
static struct waitq released = {.waiters = LIST_INIT(released.waiters)};

u64 lock_owner_new(void)
{
    static u64 last;

    return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}

static struct lock **bucket(const struct inode *ino)
{
    return &buckets[((uintptr_t)ino >> 6) % BUCKETS];
}

static bool same_world(const struct lock *l, const struct lock_request *r)
{
    return l->r.inode == r->inode && l->r.whole_file == r->whole_file;
}

static bool overlap(const struct lock *l, const struct lock_request *r)
{
    return l->r.start <= r->end && r->start <= l->r.end;
}

static const struct lock *conflict(const struct lock_request *r)
{
    if (r->type == F_UNLCK)
        return NULL;
    for (const struct lock *l = *bucket(r->inode); l; l = l->next)
        if (same_world(l, r) && l->r.owner != r->owner && overlap(l, r) &&
            (l->r.type == F_WRLCK || r->type == F_WRLCK))
            return l;
    return NULL;
}

static void insert(struct lock *l, const struct lock_request *r)
{
    struct lock **b = bucket(r->inode);

    l->r = *r;
    l->next = *b;
    *b = l;
    count++;
}

/* Takes *at out of its list and puts it before *freed. */
static void discard(struct lock **at, struct lock **freed)
{
    struct lock *l = *at;

    *at = l->next;
    l->next = *freed;
    *freed = l;
    count--;
}

/* Cuts the range of r out of l, which overlaps it. What is left right of it, if there is
 * also something left of it, becomes *spare. False: nothing of l is left. */
static bool cut(struct lock *l, const struct lock_request *r, struct lock **spare)
{
    bool left = l->r.start<r->start, right = l->r.end> r->end;
    struct lock_request rest = l->r;

    if (!left && !right)
        return false;
    if (left && right) {
        rest.start = r->end + 1;
        l->r.end = r->start - 1;
        insert(*spare, &rest);
        *spare = NULL;
    } else if (left) {
        l->r.end = r->start - 1;
    } else {
        l->r.start = r->end + 1;
    }
    return true;
}

/* Makes r true. The two spares are used up as needed; the rest, and what became free, comes
 * back in *freed. locks_lock held. */
static void apply(const struct lock_request *r, struct lock *spares[2],
                  struct lock **freed)
{
    struct lock **at = bucket(r->inode);
    struct lock_request merged = *r;

    while (*at) {
        struct lock *l = *at;
        bool mine = same_world(l, r) && l->r.owner == r->owner;

        if (mine && l->r.type == r->type && l->r.start <= r->end + 1 &&
            r->start <= l->r.end + 1) {
            merged.start = MIN(merged.start, l->r.start);
            merged.end = MAX(merged.end, l->r.end);
            discard(at, freed);
            continue;
        }
        if (mine && l->r.type != r->type && overlap(l, r) && !cut(l, r, &spares[0])) {
            discard(at, freed);
            continue;
        }
        at = &l->next;
    }
    if (r->type != F_UNLCK) {
        insert(spares[1], &merged);
        spares[1] = NULL;
    }
}

static void free_list(struct lock *l)
{
    while (l) {
        struct lock *next = l->next;

        lock_free(l);
        l = next;
    }
}

/* The waiters of an owner that were not reached yet, put before `unvisited`. */
static struct waiter *reach(u64 owner, struct waiter *unvisited, u32 *looked)
{
    struct list *pos;

    list_for_each (pos, &waiters) {
        struct waiter *w = list_entry(pos, struct waiter, link);

        ++*looked;
        if (w->r->owner != owner || w->r->pid < 0 || w->reached)
            continue;
        w->reached = true;
        w->next = unvisited;
        unvisited = w;
    }
    return unvisited;
}

/* Whether waiting for `blocker` closes a circle: whether it waits, by any of its threads and
 * over any number of others, for `owner`. locks_lock held. */
static bool deadlock(u64 owner, u64 blocker)
{
    struct waiter *unvisited;
    struct list *pos;
    u32 looked = 0;

    list_for_each (pos, &waiters)
        list_entry(pos, struct waiter, link)->reached = false;
    unvisited = reach(blocker, NULL, &looked);
    while (unvisited && looked < SEARCH_MAX) {
        const struct lock *l = conflict(unvisited->r);

        unvisited = unvisited->next;
        if (l && l->r.owner == owner)
            return true;
        if (l)
            unvisited = reach(l->r.owner, unvisited, &looked);
    }
    return false;
}

/* Whether w is worth a new look: nothing is in its way, or somebody else. */
static bool has_news(const struct waiter *w)
{
    const struct lock *l;
    bool news;

    spin_lock(&locks_lock);
    l = conflict(w->r);
    news = !l || l->r.owner != w->blocker;
    spin_unlock(&locks_lock);
    return news;
}

/* Waits until the one in the way is not, called with locks_lock held; it is released
 * meanwhile. */
static int wait_free(const struct lock_request *r, const struct lock *in_the_way)
{
    struct waiter w = {.r = r, .blocker = in_the_way->r.owner};
    int err;

    if (!r->whole_file && r->pid >= 0 && deadlock(r->owner, w.blocker))
        return -EDEADLOCK;
    list_add(&waiters, &w.link);
    spin_unlock(&locks_lock);
    err = waitq_wait(&released, has_news(&w));
    spin_lock(&locks_lock);
    list_del(&w.link);
    return err;
}

int lock_set(const struct lock_request *r, bool wait)
{
    struct lock *spares[2] = {lock_alloc(), lock_alloc()};
    struct lock *freed = NULL;
    const struct lock *l;
    int err = spares[0] && spares[1] ? 0 : -ENOLCK;

    if (!err) {
        spin_lock(&locks_lock);
        while (!err && (l = conflict(r)))
            err = wait ? wait_free(r, l) : -EAGAIN;
        if (!err)
            apply(r, spares, &freed);
        spin_unlock(&locks_lock);
        if (!err)
            waitq_wake_all(&released); /* ranges may have become free, or only shared */
    }
    free_list(freed);
    for (size_t i = 0; i < ARRAY_SIZE(spares); i++)
        if (spares[i])
            lock_free(spares[i]);
    return err;
}

bool lock_test(const struct lock_request *r, struct lock_request *found)
{
    const struct lock *l;

    spin_lock(&locks_lock);
    l = conflict(r);
    if (l)
        *found = l->r;
    spin_unlock(&locks_lock);
    return l != NULL;
}

void locks_forget(u64 owner, const struct inode *ino)
{
    struct lock *freed = NULL;

    if (!READ_ONCE(count))
        return;
    spin_lock(&locks_lock);
    for (struct lock **at = bucket(ino); *at;) {
        if ((*at)->r.inode == ino && (*at)->r.owner == owner)
            discard(at, &freed);
        else
            at = &(*at)->next;
    }
    spin_unlock(&locks_lock);
    if (freed)
        waitq_wake_all(&released);
    free_list(freed);
}

bool locks_any(const struct inode *ino)
{
    bool any = false;

    if (!READ_ONCE(count))
        return false;
    spin_lock(&locks_lock);
    for (const struct lock *l = *bucket(ino); l && !any; l = l->next)
        any = l->r.inode == ino;
    spin_unlock(&locks_lock);
    return any;
}
