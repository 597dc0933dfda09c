/* SPDX-License-Identifier: MIT
 *
 * remap_file_pages: rearranges which file pages a shared mapping shows, at the cost of one
 * number beside each page-table slot and no VMA. Check, reserve tables and away arrays (the
 * only step that can fail), commit leaf by leaf, flush once.
 *
 * One call moves its whole range by one distance, so either every page of it comes home or
 * every page goes away.
 */
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/mman.h"
#include "mm/away.h"
#include "mm/backlink.h"
#include "mm/calls.h"
#include "mm/fault.h"
#include "mm/huge.h"
#include "mm/mm.h"
#include "mm/object_tree.h"
#include "mm/stat.h"

struct remap {
    struct mm *mm;
    struct vma *v;
    vaddr_t start, end;
    pgoff_t pgoff; /* file page shown at start afterwards */
    bool home;     /* that is the home of start */
    bool install;  /* put translations of resident pages in place at once */
    bool missing;  /* some page could not be installed: populate later */
    struct tlb_batch batch;
};

/* Frees the arrays and tables that the range does not use. Truncate may walk the tables of a
 * mapping that stands in its object's tree, so the object is locked. */
static void unreserve(struct remap *r)
{
    REQUIRES_EXCLUSIVE(&r->mm->lock);
    struct vma *prev = vma_prev(r->v), *next = vma_next(r->v);
    struct page *leaf;

    pt_for_each_leaf (r->mm, r->start, r->end, va, stop, leaf) {
        (void)stop;
        away_trim(leaf);
        pause_anyway();
    }
    pt_trim_locked(r->mm, r->start, r->end, prev ? prev->end : 0,
                   next ? next->start : USER_END + PAGE_SIZE, &r->v->object->lock);
}

/* The table and array for the part at va. false: no memory. */
static bool reserve_leaf(struct remap *r, vaddr_t va, struct leaf *leaf)
{
    *leaf = pt_leaf_ref(r->mm, va);
    if (likely(leaf->page && (leaf->page->away || r->home)))
        return true;
    if (r->home) /* nothing is shown there yet, and nothing is away */
        return true;
    if (!leaf->page) {
        leaf->page = pt_leaf_make(r->mm, va);
        if (!leaf->page)
            return false;
        leaf->entries = pt_entries(leaf->page);
    }
    return away_reserve(leaf->page) == 0;
}

/* After this the commit cannot fail. On failure, or when the thread is being killed, the range
 * is as it was. */
static int reserve(struct remap *r, struct leaf *first)
{
    REQUIRES_EXCLUSIVE(&r->mm->lock);
    vaddr_t va = r->start;
    struct leaf leaf;
    int err = -ENOMEM;

    if (!reserve_leaf(r, va, first))
        goto undo;
    if (r->home) /* there is nothing to reserve */
        return 0;
    for (va = (va | (LEAF_SPAN - 1)) + 1; va < r->end; va += LEAF_SPAN) {
        if (!reserve_leaf(r, va, &leaf))
            goto undo;
        if (pause_point()) {
            err = -EINTR;
            goto undo;
        }
    }
    return 0;
undo:
    unreserve(r);
    return err;
}

/* Rearranges entries [i, stop) of one table without looking at pages: translations of what is
 * no longer shown go, faults bring the new ones. */
static s64 commit_lazy(struct remap *r, struct leaf leaf, unsigned i, unsigned stop,
                       u32 value)
{
    REQUIRES(&leaf.page->lock);
    u32 *away = leaf.page->away, step = r->home ? 0 : 1;
    u32 changed = 0, were_away = 0;
    s64 rss = 0;

    if (!away) /* all at home, and home they shall be */
        return 0;
    for (; i < stop; i++, value += step) {
        if (away[i] == value)
            continue;
        changed++;
        were_away += away[i] != 0;
        away[i] = value;
        if (!pte_load(&leaf.entries[i]))
            continue;
        pte_store(&leaf.entries[i], 0);
        rss--;
        if (!tlb_all(&r->batch))
            tlb_change(&r->batch, pt_address(leaf.page, i));
    }
    leaf.page->naway += (u16)((r->home ? 0 : changed) - were_away);
    return rss;
}

/* The same for the n entries from i on, putting the translations of resident pages in place at
 * once: `pages` are the pages they shall show, one node of the index or a part of it; NULL: a
 * hole. */
