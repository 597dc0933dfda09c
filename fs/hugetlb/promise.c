/* SPDX-License-Identifier: MIT
 *
 * Promises of pages of 2 MiB. A file has a list of ranges: a page in one of them is there, or
 * is promised. A private mapping's are the slots without a private page; the address space has
 * their number.
 */
#include "fs/hugetlb/promise.h"
#include "fs/hugetlb/pool.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "mm/phys/slab.h"
#include "mm/vm/huge.h"

struct range {
    struct list link;
    u64 first, end; /* pages of 2 MiB */
};

/* What an object has. */
struct huge_file {
    struct huge_share *share; /* [c] */
    struct list ranges;       /* [O] ascending, with gaps between */
};

SLAB_CACHE(range_cache, "huge_range", struct range);
SLAB_CACHE(file_cache, "huge_file", struct huge_file);

static struct range *range_of(struct list *pos)
{
    return list_entry(pos, struct range, link);
}

static struct huge_file *file_of(const struct vm_object *o)
{
    return o->huge;
}

static struct huge_share *share_of(const struct vma *v)
{
    return v->object ? file_of(v->object)->share : NULL;
}

static bool in_range(const struct huge_file *f, u64 number)
{
    struct list *pos;

    list_for_each (pos, &f->ranges)
        if (number < range_of(pos)->end)
            return number >= range_of(pos)->first;
    return false;
}

static int attach(struct vm_object *o)
{
    struct huge_file *f = slab_zalloc(&file_cache);

    if (!f)
        return -ENOMEM;
    list_init(&f->ranges);
    o->huge = f;
    return 0;
}

void huge_set_share(struct vm_object *o, struct huge_share *s)
{
    huge_share_get(s);
    file_of(o)->share = s;
}

/* ---- files ---- */

/* Pages of [first, end) that are there, if `all`, or those of them outside the ranges. */
static u64 present(struct vm_object *o, u64 first, u64 end, bool all)
{
    REQUIRES_UNLESS(o->refs == 0, &o->lock);
    u32 number = object_number(MIN(first << HUGE_ORDER, OBJECT_MAX_PAGES));
    u64 n = 0;

    while (index_next(&o->pages, &number) && number >> HUGE_ORDER < end) {
        n += all || !in_range(file_of(o), number >> HUGE_ORDER);
        number += HUGE_PAGES;
    }
    return n;
}

/* Promises of [first, end): pages in ranges that are not there. */
static u64 promised(struct vm_object *o, u64 first, u64 end)
{
    struct list *pos;
    u64 n = 0;

    list_for_each (pos, &file_of(o)->ranges) {
        const struct range *r = range_of(pos);
        u64 from = MAX(r->first, first), to = MIN(r->end, end);

        if (from < to)
            n += to - from - present(o, from, to, true);
    }
    return n;
}

/* Makes [first, end) one range with what it meets; `fresh` is used, or freed. */
static void add_range(struct huge_file *f, u64 first, u64 end, struct range *fresh)
{
    struct list *pos = f->ranges.next, *next;

    while (pos != &f->ranges && range_of(pos)->end < first)
        pos = pos->next;
    for (; pos != &f->ranges && range_of(pos)->first <= end; pos = next) {
        struct range *r = range_of(pos);

        next = pos->next;
        first = MIN(first, r->first);
        end = MAX(end, r->end);
        list_del(&r->link);
        slab_free(&range_cache, r);
    }
    fresh->first = first;
    fresh->end = end;
    list_add_tail(pos, &fresh->link);
}

