/* SPDX-License-Identifier: MIT
 *
 * remap_file_pages: rearranges which file pages a shared mapping shows, at the cost of one
 * number beside each page-table slot and no VMA. The steps are those of mm/op/rearrange.h.
 * Where tables and arrays are there the VMA is only read; else M is taken exclusively.
 *
 * One call moves its whole range by one distance, so either every page of it comes home or
 * every page goes away.
 */
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/mman.h"
#include "mm/call/calls.h"
#include "mm/op/fault.h"
#include "mm/op/mm.h"
#include "mm/op/populate.h"
#include "mm/op/rearrange.h"
#include "mm/phys/stat.h"

/* The general case: any range, any table still to be made. */
static noinline int remap_range(struct vma *v, vaddr_t start, vaddr_t end, pgoff_t pgoff,
                                bool lazy)
{
    REQUIRES_EXCLUSIVE(&v->mm->lock);
    bool home = pgoff == vma_home(v, start);
    struct rearrange r; /* no initialiser: it would clear the change */
    int err;

    rearrange_begin(&r, v->mm, lazy);
    rearrange_use(&r, v);
    err = home ? rearrange_thaw(&r, start, end) : rearrange_reserve(&r, start, end);
    if (err) {
        rearrange_undo(&r, start, end);
        return err;
    }
    rearrange_range(&r, start, end, pgoff);
    rearrange_flush(&r);
    if (home)
        rearrange_trim(&r, start, end);
    if (r.missing && r.install)
        (void)fault_populate(v->mm, start, end);
    return 0;
}

/* The translation at va was replaced; `all`: there is more to flush (change_pending()). */
static noinline void flush_replaced(struct mm *mm, vaddr_t va, bool all)
{
    struct change c;

    change_begin(&c, mm);
    if (all)
        change_note_all(&c);
    else
        change_note(&c, va);
    change_end(&c);
}

/* What an attempt with the VMAs read only comes to, beside 0 and an error. */
#define REMAP_SLOW    1 /* nothing is done, it takes more than that */
#define REMAP_MISSING 2 /* done, but pages that should be in place are not */

/* The case that counts: one page, away, in a table that has its array. The general steps with
 * constants; what they do not use of r is not there. */
static always_inline int remap_one(struct mm *mm, struct vma *v, vaddr_t va,
                                   pgoff_t pgoff, bool install)
{
    REQUIRES(&mm->lock);
    struct vm_object *o = v->object;
    struct slot s = slot_read(mm, va);
    u32 number = object_number(pgoff);
    struct tally t = {0, 0};
    struct index_node *node = NULL;
    struct rearrange r;
    bool missing = false, others, left;

    if (!away_writable(s.table))
        return REMAP_SLOW;
    spin_lock(&s.table->lock);
    others = change_pending(s.table);
    change_begin_one(&r.change);
    if (likely(install)) {
        void *pg = NULL;

        r.missing = false;
        r.rights = pte_make_unused(v->rights);
        if (likely(pgoff < object_npages(o)))
            node = index_leaf(&o->pages, number);
        if (likely(node)) {
            spin_lock(&node->lock);
            pg = node->slot[pgoff % INDEX_SLOTS];
        }
        rearrange_run(&r, s, va, 1, false, number, &pg, false, &t, 0);
        if (likely(node))
            spin_unlock(&node->lock);
        missing = r.missing;
    } else {
        rearrange_run(&r, s, va, 1, false, number, NULL, false, &t, 0);
    }
    slot_settle_one(mm, true, s.table, &t, RESIDENT_SHMEM, 0);
    /* Flushed before others can look at the table there is nothing to tell them. */
    left = others || (change_noted(&r.change) && !change_flush_address(mm, va));
    if (unlikely(left))
        change_stamp(s.table);
    spin_unlock(&s.table->lock);
    if (unlikely(left))
        flush_replaced(mm, va, others);
    object_changed(o);
    return missing ? REMAP_MISSING : 0;
}