static s64 install_run(struct remap *r, struct leaf leaf, unsigned i, unsigned n,
                       pgoff_t pgoff, void *const *pages)
{
    REQUIRES(&r->v->object->lock);
    REQUIRES(&leaf.page->lock);
    u32 *away = leaf.page->away ? leaf.page->away + i : NULL;
    pte_t *entries = leaf.entries + i, rights = pte_make_user(0, r->v->flags & VM_PROT);
    u32 changed = 0, were_away = 0, number = r->home ? 0 : object_number(pgoff) + 1;
    s32 rss = 0;

    for (unsigned k = 0; k < n; k++) {
        u32 value = r->home ? 0 : number + k;
        pte_t old = pte_load(&entries[k]), pte = 0;
        struct page *pg;

        if (away && away[k] != value) {
            changed++;
            were_away += away[k] != 0;
            away[k] = value;
        } else if (old) { /* shows that page already */
            continue;
        }
        pg = pages ? pages[k] : NULL;
        /* The backlink must be there before the entry is visible. Without memory for it the
         * page is left to a fault: populating is best effort. */
        if (likely(pg) && (!value || likely(backlink_add(pg, &entries[k]) == 0))) {
            pte = rights | page_to_pfn(pg) << PAGE_SHIFT;
            rss += !old;
        } else {
            r->missing = true;
            rss -= old != 0;
        }
        if (pte == old)
            continue;
        pte_store(&entries[k], pte);
        if (old && !tlb_all(&r->batch))
            tlb_change(&r->batch, pt_address(leaf.page, i + k));
    }
    leaf.page->naway += (u16)((r->home ? 0 : changed) - were_away);
    return rss;
}

/* Entries [i, stop), node by node of the object's index. */
static s64 commit_install(struct remap *r, struct leaf leaf, unsigned i, unsigned stop)
{
    REQUIRES(&r->v->object->lock);
    REQUIRES(&leaf.page->lock);
    struct vm_object *o = r->v->object;
    pgoff_t pgoff = r->pgoff + ((pt_address(leaf.page, i) - r->start) >> PAGE_SHIFT);
    pgoff_t end = object_npages(o); /* fallocate may have put pages behind it */
    s64 rss = 0;

    while (i < stop) {
        unsigned n = (unsigned)MIN(stop - i, INDEX_SLOTS - pgoff % INDEX_SLOTS);
        struct index_node *node = NULL;

        if (pgoff < end) {
            node = index_leaf(&o->pages, object_number(pgoff));
            n = (unsigned)MIN((u64)n, end - pgoff);
        }
        rss += install_run(r, leaf, i, n, pgoff,
                           node ? node->slot + pgoff % INDEX_SLOTS : NULL);
        i += n;
        pgoff += n;
    }
    return rss;
}

/* Rearranges [va, next), which lies in one table. */
static void commit_leaf(struct remap *r, struct leaf leaf, vaddr_t va, vaddr_t next)
{
    REQUIRES(&r->v->object->lock);
    unsigned i = pt_index(va, 0), stop = i + (unsigned)((next - va) >> PAGE_SHIFT);
    u32 value =
        r->home ? 0 : object_number(r->pgoff + ((va - r->start) >> PAGE_SHIFT)) + 1;
    s64 rss;

    if (!leaf.page) { /* coming home where nothing is shown */
        r->missing = true;
        return;
    }
    spin_lock(&leaf.page->lock);
    rss = r->install ? commit_install(r, leaf, i, stop)
                     : commit_lazy(r, leaf, i, stop, value);
    leaf.page->present += (u16)rss;
    spin_unlock(&leaf.page->lock);
    if (rss)
        __atomic_fetch_add(&r->mm->rss_shmem, (u64)rss, __ATOMIC_RELAXED);
    if (r->home)
        away_trim(leaf.page);
}

/* Where the next table of the range is, that may hold something away. */
static vaddr_t skip_unused(struct remap *r, vaddr_t va)
{
    vaddr_t next = pt_next_leaf(r->mm, va, r->end);

    r->missing |= next != va;
    return next;
}

static void commit(struct remap *r, struct leaf leaf)
{
    struct vm_object *o = r->v->object;
    vaddr_t va = r->start;

    /* Until the flush is done: truncate must not free a page whose translation was replaced
     * here while some CPU may still use it. */
    spin_lock(&o->lock);
    tlb_begin(&r->batch, r->mm);
    for (;;) {
        vaddr_t next = MIN((va | (LEAF_SPAN - 1)) + 1, r->end);

        commit_leaf(r, leaf, va, next);
        va = next;
        if (va < r->end && r->home) /* to the next table: between them nothing is away */
            va = skip_unused(r, va);
        if (va >= r->end)
            break;
        if (pause_due()) {
            tlb_flush(&r->batch);
            (void)pause_unlocked(&o->lock); /* M keeps everybody else from this range */
        }
        leaf = pt_leaf_ref(r->mm, va);
    }
    tlb_end(&r->batch);
    o->shown++;
    spin_unlock(&o->lock);
}

/* The general case: any range, any table still to be made. */
static noinline int remap_range(struct mm *mm, struct vma *v, vaddr_t start, vaddr_t end,
                                pgoff_t pgoff, bool install)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    struct remap r; /* no initialiser: it would clear the batch */
    struct leaf leaf;
    int err;

    r.mm = mm;
    r.v = v;
    r.start = start;
    r.end = end;
    r.pgoff = pgoff;
    r.home = pgoff == vma_home(v, start);
    r.install = install;
    r.missing = false;
    err = reserve(&r, &leaf);
    if (err)
        return err;
    commit(&r, leaf);
    if (install && r.missing)
        (void)fault_populate(mm, start, end);
    return 0;
}