/* Promises pages [first, end) of o as far as they are neither there nor promised. */
static int promise_once(struct vm_object *o, u64 first, u64 end)
{
    struct huge_file *f = file_of(o);
    struct range *fresh = slab_zalloc(&range_cache);
    int err;
    u64 n;

    if (!fresh)
        return -ENOMEM;
    spin_lock(&o->lock);
    n = end - first - present(o, first, end, false);
    for (struct list *pos = f->ranges.next; pos != &f->ranges; pos = pos->next) {
        u64 from = MAX(range_of(pos)->first, first), to = MIN(range_of(pos)->end, end);

        n -= from < to ? to - from : 0;
    }
    err = hugepool_promise(f->share, n);
    if (!err)
        add_range(f, first, end, fresh);
    spin_unlock(&o->lock);
    if (err)
        slab_free(&range_cache, fresh);
    return err;
}

static int promise_file(struct vm_object *o, u64 first, u64 end)
{
    int err = promise_once(o, first, end);

    if (err) {
        hugepool_settle();
        err = promise_once(o, first, end);
    }
    return err;
}

int huge_promise_all(struct vm_object *o, u64 size)
{
    return promise_file(o, 0, (size + HUGE_SIZE - 1) / HUGE_SIZE);
}

/* Takes [first, end) out of r, which meets it. False: that cuts r in two, and there is no
 * memory for it: then r stays. */
static bool cut_range(struct range *r, u64 first, u64 end)
{
    if (r->first < first && end < r->end) {
        struct range *upper = slab_zalloc(&range_cache);

        if (!upper)
            return false;
        upper->first = end;
        upper->end = r->end;
        list_add_tail(r->link.next, &upper->link);
        r->end = first;
    } else if (r->first < first) {
        r->end = first;
    } else if (end < r->end) {
        r->first = end;
    } else {
        list_del(&r->link);
        slab_free(&range_cache, r);
    }
    return true;
}

/* Pages that are there and leave soon are in no range any more. */
static void forget_present(struct vm_object *o, pgoff_t first, pgoff_t last)
{
    REQUIRES(&o->lock);
    u32 page = object_number(first);

    for (; index_next(&o->pages, &page) && page < last; page += HUGE_PAGES) {
        struct list *pos = file_of(o)->ranges.next;
        u64 number = page >> HUGE_ORDER;

        while (pos != &file_of(o)->ranges && range_of(pos)->end <= number)
            pos = pos->next;
        if (pos != &file_of(o)->ranges && range_of(pos)->first <= number)
            (void)cut_range(range_of(pos), number, number + 1);
    }
}

static void unreserve(struct vm_object *o, pgoff_t first_page, pgoff_t last_page,
                      bool there)
{
    REQUIRES_UNLESS(o->refs == 0, &o->lock);
    if (there) {
        forget_present(o, first_page, last_page);
        return;
    }

    u64 first = first_page >> HUGE_ORDER;
    u64 end = (last_page + HUGE_PAGES - 1) >> HUGE_ORDER;
    struct huge_file *f = file_of(o);
    struct list *pos, *next;

    for (pos = f->ranges.next; pos != &f->ranges; pos = next) {
        struct range *r = range_of(pos);
        u64 from = MAX(r->first, first), to = MIN(r->end, end), n;

        next = pos->next;
        if (from >= to)
            continue;
        n = promised(o, from, to);
        if (!cut_range(r, from, to))
            continue;
        spin_lock(&hugepool_lock);
        hugepool_unpromise(f->share, (s64)n);
        spin_unlock(&hugepool_lock);
    }
}

static void detach(struct vm_object *o)
{
    struct huge_file *f = file_of(o);

    unreserve(o, 0, ~0ull >> 1, false);
    huge_share_put(f->share);
    slab_free(&file_cache, f);
}

static int filled(struct vm_object *o, pgoff_t pgoff)
{
    REQUIRES(&o->lock);
    struct huge_file *f = file_of(o);

    SCOPED_LOCK(&hugepool_lock);
    if (!in_range(f, pgoff >> HUGE_ORDER))
        return hugepool_charge(f->share);
    hugepool_keep();
    return 0;
}

