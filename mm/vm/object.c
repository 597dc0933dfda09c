/* SPDX-License-Identifier: MIT
 *
 * Objects: the page index and the size. The tree of VMAs is in mm/vm/object_tree.c, shrinking
 * in mm/op/truncate.c.
 */
#include "mm/vm/object.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/phys/account.h"
#include "mm/phys/buddy.h"
#include "mm/phys/page_stack.h"
#include "mm/phys/slab.h"
#include "mm/vm/backlink.h"
#include "mm/vm/census.h"
#include "mm/vm/commit.h"
#include "mm/vm/huge.h"
#include "mm/vm/object_tree.h"
#include "mm/vm/vma.h"

SLAB_CACHE_LINES(object_cache, "vm_object", struct vm_object);

static u64 next_id; /* atomic */
static DEFINE_PER_CPU(s64, pages_total);

struct vm_object *object_create(u64 size)
{
    struct vm_object *o = size > OBJECT_MAX_SIZE ? NULL : slab_zalloc(&object_cache);

    if (!o)
        return NULL;
    o->refs = 1;
    list_init(&o->censuses);
    o->size = size;
    o->id = __atomic_add_fetch(&next_id, 1, __ATOMIC_RELAXED);
    o->quota = quota_get(account_current()->files);
    return o;
}

void object_set_quota(struct vm_object *o, struct quota *q)
{
    struct quota *old = o->quota;

    ASSERT(o->pages.count == 0);
    o->quota = quota_get(q);
    quota_put(old);
}

int object_commit(struct vm_object *o, u64 npages, bool noreserve, const struct mm *mm)
{
    ASSERT(!o->pages.count && !o->committed);
    if (noreserve && mm_overcommit != OVERCOMMIT_NEVER)
        return 0;
    if (commit_check(mm, npages) != 0)
        return -ENOMEM;
    o->committed = npages;
    commit_add((s64)npages);
    return 0;
}

/* Whether the pages of o count as commitments one by one. */
static bool commits_pages(const struct vm_object *o)
{
    return !o->committed && !o->order;
}

/* Whether its pages are counted by huge_ops. */
static bool pooled(const struct vm_object *o)
{
    return o->order && huge_ops;
}

struct vm_object *object_create_huge(u64 size)
{
    struct vm_object *o = object_create(size);

    ASSERT(size % HUGE_SIZE == 0);
    if (!o)
        return NULL;
    o->order = HUGE_ORDER;
    if (huge_ops && huge_ops->attach(o) != 0) {
        quota_put(o->quota);
        slab_free(&object_cache, o);
        return NULL;
    }
    return o;
}

void object_get(struct vm_object *o)
{
    u32 old = __atomic_fetch_add(&o->refs, 1, __ATOMIC_RELAXED);

    ASSERT(old > 0 && old < 0x7fffffff);
}

