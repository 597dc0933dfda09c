/* SPDX-License-Identifier: MIT
 *
 * remap_file_pages: rearranges which file pages a shared mapping shows, at the cost of one
 * number beside each page-table slot and no VMA. Check, reserve tables and away arrays (the
 * only step that can fail), commit leaf by leaf, flush once.
 *
 * One call moves its whole range by one distance, so either every page of it comes home or
 * every page goes away.
 */
#include "lib/uapi/errno.h"
#include "lib/uapi/mman.h"
#include "mm/away.h"
#include "mm/backlink.h"
#include "mm/calls.h"
#include "mm/fault.h"
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

/* Rounds down as the man page says and checks what needs no lock. */
static int check_args(struct remap *r, vaddr_t addr, u64 size, u64 prot, pgoff_t pgoff)
{
    u64 npages = size >> PAGE_SHIFT;

    if (prot != 0)
        return -EINVAL;
    r->start = addr & PAGE_MASK;
    size &= PAGE_MASK;
    if (size == 0 || r->start >= USER_END || size > USER_END - r->start)
        return -EINVAL;
    if (pgoff > OBJECT_MAX_PAGES || npages > OBJECT_MAX_PAGES - pgoff)
        return -EINVAL;
    r->end = r->start + size;
    r->pgoff = pgoff;
    return 0;
}

/* Frees the arrays (and nothing else) that the range does not use. */
static void trim_arrays(struct remap *r)
{
    struct page *leaf;

    pt_for_each_leaf (r->mm, r->start, r->end, va, next, leaf)
        away_trim(leaf);
}

/* After this the commit cannot fail. On failure the range is as it was. */
static int reserve(struct remap *r)
{
    vaddr_t va = r->start;

    if (r->home)
        return 0;
    while (va < r->end) {
        struct page *leaf = pt_leaf(r->mm, va);

        if (!leaf)
            leaf = pt_leaf_make(r->mm, va);
        if (!leaf || away_reserve(leaf) != 0) {
            struct tlb_batch b;

            trim_arrays(r);
            tlb_begin(&b, r->mm);
            pt_trim(r->mm, r->start, r->end, r->v->start, r->v->end, &b);
            tlb_end(&b);
            return -ENOMEM;
        }
        va = (va | (LEAF_SPAN - 1)) + 1;
    }
    return 0;
}

/* The translation entry i shall have: that of the resident file page, or none. O and T held. */
static pte_t new_entry(struct remap *r, struct page *leaf, unsigned i, pgoff_t pgoff,
                       struct object_cursor *c)
{
    struct page *pg;

    if (!r->install)
        return 0;
    pg = object_cursor_get(c, pgoff);
    /* The backlink must be there before the entry is visible. Without memory for it the page
     * is left to a fault: populating is best effort. */
    if (!pg || (!r->home && backlink_add(pg, leaf, i) != 0)) {
        r->missing = true;
        return 0;
    }
    return pte_make_user(page_to_pfn(pg), r->v->flags & VM_PROT);
}

/* Rearranges [va, next) inside one leaf table. O and T held. */
static void commit_leaf(struct remap *r, struct page *leaf, vaddr_t va, vaddr_t next)
{
    pte_t *entries = pt_entries(leaf);
    pgoff_t pgoff = r->pgoff + ((va - r->start) >> PAGE_SHIFT);
    struct object_cursor cursor = object_cursor(r->v->object);
    u64 installed = 0;
    s64 rss = 0;

    for (unsigned i = pt_index(va, 0); va < next; i++, va += PAGE_SIZE, pgoff++) {
        u32 value = r->home ? 0 : (u32)pgoff + 1;
        pte_t old = pte_load(&entries[i]), pte;

        if (leaf->away && leaf->away[i] != value) {
            away_set(leaf, i, value);
        } else if (old) { /* shows that page already */
            continue;
        }
        pte = new_entry(r, leaf, i, pgoff, &cursor);
        installed += pte != 0;
        if (pte == old)
            continue;
        pte_store(&entries[i], pte);
        rss += (pte != 0) - (old != 0);
        if (old)
            tlb_change(&r->batch, va);
    }
    mm_count_n(remap_installed, installed);
    leaf->present += (u16)rss;
    if (rss)
        __atomic_fetch_add(&r->mm->rss_shmem, (u64)rss, __ATOMIC_RELAXED);
}

static void commit(struct remap *r)
{
    struct vm_object *o = r->v->object;
    struct page *leaf;

    tlb_begin(&r->batch, r->mm);
    for (vaddr_t va = r->start, next; va < r->end; va = next) {
        next = MIN((va | (LEAF_SPAN - 1)) + 1, r->end);
        leaf = pt_leaf(r->mm, va);
        if (!leaf) { /* coming home where nothing is away: nothing is shown either */
            r->missing = true;
            continue;
        }
        spin_lock(&o->lock);
        spin_lock(&leaf->lock);
        commit_leaf(r, leaf, va, next);
        spin_unlock(&leaf->lock);
        spin_unlock(&o->lock);
        if (r->home)
            away_trim(leaf);
    }
    tlb_end(&r->batch);
}

int mm_remap(struct mm *mm, vaddr_t addr, u64 size, u64 prot, pgoff_t pgoff, u32 flags)
{
    struct remap r;
    int err = check_args(&r, addr, size, prot, pgoff);

    if (err)
        return err;
    mutex_lock(&mm->lock);
    r.mm = mm;
    r.v = vma_at(mm, r.start);
    if (!r.v || vma_kind(r.v) != VMA_SHARED || r.end > r.v->end) {
        mutex_unlock(&mm->lock);
        return -EINVAL;
    }
    r.home = pgoff == vma_home(r.v, r.start);
    /* A locked mapping is always populated; one without rights cannot be. */
    r.install =
        (!(flags & MAP_NONBLOCK) || vm_populates(r.v->flags)) && (r.v->flags & VM_PROT);
    r.missing = false;
    err = reserve(&r);
    if (!err) {
        commit(&r);
        mm_count(remap_calls);
        mm_count_n(remap_pages, (r.end - r.start) >> PAGE_SHIFT);
        if (r.install && r.missing)
            (void)fault_populate(mm, r.start, r.end);
    }
    mutex_unlock(&mm->lock);
    return err;
}