static void gone(struct vm_object *o, pgoff_t pgoff)
{
    REQUIRES_UNLESS(o->refs == 0, &o->lock);
    struct huge_file *f = file_of(o);

    SCOPED_LOCK(&hugepool_lock);
    if (in_range(f, pgoff >> HUGE_ORDER))
        hugepool_renew();
    else
        hugepool_uncharge(f->share);
}

static struct page *take_for_file(struct vm_object *o, pgoff_t pgoff)
{
    struct huge_file *f = file_of(o);
    bool promised_one;

    spin_lock(&o->lock);
    spin_lock(&hugepool_lock);
    promised_one = in_range(f, pgoff >> HUGE_ORDER) || huge_share_has(f->share);
    spin_unlock(&hugepool_lock);
    spin_unlock(&o->lock);
    return hugepool_take(promised_one);
}

/* ---- private mappings ---- */

/* Without a promise it counts in the share at once; with one it does when it is in its slot. */
static struct page *take_private(const struct vma *v, bool claims)
{
    struct huge_share *s = share_of(v);
    struct page *pg;
    int err = 0;

    spin_lock(&hugepool_lock);
    if (claims && v->mm->huge_held) {
        s = NULL;
    } else {
        claims = huge_share_has(s);
        err = hugepool_charge(s);
    }
    spin_unlock(&hugepool_lock);
    if (err)
        return NULL;
    pg = hugepool_take(claims);
    if (pg) {
        huge_share_get(s);
        pg->payer = s;
    } else if (s) {
        spin_lock(&hugepool_lock);
        hugepool_uncharge(s);
        spin_unlock(&hugepool_lock);
    }
    return pg;
}

static struct page *take(struct vm_object *o, pgoff_t pgoff, const struct vma *v,
                         bool claims)
{
    return o ? take_for_file(o, pgoff) : take_private(v, claims);
}

static void give(struct page *pg, void *payer)
{
    hugepool_give(pg, payer);
    huge_share_put(payer);
}

static void owned(const struct vma *v, struct page *pg)
{
    SCOPED_LOCK(&hugepool_lock);
    if (!v->mm->huge_held || pg->payer)
        return;
    v->mm->huge_held--;
    hugepool_keep();
    pg->payer = share_of(v);
    huge_share_get(pg->payer);
}

static void regain(const struct vma *v, struct page *pg)
{
    struct huge_share *s = pg->payer;

    spin_lock(&hugepool_lock);
    v->mm->huge_held++;
    hugepool_renew();
    pg->payer = NULL;
    spin_unlock(&hugepool_lock);
    huge_share_put(s);
}

static void release(const struct vma *v, s64 n)
{
    SCOPED_LOCK(&hugepool_lock);
    n = MIN(n, (s64)v->mm->huge_held);
    v->mm->huge_held -= (u64)n;
    hugepool_unpromise(share_of(v), n);
}

static int promise_private(struct vma *v)
{
    u64 n = vma_npages(v) >> HUGE_ORDER;
    int err = hugepool_promise(share_of(v), n);

    if (err) {
        hugepool_settle();
        err = hugepool_promise(share_of(v), n);
    }
    if (err)
        return err;
    spin_lock(&hugepool_lock);
    v->mm->huge_held += n;
    spin_unlock(&hugepool_lock);
    v->flags |= VM_HUGE_OWNER;
    return 0;
}

static int reserve(struct vma *v)
{
    u64 first = v->pgoff >> HUGE_ORDER;

    if (v->flags & VM_SHARED)
        return promise_file(v->object, first, first + (vma_npages(v) >> HUGE_ORDER));
    return promise_private(v);
}

static const struct huge_ops ops = {.attach = attach,
                                    .detach = detach,
                                    .take = take,
                                    .give = give,
                                    .filled = filled,
                                    .gone = gone,
                                    .reserve = reserve,
                                    .unreserve = unreserve,
                                    .owned = owned,
                                    .regain = regain,
                                    .release = release};

void hugetlb_init(void (*settle)(void))
{
    hugepool_settle = settle;
    huge_ops = &ops;
    page_give_huge = give;
}
