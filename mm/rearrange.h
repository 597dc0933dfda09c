/* SPDX-License-Identifier: MIT
 *
 * What the calls that change an arrangement in many places share (remapv, swap, rotate): a
 * change under way, with the object's lock held over runs of pages and one gathered flush.
 *
 * Reserve tables and arrays first (the only step that can fail), then set entries one by
 * one. M exclusive throughout.
 */
#pragma once

#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "mm/away.h"
#include "mm/backlink.h"
#include "mm/object_tree.h"
#include "mm/pagetable.h"

struct rearrange {
    struct mm *mm;
    struct vma *v;               /* the mapping being changed */
    struct vm_object *held;      /* its lock is ours; NULL: none is */
    struct object_cursor cursor; /* valid while held */
    u32 run;                     /* pages set since the lock was taken */
    u64 pages;                   /* and before */
    bool lazy;    /* leave translations to faults, unless the memory is locked */
    bool install; /* put translations in place: of v, from rearrange_vma */
    bool missing; /* some page could not be put in place */
    pte_t rights; /* of v: a translation without its frame */
    const pte_t *directory; /* the level 1 table last used, and what it covers */
    vaddr_t covers;
    s64 rss;
    struct tlb_batch batch;
};

/* Pages set before the object's lock is given up for a moment. */
#define REARRANGE_RUN 2048u

void rearrange_begin(struct rearrange *r, struct mm *mm, bool lazy);

/* Gives up the object's lock, flushes what was changed before that: a page that left the
 * object afterwards must not be visible to any CPU. */
void rearrange_release(struct rearrange *r);

/* Pauses when it is time, without the object's lock. */
static inline void rearrange_pause(struct rearrange *r)
{
    if (pause_due()) {
        rearrange_release(r);
        pause_anyway();
    }
}

/* Chooses the mapping around [start, end). -EINVAL: not inside one shared mapping of an
 * object that may be rearranged; -EPERM: it is sealed. The range is not empty and lies in the
 * user half. */
int must_check rearrange_find(struct rearrange *r, vaddr_t start, vaddr_t end);

static inline int must_check rearrange_vma(struct rearrange *r, vaddr_t start,
                                           vaddr_t end)
{
    REQUIRES_EXCLUSIVE(&r->mm->lock);
    const struct vma *v = r->v;

    if (likely(v && start - v->start < v->end - v->start))
        return end > v->end ? -EINVAL : 0;
    return rearrange_find(r, start, end);
}

/* Chooses v, which rearrange_vma has chosen before. */
static inline void rearrange_use(struct rearrange *r, struct vma *v)
{
    r->v = v;
    r->install = (!r->lazy || vm_populates(v->flags)) && (v->flags & VM_PROT);
    r->rights = pte_make_user(0, v->flags & VM_PROT);
}

/* As pt_leaf_ref; the next one nearby costs one load. No table goes away meanwhile: M is
 * exclusive, and rearrange_undo forgets what is remembered. */
struct leaf rearrange_walk(struct rearrange *r, vaddr_t va);

static inline struct leaf rearrange_leaf(struct rearrange *r, vaddr_t va)
{
    pte_t e;

    if (unlikely(va - r->covers >= pt_span(2)))
        return rearrange_walk(r, va);
    e = pte_load(r->directory + pt_index(va, 1));
    if (unlikely(!pte_present(e)))
        return (struct leaf){NULL, NULL};
    return (struct leaf){pfn_to_page(pte_pfn(e)), phys_to_virt(e & PTE_ADDR)};
}

/* Whether the linear file pages of [start, end) of v have numbers an away array can hold. */
bool rearrange_countable(const struct vma *v, vaddr_t start, vaddr_t end);

/* Makes the tables and arrays of [start, end) of v. -ENOMEM: a part may be made. */
int must_check rearrange_reserve(struct rearrange *r, vaddr_t start, vaddr_t end);

/* Frees the arrays without numbers. */
void rearrange_trim(struct rearrange *r, vaddr_t start, vaddr_t end);

/* After a failed reservation: frees the empty tables as well. */
void rearrange_undo(struct rearrange *r, vaddr_t start, vaddr_t end);

/* Holds the object of v for the next `npages` pages. */
static inline void rearrange_hold(struct rearrange *r, u32 npages)
{
    REQUIRES_EXCLUSIVE(&r->mm->lock);
    struct vm_object *o = r->v->object;

    if (unlikely(r->held != o || r->run >= REARRANGE_RUN)) {
        rearrange_release(r);
        pause_anyway();
        spin_lock(&o->lock);
        r->held = o;
        r->cursor = object_cursor(o);
    }
    r->run += npages;
}

/* Makes va, entry i of `leaf`, show file page pgoff; its array is reserved unless that is its
 * home. Cannot fail: what cannot be put in place is left to a fault. */
static always_inline void rearrange_set(struct rearrange *r, struct leaf leaf, vaddr_t va,
                                        u32 pgoff)
{
    REQUIRES(&r->v->object->lock);
    REQUIRES(&leaf.page->lock);
    pte_t *entry = leaf.entries + pt_index(va, 0), old = pte_load(entry), pte = 0;
    u32 *away = leaf.page->away, value = pgoff + 1;

    if (unlikely(pgoff == vma_home(r->v, va)))
        value = 0;
    if (likely(away) && likely(away[pt_index(va, 0)] != value))
        away_set(leaf.page, pt_index(va, 0), value);
    else if (old) /* shows that page already */
        return;
    if (likely(r->install)) {
        struct page *pg = object_cursor_get(&r->cursor, pgoff);

        /* The backlink must be there before the entry is visible. */
        if (likely(pg) && (!value || likely(backlink_add(pg, entry) == 0)))
            pte = r->rights | page_to_pfn(pg) << PAGE_SHIFT;
        else
            r->missing = true;
    }
    if (unlikely(pte == old))
        return;
    pte_store(entry, pte);
    if (likely(old))
        tlb_change(&r->batch, va);
    if (unlikely(!old != !pte)) {
        leaf.page->present = (u16)(leaf.page->present + (pte ? 1 : -1));
        r->rss += pte ? 1 : -1;
    }
}

/* The counters, the lock, the flush. */
void rearrange_end(struct rearrange *r);
