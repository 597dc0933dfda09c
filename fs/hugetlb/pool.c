/* SPDX-License-Identifier: MIT
 *
 * The pool of pages of 2 MiB: blocks of the page allocator, set aside. See fs/hugetlb/pool.h.
 */
#include "fs/hugetlb/pool.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "mm/phys/account.h"
#include "mm/phys/buddy.h"
#include "mm/phys/page_stack.h"
#include "mm/phys/slab.h"

spinlock_t hugepool_lock;

void (*hugepool_settle)(void);

static struct hugepool pool;                   /* hugepool_lock */
static struct list blocks = LIST_INIT(blocks); /* the free ones */

struct hugepool hugepool_counts(void)
{
    SCOPED_LOCK(&hugepool_lock);
    return pool;
}

/* ---- blocks ---- */

static struct page *pop(void)
{
    REQUIRES(&hugepool_lock);
    struct page *pg = list_entry(blocks.next, struct page, link);

    list_del(&pg->link);
    pool.free--;
    pg->payer = NULL;
    return pg;
}

static void push(struct page *pg)
{
    REQUIRES(&hugepool_lock);
    pg->type = PAGE_KERNEL;
    pg->flags = 0;
    pg->refs = 1;
    list_add_tail(&blocks, &pg->link);
    pool.free++;
}

/* A block more for the pool, with the lock given up meanwhile. False: there is none. */
static bool grow(bool surplus)
{
    REQUIRES(&hugepool_lock);
    struct page *pg;

    spin_unlock(&hugepool_lock);
    pg = page_alloc_user(HUGE_ORDER, 0);
    spin_lock(&hugepool_lock);
    if (!pg)
        return false;
    if (surplus && pool.surplus >= pool.overcommit) {
        page_free(pg, HUGE_ORDER);
        return false;
    }
    pool.total++;
    pool.surplus += surplus;
    push(pg);
    return true;
}

/* n free blocks, or as many as there are, leave the pool. */
static void shrink(u64 n, bool surplus)
{
    REQUIRES(&hugepool_lock);
    for (n = MIN(n, pool.free); n; n--) {
        struct page *pg = pop();

        pool.total--;
        pool.surplus -= surplus;
        page_free(pg, HUGE_ORDER);
    }
}

/* Makes n blocks free beyond those promised. */
static bool make_room(u64 n)
{
    REQUIRES(&hugepool_lock);
    while (pool.free < pool.reserved + n) {
        u64 wanted = pool.surplus + pool.reserved + n - pool.free;

        if (wanted > pool.overcommit || !grow(true))
            return false;
    }
    return true;
}

/* Free blocks beyond what was asked for and promised go back. */
static void drop_surplus(void)
{
    REQUIRES(&hugepool_lock);
    u64 spare = pool.free > pool.reserved ? pool.free - pool.reserved : 0;

    shrink(MIN(spare, pool.surplus), true);
}

void hugepool_resize(u64 n)
{
    static struct mutex resizing = {.queue = LIST_INIT(resizing.queue)};
    u64 least;

    SCOPED_LOCK(&resizing);
    hugepool_settle();
    page_drain();
    spin_lock(&hugepool_lock);
    while (pool.surplus && pool.total - pool.surplus < n)
        pool.surplus--;
    while (pool.total - pool.surplus < n && !pause_killed() && grow(false)) {
        spin_unlock(&hugepool_lock);
        pause_anyway();
        spin_lock(&hugepool_lock);
    }
    least = MAX(pool.total - pool.free + pool.reserved, n);
    if (pool.total - pool.surplus > least)
        shrink(pool.total - pool.surplus - least, false);
    if (pool.total - pool.surplus > n)
        pool.surplus =
            pool.total - n; /* in use or promised: they go when they are free */
    spin_unlock(&hugepool_lock);
}

void hugepool_set_overcommit(u64 n)
{
    SCOPED_LOCK(&hugepool_lock);
    pool.overcommit = n;
}