#define REMAP_READ_MAX 512u /* pages set without a pause */

/* The same for a few pages. */
static noinline int remap_few(struct mm *mm, struct vma *v, vaddr_t start, vaddr_t end,
                              pgoff_t pgoff, u32 flags)
{
    REQUIRES(&mm->lock);
    struct rearrange r;

    if (end - start >
        (object_has_logs(v->object) ? LOGGED_RUN : REMAP_READ_MAX) * PAGE_SIZE)
        return REMAP_SLOW;
    for (vaddr_t va = start; va < end; va = (va | (LEAF_SPAN - 1)) + 1)
        if (!away_writable(slot_read(mm, va).table))
            return REMAP_SLOW;
    rearrange_begin(&r, mm, flags & MAP_NONBLOCK);
    r.whole = true;
    rearrange_use(&r, v);
    rearrange_near(&r);
    rearrange_range(&r, start, end, pgoff);
    change_end(&r.change);
    object_changed(v->object);
    return r.missing && r.install ? REMAP_MISSING : 0;
}

/* The call on a VMA that stands still, between vma_read_begin() and mm_read_end(). */
static always_inline int remap_read(struct mm *mm, struct vma *v, vaddr_t start,
                                    vaddr_t end, pgoff_t pgoff, u32 flags)
{
    int err = rearrange_check(v, start, end);
    bool install;

    if (unlikely(err))
        return err;
    if (unlikely(v->flags & (VM_HUGE | VM_BY_FAULT) || pgoff == vma_home(v, start)))
        return REMAP_SLOW; /* at home an array may be empty */
    /* A locked mapping is always populated; one without rights cannot be. */
    install = (!(flags & MAP_NONBLOCK) || vm_populates(v->flags)) && (v->flags & VM_PROT);
    if (end - start == PAGE_SIZE)
        return install ? remap_one(mm, v, start, pgoff, true)
                       : remap_one(mm, v, start, pgoff, false);
    return remap_few(mm, v, start, end, pgoff, flags);
}

/* The call in general. `odd`: bits of addresses that huge pages do not round. */
static noinline int remap_slow(struct mm *mm, vaddr_t start, vaddr_t end, pgoff_t pgoff,
                               u64 odd, u32 flags)
{
    struct vma *v;
    int err;

    mm_lock(mm);
    v = vma_at(mm, start);
    err = rearrange_check(v, start, end);
    if (!err && odd % vma_page_size(v) && vma_order(v))
        err = -EINVAL;
    if (!err)
        err = remap_range(v, start, end, pgoff, flags & MAP_NONBLOCK);
    mm_unlock(mm);
    return err;
}

int mm_remap(struct mm *mm, vaddr_t addr, u64 size, u64 prot, pgoff_t pgoff, u32 flags)
{
    /* Both are rounded down, says the man page. */
    vaddr_t start = addr & PAGE_MASK, end = start + (size & PAGE_MASK);
    u64 npages = (end - start) >> PAGE_SHIFT;
    int err = REMAP_SLOW;
    struct vma *v;

    if (unlikely(prot || start >= end)) /* or wraps, or is empty */
        return -EINVAL;
    if (unlikely(pgoff > OBJECT_MAX_PAGES || pgoff + npages > OBJECT_MAX_PAGES))
        return -EINVAL;
    /* That all lies below USER_END is found with the VMA. */
    v = vma_read_begin(mm, start);
    if (likely(v)) {
        err = remap_read(mm, v, start, end, pgoff, flags);
        mm_read_end(mm);
    }
    if (unlikely(err == REMAP_SLOW))
        err = remap_slow(mm, start, end, pgoff, addr | size | pgoff << PAGE_SHIFT, flags);
    if (unlikely(err == REMAP_MISSING)) {
        mm_lock_shared(mm);
        (void)fault_populate(mm, start, end);
        mm_unlock_shared(mm);
        err = 0;
    }
    if (likely(!err)) {
        mm_count(remap_calls);
        mm_count_n(remap_pages, npages);
    }
    return err;
}