bool object_tryget(struct vm_object *o)
{
    u32 old = __atomic_load_n(&o->refs, __ATOMIC_RELAXED);

    while (old)
        if (__atomic_compare_exchange_n(&o->refs, &old, old + 1, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return true;
    return false;
}

void object_forget_page(struct page *pg)
{
    REQUIRES_UNLESS(pg->object->refs == 0, &pg->object->lock);
    if (unlikely(pg->flags & PG_LOG))
        backlink_clear(pg);
    pg->object = NULL; /* inline hints mean nothing without it */
}

bool object_settle_records(struct vm_object *o)
{
    REQUIRES_UNLESS(o->refs == 0, &o->lock);
    u64 now = (o->pages.nodes + o->census.nodes) * sizeof(struct index_node) +
              o->census.count * CENSUS_BYTES;

    if (now > o->records && !quota_charge_bytes(o->quota, now - o->records))
        return false;
    if (now < o->records)
        quota_uncharge_bytes(o->quota, o->records - now);
    o->records = now;
    o->nodes_settled = o->pages.nodes;
    return true;
}

/* The same when nodes have only gone. */
static inline void settle_less(struct vm_object *o)
{
    if (!object_settle_nodes(o))
        panic("nodes that are gone do not fit");
}

void object_uncount(struct vm_object *o, u64 n)
{
    settle_less(o);
    if (!pooled(o))
        quota_uncharge_pages(o->quota, n << o->order);
    if (commits_pages(o))
        commit_add(-(s64)n);
    mm_part_add(pages_total, -(s64)(n << o->order));
}

void object_put(struct vm_object *o)
{
    void *pages[INDEX_SLOTS];
    u32 number = 0;
    unsigned n;

    if (__atomic_sub_fetch(&o->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    ASSERT(o->nvmas == 0);
    census_forget(o);
    /* Nobody maps it: the pages need no visit. */
    while ((n = index_take(&o->pages, &number, OBJECT_MAX_PAGES, pages, NULL)) != 0) {
        struct page_chain chain = {0};

        for (unsigned i = 0; i < n; i++) {
            struct page *pg = pages[i];
            u32 pfn;

            if (unlikely(pooled(o)))
                huge_ops->gone(o, pg->index);
            object_forget_page(pg);
            pfn = (u32)page_to_pfn(pg);
            if (unlikely(!page_chain(pg, pfn, PAGE_OBJECT, &chain) &&
                         !page_chain_other(pg, pfn, &chain)))
                page_put(pg);
        }
        page_free_chain(&chain);
        object_uncount(o, n);
        pause_anyway();
    }
    while (backlink_free_part(o))
        pause_anyway();
    if (pooled(o))
        huge_ops->detach(o);
    ASSERT(!o->records);
    quota_put(o->quota);
    commit_add(-(s64)o->committed);
    slab_free(&object_cache, o);
}

struct page *object_find_page(struct vm_object *o, pgoff_t pgoff)
{
    return object_look_up(o, pgoff);
}

static int charge(struct vm_object *o, pgoff_t pgoff)
{
    if (unlikely(pooled(o)))
        return huge_ops->filled(o, pgoff);
    return quota_charge_pages(o->quota, 1ul << o->order) ? 0 : -ENOSPC;
}

/* Puts a page into the index and on the bill; leaf: where, NULL: there is none yet. -ENOMEM, -ENOSPC. */
static int insert(struct vm_object *o, pgoff_t pgoff, struct index_node *leaf,
                  struct page *fresh)
{
    REQUIRES(&o->lock);
    if (!leaf)
        leaf = index_make_leaf(&o->pages, object_number(pgoff));
    if (!leaf)
        return -ENOMEM;
    if (!object_settle_nodes(o) || charge(o, pgoff) != 0) {
        index_trim(&o->pages, object_number(pgoff));
        settle_less(o);
        return -ENOSPC;
    }
    fresh->object = o;
    fresh->index = object_number(pgoff);
    fresh->links = (struct backlinks){{0}, {0}};
    fresh->type = PAGE_OBJECT; /* complete, before others find it */
    index_put(&o->pages, leaf, object_number(pgoff), fresh);
    mm_part_add(pages_total, 1l << o->order);
    if (commits_pages(o))
        commit_add(1);
    return 0;
}

/* The page at pgoff, O held: `fresh` with the flags `mark` when it is missing; with a pin, if that is
 * wanted. -ENXIO, -ENOMEM, -ENOSPC. */
static int find_or_insert(struct vm_object *o, pgoff_t pgoff, bool extend, u16 mark,
                          bool pin, struct page *fresh, struct page **pg)
{
    REQUIRES(&o->lock);
    struct index_node *leaf = index_leaf(&o->pages, object_number(pgoff));
    int err;

    if (!extend && pgoff >= object_npages(o))
        return -ENXIO;
    *pg = leaf ? leaf->slot[pgoff % INDEX_SLOTS] : NULL;
    if (unlikely(*pg)) {
        if (pin)
            page_get(*pg); /* it does not leave: that takes O */
        return 0;
    }
    fresh->flags = mark;
    fresh->refs = 1 + pin; /* the object's and the caller's, before others find it */
    err = insert(o, pgoff, leaf, fresh);
    if (err)
        fresh->refs = 1;
    else
        *pg = fresh;
    return err;
}

/* A block that is not needed after all. */
static void unuse(struct vm_object *o, struct page *fresh)
{
    if (pooled(o))
        huge_ops->give(fresh, NULL);
    else
        page_free(fresh, o->order);
}

/* The page at pgoff, made (and given the flags `mark`) when missing, if pgoff is below the
 * size, which is checked under the lock, or `extend` allows any. out: NULL, if the caller saw that it
 * is missing and needs no pin. */
static int get_page(struct vm_object *o, pgoff_t pgoff, bool extend, u16 mark,
                    const struct page *src, struct page **out)
{
    struct page *fresh, *pg = NULL;
    int err;

    if (pgoff >= OBJECT_MAX_PAGES)
        return extend ? -EFBIG : -ENXIO;
    if (!extend && pgoff >= object_npages(o))
        return -ENXIO;
    if (out && (*out = object_pin(o, object_number(pgoff))))
        return 0;
    if (unlikely(mm_overcommit == OVERCOMMIT_NEVER) && commits_pages(o) &&
        commit_check(NULL, 1) != 0)
        return -ENOSPC;
    fresh = likely(!o->order) ? page_alloc_user(0, PA_ZERO)
                              : huge_alloc_copy(o, pgoff, NULL, false, src);
    if (!fresh)
        return -ENOMEM;
    spin_lock(&o->lock);
    err = find_or_insert(o, pgoff, extend, mark, out, fresh, &pg);
    spin_unlock(&o->lock);
    if (unlikely(pg != fresh))
        unuse(o, fresh);
    if (out)
        *out = pg;
    return err;
}

/* Two that fill the same hole would need two blocks for one promise. With `src` it must be a hole,
 * and gets a copy of that. */
static noinline int get_huge(struct vm_object *o, pgoff_t pgoff, bool extend, u16 mark,
                             const struct page *src, struct page **out)
{
    spinlock_t *lock = huge_lock_of(HUGE_PAGE, o, pgoff >> HUGE_ORDER);
    struct page *pg = NULL;
    int err;

    spin_lock(lock);
    if (src && (pg = object_pin(o, object_number(object_first(o, pgoff)))))
        err = -EEXIST;
    else
        err = get_page(o, object_first(o, pgoff), extend, mark, src, &pg);
    spin_unlock(lock);
    if (out)
        *out = pg;
    else if (pg)
        page_put(pg);
    return err;
}

static int get_any(struct vm_object *o, pgoff_t pgoff, bool extend, u16 mark,
                   struct page **out)
{
    return likely(!o->order) ? get_page(o, pgoff, extend, mark, NULL, out)
                             : get_huge(o, pgoff, extend, mark, NULL, out);
}

int object_insert_block(struct vm_object *o, pgoff_t pgoff, const struct page *src)
{
    return get_huge(o, pgoff, false, 0, src, NULL);
}

int object_get_page(struct vm_object *o, pgoff_t pgoff, struct page **out)
{
    return get_any(o, pgoff, false, 0, out);
}

int object_fill_hole(struct vm_object *o, pgoff_t pgoff)
{
    return get_any(o, pgoff, false, 0, NULL);
}

int object_get_page_extend(struct vm_object *o, pgoff_t pgoff, struct page **out)
{
    return get_any(o, pgoff, true, 0, out);
}

int object_insert_page(struct vm_object *o, pgoff_t pgoff, struct page *fresh)
{
    struct page *there;
    int err;

    if (pgoff >= OBJECT_MAX_PAGES)
        return -ENXIO;
    if (mm_overcommit == OVERCOMMIT_NEVER && commits_pages(o) &&
        commit_check(NULL, 1) != 0)
        return -ENOSPC;
    SCOPED_LOCK(&o->lock);
    err = find_or_insert(o, pgoff, false, 0, false, fresh, &there);
    return !err && there != fresh ? -EEXIST : err;
}

void object_grow(struct vm_object *o, u64 size)
{
    spin_lock(&o->lock);
    if (size > o->size)
        WRITE_ONCE(o->size, size);
    spin_unlock(&o->lock);
}

int object_allocate(struct vm_object *o, u64 start, u64 end)
{
    pgoff_t first = start >> PAGE_SHIFT, last = (end + PAGE_SIZE - 1) >> PAGE_SHIFT;

    if (end > OBJECT_MAX_SIZE)
        return -EFBIG;
    for (pgoff_t i = first; i < last; i += 1ul << o->order) {
        struct page *pg;

        /* Marks what this call makes, so that a failure takes back only that. */
        if (get_any(o, i, true, PG_FRESH, &pg) != 0) {
            object_unallocate(o, first, i);
            return -ENOSPC;
        }
        page_put(pg);
        if (pause_point()) {
            object_unallocate(o, first, i + 1);
            return -EINTR;
        }
    }
    object_keep_fresh(o, first, last);
    return 0;
}

s64 object_seek(struct vm_object *o, s64 pos, bool hole)
{
    s64 result = -ENXIO;

    spin_lock(&o->lock);
    if (pos >= 0 && (u64)pos < o->size) {
        u64 page = (u64)pos >> PAGE_SHIFT, first = page;
        u32 number = object_number(page);

        if (hole) {
            while (page < object_npages(o) && index_get(&o->pages, object_number(page))) {
                page++;
                (void)pause_unlocked(&o->lock);
            }
            result = page == first ? pos : (s64)MIN(page << PAGE_SHIFT, o->size);
        } else if (index_next(&o->pages, &number) && number < object_npages(o)) {
            result = number == first ? pos : (s64)((u64)number << PAGE_SHIFT);
        }
    }
    spin_unlock(&o->lock);
    return result;
}
u64 object_pages_total(void)
{
    return mm_part_sum(pages_total);
}

u64 object_count(void)
{
    return slab_objects(&object_cache);
}