/* ---- shares ---- */

SLAB_CACHE(share_cache, "huge_share", struct huge_share);

/* Pages of its minimum that a share would have left. */
static u64 left(const struct huge_share *s, u64 used)
{
    return s && s->min > used ? s->min - used : 0;
}

bool huge_share_has(const struct huge_share *s)
{
    REQUIRES(&hugepool_lock);
    return s && left(s, s->used);
}

/* n more (or fewer) count in s; how many of these are not of its minimum. */
static s64 count(struct huge_share *s, s64 n)
{
    REQUIRES(&hugepool_lock);
    u64 before;

    if (!s)
        return n;
    before = left(s, s->used);
    s->used += (u64)n;
    if (s->quota)
        __atomic_fetch_add(&s->quota->pages, (u64)n * HUGE_PAGES, __ATOMIC_RELAXED);
    return n - (s64)before + (s64)left(s, s->used);
}

static bool has_room(const struct huge_share *s, u64 n)
{
    return !s || (s->used <= s->max && n <= s->max - s->used);
}

int huge_share_create(u64 max, u64 min, struct quota *q, struct huge_share **out)
{
    struct huge_share *s = slab_zalloc(&share_cache);

    if (!s)
        return -ENOMEM;
    if (hugepool_promise(NULL, min) != 0) {
        slab_free(&share_cache, s);
        return -ENOMEM;
    }
    s->refs = 1;
    s->max = max;
    s->min = min;
    s->quota = quota_get(q);
    *out = s;
    return 0;
}

void huge_share_get(struct huge_share *s)
{
    if (s)
        __atomic_fetch_add(&s->refs, 1, __ATOMIC_RELAXED);
}

void huge_share_put(struct huge_share *s)
{
    if (!s || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    spin_lock(&hugepool_lock);
    ASSERT(!s->used);
    pool.reserved -= s->min;
    drop_surplus();
    spin_unlock(&hugepool_lock);
    quota_put(s->quota);
    slab_free(&share_cache, s);
}

/* ---- promises ---- */

int hugepool_promise(struct huge_share *s, u64 n)
{
    s64 more;

    SCOPED_LOCK(&hugepool_lock);
    if (!has_room(s, n))
        return -ENOMEM;
    more = count(s, (s64)n);
    if (more > 0 && !make_room((u64)more)) {
        (void)count(s, -(s64)n);
        drop_surplus();
        return -ENOMEM;
    }
    pool.reserved += (u64)more;
    return 0;
}

void hugepool_unpromise(struct huge_share *s, s64 n)
{
    REQUIRES(&hugepool_lock);
    pool.reserved -= (u64)-count(s, -n);
    drop_surplus();
}

void hugepool_keep(void)
{
    REQUIRES(&hugepool_lock);
    ASSERT(pool.reserved);
    pool.reserved--;
}

int hugepool_charge(struct huge_share *s)
{
    REQUIRES(&hugepool_lock);
    if (!has_room(s, 1))
        return -ENOSPC;
    if (count(s, 1) == 0)
        hugepool_keep(); /* one of its minimum */
    return 0;
}

void hugepool_renew(void)
{
    REQUIRES(&hugepool_lock);
    pool.reserved++;
}

void hugepool_uncharge(struct huge_share *s)
{
    REQUIRES(&hugepool_lock);
    if (count(s, -1) == 0)
        hugepool_renew();
}

/* ---- blocks for those who fill a page ---- */

struct page *hugepool_take(bool promised)
{
    struct page *pg = NULL;

    spin_lock(&hugepool_lock);
    if (promised ? pool.free != 0 : make_room(1))
        pg = pop();
    spin_unlock(&hugepool_lock);
    return pg;
}

void hugepool_give(struct page *pg, struct huge_share *share)
{
    spin_lock(&hugepool_lock);
    if (share)
        hugepool_uncharge(share);
    push(pg);
    drop_surplus();
    spin_unlock(&hugepool_lock);
}
