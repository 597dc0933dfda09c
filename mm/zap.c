/* SPDX-License-Identifier: MIT
 *
 * The only file that removes translations. An entry names either a page of an object, which
 * belongs to its object and needs no word here, or private memory, which holds a reference.
 */
#include "mm/zap.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "mm/backlink.h"
#include "mm/huge.h"
#include "mm/mm.h"
#include "mm/object_tree.h"
#include "mm/rmap.h"
#include "mm/stat.h"

static inline void rss_sub(u64 *counter, u64 n)
{
    __atomic_fetch_sub(counter, n, __ATOMIC_RELAXED);
}

/* Accounts for the removed entry `pte` of an address space. */
static inline void zap_account(struct mm *mm, pte_t pte, bool shared, struct tlb_batch *b)
{
    struct page *pg = pfn_to_page(pte_any_pfn(pte));

    if (pg->type == PAGE_ANON) {
        rss_sub(&mm->rss_anon, 1);
        tlb_free(b, pg);
    } else if (pg != zero_page) {
        rss_sub(shared ? &mm->rss_shmem : &mm->rss_file, 1);
    }
}

/* Private memory: every entry is looked at. */
static void zap_private(struct vma *v, struct page *leaf, unsigned i, unsigned stop,
                        struct tlb_batch *b)
{
    pte_t *e = pt_entries(leaf);
    vaddr_t va = pt_address(leaf, i);
    u16 removed = 0;

    for (; i < stop && removed < leaf->present; i++, va += PAGE_SIZE) {
        pte_t pte = pte_load(&e[i]);

        if (!pte)
            continue;
        pte_store(&e[i], 0);
        removed++;
        if (pte_present(pte))
            tlb_change(b, va);
        zap_account(v->mm, pte, false, b);
    }
    leaf->present -= removed;
    mm_count_n(pte_zapped, removed);
}

/* Shared memory: pages of an object only, so a whole table is one sweep. */
static void zap_shared(struct vma *v, struct page *leaf, unsigned i, unsigned stop,
                       struct tlb_batch *b)
{
    pte_t *e = pt_entries(leaf);
    u16 removed = 0;

    if (stop - i == PT_ENTRIES) {
        removed = leaf->present;
        clear_page(e);
        tlb_change_all(b);
    } else {
        vaddr_t va = pt_address(leaf, i);

        for (; i < stop; i++, va += PAGE_SIZE) {
            if (!pte_load(&e[i]))
                continue;
            pte_store(&e[i], 0);
            removed++;
            tlb_change(b, va);
        }
    }
    leaf->present -= removed;
    rss_sub(&v->mm->rss_shmem, removed);
    mm_count_n(pte_zapped, removed);
}

void zap_range(struct vma *v, vaddr_t start, vaddr_t end, struct tlb_batch *b)
{
    REQUIRES(&v->mm->lock);
    bool shared = vma_kind(v) == VMA_SHARED;
    struct page *leaf;

    if (unlikely(vma_huge(v))) {
        huge_zap(v, start, end, b);
        return;
    }
    pt_for_each_leaf (v->mm, start, end, va, next, leaf) {
        unsigned i = pt_index(va, 0), stop = i + (unsigned)((next - va) >> PAGE_SHIFT);

        if (!leaf->present)
            continue;
        spin_lock(&leaf->lock);
        if (shared)
            zap_shared(v, leaf, i, stop, b);
        else
            zap_private(v, leaf, i, stop, b);
        spin_unlock(&leaf->lock);
        tlb_pause(b);
    }
    if (v->object)
        object_dropped(v->object);
}

/* Removes entry i (in use): count and flush note; accounting is the caller's. */
static inline void drop_entry(struct page *leaf, unsigned i, struct tlb_batch *b)
{
    REQUIRES(&leaf->lock);
    pte_t *e = pt_entries(leaf) + i, pte = pte_load(e);

    pte_store(e, 0);
    leaf->present--;
    mm_count(pte_zapped);
    tlb_switch(b, leaf->mm);
    if (pte_present(pte))
        tlb_change(b, pt_address(leaf, i));
}