/* The translation at va was replaced. O held: truncate must not free the old page before. */
static inline void flush_replaced(struct mm *mm, vaddr_t va)
{
    REQUIRES(&vma_at(mm, va)->object->lock);
    struct tlb_batch b;

    tlb_begin(&b, mm);
    tlb_change(&b, va);
    tlb_end(&b);
}

/* Puts `pte` (0: none) in the place of entry i, which shows another page. */
static inline void replace_entry(struct mm *mm, struct leaf leaf, unsigned i, vaddr_t va,
                                 pte_t pte)
{
    REQUIRES(&leaf.page->lock);
    pte_t old = pte_load(&leaf.entries[i]);
    int change = (pte != 0) - (old != 0);

    if (pte == old)
        return;
    pte_store(&leaf.entries[i], pte);
    if (change) {
        leaf.page->present += (u16)change;
        __atomic_fetch_add(&mm->rss_shmem, (u64)change, __ATOMIC_RELAXED);
    }
    if (old)
        flush_replaced(mm, va);
}

/* The case that counts: one page, away, in a table that has its array; resident if it is to
 * be installed. Does what remap_range would do in a fraction of the instructions; false: not
 * that case, nothing done. */
static inline bool remap_one(struct mm *mm, struct vma *v, vaddr_t va, pgoff_t pgoff,
                             bool install)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    struct vm_object *o = v->object;
    struct leaf leaf = pt_leaf_ref(mm, va);
    unsigned i = pt_index(va, 0);
    u32 value = object_number(pgoff) + 1;
    bool done = !install;

    if (!leaf.page || !leaf.page->away)
        return false;
    spin_lock(&o->lock);
    spin_lock(&leaf.page->lock);
    if (install) {
        struct page *pg =
            pgoff < object_npages(o) ? index_get(&o->pages, object_number(pgoff)) : NULL;

        if (likely(pg) && likely(backlink_add(pg, &leaf.entries[i]) == 0)) {
            away_set(leaf.page, i, value);
            replace_entry(mm, leaf, i, va,
                          pte_make_user(page_to_pfn(pg), v->flags & VM_PROT));
            done = true;
        }
    } else if (leaf.page->away[i] != value) {
        away_set(leaf.page, i, value);
        replace_entry(mm, leaf, i, va, 0);
    }
    o->shown++;
    spin_unlock(&leaf.page->lock);
    spin_unlock(&o->lock);
    return done;
}

#define REMAP_HUGE 1

/* Why this range of v (NULL: nothing mapped) cannot be rearranged; 0: it can, REMAP_HUGE: by
 * huge_remap. */
static inline int check_vma(const struct vma *v, vaddr_t end)
{
    if (!v || vma_kind(v) != VMA_SHARED || end > v->end)
        return -EINVAL;
    if (likely(!(v->flags & (VM_NOREMAP | VM_SEALED | VM_HUGE))))
        return 0;
    if (v->flags & VM_NOREMAP)
        return -EINVAL;
    return v->flags & VM_SEALED ? -EPERM : REMAP_HUGE;
}

int mm_remap(struct mm *mm, vaddr_t addr, u64 size, u64 prot, pgoff_t pgoff, u32 flags)
{
    /* Both are rounded down, says the man page. */
    vaddr_t start = addr & PAGE_MASK;
    u64 asked = size;
    struct vma *v;
    bool install;
    int err;

    size &= PAGE_MASK;
    if (prot != 0 || size == 0 || start >= USER_END || size > USER_END - start)
        return -EINVAL;
    if (pgoff > OBJECT_MAX_PAGES || size >> PAGE_SHIFT > OBJECT_MAX_PAGES - pgoff)
        return -EINVAL;
    mutex_lock(&mm->lock);
    v = vma_at(mm, start);
    err = check_vma(v, start + size);
    if (likely(!err)) {
        /* A locked mapping is always populated; one without rights cannot be. */
        install =
            (!(flags & MAP_NONBLOCK) || vm_populates(v->flags)) && (v->flags & VM_PROT);
        if (size != PAGE_SIZE || pgoff == vma_home(v, start) ||
            !remap_one(mm, v, start, pgoff, install))
            err = remap_range(mm, v, start, start + size, pgoff, install);
    }
    if (unlikely(err == REMAP_HUGE))
        err = huge_remap(mm, v, addr, asked, pgoff,
                         !(flags & MAP_NONBLOCK) && (v->flags & VM_PROT));
    if (likely(!err)) {
        mm_count(remap_calls);
        mm_count_n(remap_pages, size >> PAGE_SHIFT);
    }
    mutex_unlock(&mm->lock);
    return err;
}
