/* SPDX-License-Identifier: MIT
 *
 * The lock engine: what is locked on each file, who waits for it, and which calls are at work.
 * Locks of one owner on one file never overlap, and neighbours of the same type are one lock,
 * so there are as few as can be. One spinlock serves all: each step under it is short, a call
 * with many steps gives it up between them.
 */
#include "fs/lock/locks.h"
#include "fs/lock/locks_own.h"
#include "fs/lock/wait.h"
#include "fs/numbers.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "mm/phys/account.h"
#include "mm/phys/slab.h"

SLAB_CACHE(lock_cache, "file_lock", struct lock);
SLAB_CACHE(file_cache, "file_locks", struct file_locks);

spinlock_t locks_lock;

static struct account *charge(size_t n)
{
    struct account *a = account_current();

    account_hold(a);
    __atomic_fetch_add(&a->bytes, n, __ATOMIC_RELAXED);
    return a;
}

static void uncharge(struct account *a, size_t n)
{
    __atomic_fetch_sub(&a->bytes, n, __ATOMIC_RELAXED);
    account_put(a);
}

static struct lock *lock_alloc(void)
{
    struct lock *l = slab_alloc(&lock_cache);

    if (l)
        l->account = charge(sizeof(*l));
    return l;
}

static void free_list(struct lock *l)
{
    while (l) {
        struct lock *next = l->next;

        uncharge(l->account, sizeof(*l));
        slab_free(&lock_cache, l);
        l = next;
        pause_anyway();
    }
}

static struct file_locks *file_locks_alloc(void)
{
    struct file_locks *f = slab_zalloc(&file_cache);

    if (!f)
        return NULL;
    list_init(&f->waiting);
    list_init(&f->running);
    f->account = charge(sizeof(*f));
    return f;
}

static void file_locks_free(struct file_locks *f)
{
    if (!f)
        return;
    uncharge(f->account, sizeof(*f));
    slab_free(&file_cache, f);
}

/* Takes the record of a file that has no use any more; then free it. */
static struct file_locks *take_unused(struct inode *ino)
{
    REQUIRES(&locks_lock);
    struct file_locks *f = ino->locks;

    if (!f || !lock_tree_empty(&f->records) || !lock_tree_empty(&f->flocks) ||
        !list_empty(&f->waiting) || !list_empty(&f->running))
        return NULL;
    ino->locks = NULL;
    return f;
}

u64 lock_owner_new(void)
{
    static DEFINE_PER_CPU(struct numbers, mine);
    static u64 last;

    return number_next(this_cpu_ptr(mine), &last);
}

/* ---- changes; locks_lock held, given up between the steps ---- */

static void discard(struct lock_tree *t, struct lock *l, struct change *c)
{
    lock_tree_remove(t, l);
    lock_entry_remove(&l->entry);
    l->next = c->freed;
    c->freed = l;
}

static void insert(struct lock_tree *t, struct lock **spare, const struct lock_request *r)
{
    (*spare)->r = *r;
    lock_tree_add(t, *spare);
    lock_entry_add(&(*spare)->entry, &(*spare)->r, false);
    *spare = NULL;
}

/* The first own lock that the change is about: it overlaps, or could be one with it. */
static struct lock *next_own(const struct lock_tree *t, const struct lock_request *r)
{
    struct lock *l = lock_tree_own(t, r->owner, r->start ? r->start - 1 : 0);

    if (l && l->r.end < r->start && l->r.type != r->type)
        l = lock_tree_own_next(l);
    if (!l || l->r.start <= r->end)
        return l;
    return l->r.type == r->type && l->r.start == r->end + 1 ? l : NULL;
}

/* Cuts the range of the change out of l, which overlaps it and is of another type. */
static void cut(struct lock_tree *t, struct lock *l, struct change *c)
{
    const struct lock_request *r = c->asked;
    struct lock_request rest = l->r;
    bool left = rest.start<r->start, right = rest.end> r->end;

    c->news = true;
    if (!left && !right) {
        discard(t, l, c);
        return;
    }
    lock_tree_remove(t, l);
    if (left)
        l->r.end = r->start - 1;
    else
        l->r.start = r->end + 1;
    lock_tree_add(t, l);
    if (left && right) {
        rest.start = r->end + 1;
        insert(t, &c->spares[0], &rest);
    }
}