void zap_object_pages(struct vma *v, vaddr_t start, vaddr_t end, struct tlb_batch *b)
{
    REQUIRES(&v->mm->lock);
    struct page *leaf;

    pt_for_each_leaf (v->mm, start, end, va, next, leaf) {
        spin_lock(&leaf->lock);
        for (vaddr_t a = va; a < next && leaf->present; a += PAGE_SIZE) {
            unsigned i = pt_index(a, 0);
            pte_t pte = pte_load(pt_entries(leaf) + i);

            if (!pte || pfn_to_page(pte_any_pfn(pte))->type == PAGE_ANON)
                continue;
            drop_entry(leaf, i, b);
            zap_account(v->mm, pte, vma_kind(v) == VMA_SHARED, b);
        }
        spin_unlock(&leaf->lock);
        tlb_pause(b);
    }
    if (v->object)
        object_dropped(v->object);
}

/* ---- removal by file page: the removing half of mm/rmap.h ---- */

struct unmap_ctx {
    struct page *pg;
    struct tlb_batch *b;
};

static inline void unmap_hint(u64 key, void *arg)
{
    const struct unmap_ctx *ctx = arg;
    struct page *leaf = phys_to_page(key << 3);

    if (leaf->type != PAGE_TABLE) /* a look without the lock, for the many stale ones */
        return;
    spin_lock(&leaf->lock);
    if (backlink_live(ctx->pg, key)) { /* still a table, and it shows this page */
        struct mm *mm = leaf->mm;

        if (unlikely(leaf->level))
            huge_zap_entry(leaf, (unsigned)(key % PT_ENTRIES), ctx->b);
        else
            drop_entry(leaf, (unsigned)(key % PT_ENTRIES), ctx->b);
        /* away pages are in shared mappings only */
        rss_sub(&mm->rss_shmem, 1ul << ctx->pg->order);
    }
    spin_unlock(&leaf->lock);
}

void rmap_unmap_away(struct page *pg, struct tlb_batch *b)
{
    REQUIRES(&pg->object->lock);
    struct unmap_ctx ctx = {pg, b};

    if (unlikely(pg->flags & PG_LOG)) {
        u64 at = 0;

        while (backlink_visit_part(pg, &at, unmap_hint, &ctx)) {
            if (!pause_due())
                continue;
            tlb_flush(b);
            (void)pause_unlocked(&pg->object->lock);
        }
        return;
    }
    for (unsigned s = 0; s < BACKLINKS_INLINE; s++) {
        u64 key = backlink_inline(pg, s);

        if (key)
            unmap_hint(key, &ctx);
    }
}

static void unmap_home_leaf(struct vma *v, struct page *leaf, vaddr_t va, vaddr_t next,
                            bool cows, struct tlb_batch *b)
{
    bool shared = vma_kind(v) == VMA_SHARED;
    pte_t *e = pt_entries(leaf);

    spin_lock(&leaf->lock);
    for (; va < next && leaf->present; va += PAGE_SIZE) {
        unsigned i = pt_index(va, 0);
        pte_t pte = pte_load(&e[i]);

        if (!pte || (leaf->away && leaf->away[i]))
            continue;
        if (!shared && !cows && pfn_to_page(pte_any_pfn(pte))->type == PAGE_ANON)
            continue;
        drop_entry(leaf, i, b);
        zap_account(v->mm, pte, shared, b);
    }
    spin_unlock(&leaf->lock);
}

void rmap_unmap_homes(struct vm_object *o, pgoff_t first, pgoff_t last, bool cows,
                      struct tlb_batch *b)
{
    REQUIRES(&o->lock);
    struct vma *v;

    object_for_each_vma (v, o, first, last) {
        pgoff_t low = MAX(first, v->pgoff), high = MIN(last, v->pgoff + vma_npages(v));
        vaddr_t start = v->start + ((low - v->pgoff) << PAGE_SHIFT);
        vaddr_t end = v->start + ((high - v->pgoff) << PAGE_SHIFT);
        struct page *leaf;

        if (unlikely(vma_huge(v))) {
            huge_unmap_homes(v, start, end, cows, b);
            continue;
        }
        pt_for_each_leaf (v->mm, start, end, va, next, leaf)
            if (leaf->present)
                unmap_home_leaf(v, leaf, va, next, cows, b);
    }
}