/* Makes c->asked true, which nothing is in the way of. */
static void apply(struct file_locks *f, struct change *c)
{
    struct lock_tree *t = tree_of(f, c->asked);
    struct lock *l;

    list_add(&f->running, &c->link);
    while ((l = next_own(t, c->asked))) {
        if (l->r.type == c->asked->type) {
            c->now.start = MIN(c->now.start, l->r.start);
            c->now.end = MAX(c->now.end, l->r.end);
            discard(t, l, c);
        } else {
            cut(t, l, c);
        }
        c->news |= pause_unlocked(&locks_lock);
    }
    list_del(&c->link);
    if (c->asked->type != F_UNLCK)
        insert(t, &c->spares[1], &c->now);
}

static int set_locked(struct file_locks *f, struct change *c, bool wait)
{
    const struct lock_request *r = c->asked, *l;
    bool waited = false;
    int err = 0;

    while (!err && ((l = lock_conflict(f, r)) || lock_owner_busy(f, r->owner))) {
        if (waited) { /* it was woken, and somebody else was faster: so others are next */
            waited = false;
            lock_wake_next(f);
            continue;
        }
        if (l && !wait)
            return -EAGAIN;
        err = lock_wait(f, r, l);
        waited = true;
    }
    if (!err)
        apply(f, c);
    if (c->news || waited)
        lock_wake_next(f);
    return err;
}

int lock_set(const struct lock_request *r, bool wait)
{
    struct change c = {.asked = r, .now = *r};
    struct file_locks *spare = NULL, *unused;
    int err = 0;

    for (size_t i = 0; i < ARRAY_SIZE(c.spares); i++)
        if (!(c.spares[i] = lock_alloc()))
            err = -ENOLCK;
    spin_lock(&locks_lock);
    while (!err && !r->inode->locks && !spare) {
        spin_unlock(&locks_lock);
        spare = file_locks_alloc();
        err = spare ? 0 : -ENOLCK;
        spin_lock(&locks_lock);
    }
    if (!err && !r->inode->locks)
        r->inode->locks = spare, spare = NULL;
    if (!err)
        err = set_locked(r->inode->locks, &c, wait);
    unused = take_unused(r->inode);
    spin_unlock(&locks_lock);
    file_locks_free(spare);
    file_locks_free(unused);
    for (size_t i = 0; i < ARRAY_SIZE(c.spares); i++) {
        if (c.spares[i]) {
            c.spares[i]->next = c.freed;
            c.freed = c.spares[i];
        }
    }
    free_list(c.freed);
    return err;
}

bool lock_test(const struct lock_request *r, struct lock_request *found)
{
    const struct lock_request *l = NULL;

    spin_lock(&locks_lock);
    if (r->inode->locks)
        l = lock_conflict(r->inode->locks, r);
    if (l)
        *found = *l;
    spin_unlock(&locks_lock);
    return l != NULL;
}

/* Calls of the owner that are at work lose the neighbours they took in. */
static void forget_running(struct file_locks *f, u64 owner)
{
    struct list *pos;

    list_for_each (pos, &f->running) {
        struct change *c = list_entry(pos, struct change, link);

        if (c->now.owner == owner)
            c->now = *c->asked;
    }
}

#define FREED_AT_ONCE 256u

void locks_forget(u64 owner, struct inode *ino)
{
    u32 n = 0;
    const struct lock_request none = {.owner = owner, .type = F_UNLCK};
    struct change c = {.asked = &none, .now = none};
    struct file_locks *f, *unused;

    if (!READ_ONCE(ino->locks))
        return;
    spin_lock(&locks_lock);
    f = ino->locks;
    if (f) {
        struct lock_tree *trees[] = {&f->records, &f->flocks};
        struct lock *l;

        forget_running(f, owner);
        list_add(&f->running, &c.link);
        for (size_t i = 0; i < ARRAY_SIZE(trees); i++) {
            while ((l = lock_tree_own(trees[i], owner, 0))) {
                discard(trees[i], l, &c);
                if (++n % FREED_AT_ONCE == 0) { /* somebody may be waiting for memory */
                    spin_unlock(&locks_lock);
                    free_list(c.freed);
                    c.freed = NULL;
                    spin_lock(&locks_lock);
                }
                pause_unlocked(&locks_lock);
            }
        }
        list_del(&c.link);
        lock_wake_next(f);
    }
    unused = take_unused(ino);
    spin_unlock(&locks_lock);
    file_locks_free(unused);
    free_list(c.freed);
}

bool locks_any(const struct inode *ino)
{
    return READ_ONCE(ino->locks) != NULL;
}
