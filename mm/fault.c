/* SPDX-License-Identifier: MIT
 *
 * The page fault in four stages: locate the VMA and check the access, decide from the
 * translation and the VMA's kind, provide a page (which may allocate while nothing is
 * changed), commit under the table's lock after looking again.
 *
 *   translation           | anonymous          | private object        | shared object
 *   ----------------------+--------------------+-----------------------+-----------------
 *   none, read            | zero page, RO      | object page, RO       | object page
 *   none, write           | fresh page         | copy of object page   | object page, RW
 *   present RO, write     | sole owner: RW     | sole owner of copy:   | make writable
 *                         | else copy          | RW, else copy         |
 *   present, allowed      | flush one address  | same                  | same
 *
 * There is no row for rearranged mappings: they differ only in what mm_offset answers.
 */
#include "mm/fault.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "mm/away.h"
#include "mm/backlink.h"
#include "mm/buddy.h"
#include "mm/huge.h"
#include "mm/mm.h"
#include "mm/object_tree.h"
#include "mm/stack.h"
#include "mm/stat.h"

struct fault {
    struct mm *mm;
    struct vma *v;
    vaddr_t va; /* page aligned */
    u32 access;
    struct page *leaf;
    unsigned i; /* entry in leaf */
    pte_t *entry;
    bool replaced; /* an entry was in use before */
    bool filled;   /* the page was a hole until now: its neighbours will be holes too */
};

/* Stages ask for another round when what they decided on has changed meanwhile. */
#define FAULT_RETRY ((enum fault_result)100)

static void install(struct fault *f, pte_t old, pte_t pte)
{
    REQUIRES(&f->leaf->lock);
    if (!old)
        f->leaf->present++;
    pte_store(f->entry, pte);
}

static inline void rss_add(u64 *counter)
{
    __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/* One translation of the faulting address space was replaced or changed. */
static void flush_one(struct fault *f)
{
    struct tlb_batch b;

    tlb_begin(&b, f->mm);
    tlb_change(&b, f->va);
    tlb_flush(&b);
}

/* Neighbours come along where the next entry is empty: a program that walks through its
 * memory takes one fault for many pages, one that jumps about pays this look. Pages away from
 * home come one by one: who arranged them does not walk. */
static inline void around(struct fault *f)
{
    REQUIRES(&f->v->object->lock);
    REQUIRES(&f->leaf->lock);
    if ((f->i + 1) % FAULT_AROUND && !pte_load(f->entry + 1))
        fault_around(f->v, f->leaf, f->i, f->va);
}

/* ---- shared object ---- */

/* Maps the page that f->va shows, if it is in memory; FAULT_RETRY: it is a hole. */
static inline enum fault_result map_resident(struct fault *f, struct vm_object *o,
                                             pgoff_t *pgoff)
{
    REQUIRES(&o->lock);
    REQUIRES(&f->leaf->lock);
    u32 away = f->leaf->away ? f->leaf->away[f->i] : 0;
    pte_t old = pte_load(f->entry), pte;
    struct page *pg;

    *pgoff = away ? away - 1 : vma_home(f->v, f->va);
    if (unlikely(*pgoff >= object_npages(o)))
        return FAULT_BUS;
    pg = index_get(&o->pages, object_number(*pgoff));
    if (unlikely(!pg))
        return FAULT_RETRY;
    pte = pte_make_user(page_to_pfn(pg), f->v->flags & VM_PROT);
    f->replaced = old != 0;
    if (unlikely(old == pte)) {
        mm_count(fault_spurious);
        return FAULT_OK;
    }
    /* The backlink must be there before the entry is visible: truncate looks. */
    if (away && backlink_add(pg, f->entry) != 0)
        return FAULT_OOM;
    if (likely(!old)) {
        f->leaf->present++;
        rss_add(&f->mm->rss_shmem);
    }
    o->shown++;
    if (f->access & FAULT_WRITE)
        o->wrote = cpu_cycles();
    pte_store(f->entry, pte);
    if (!away && !f->filled)
        around(f);
    mm_count(fault_object);
    return FAULT_OK;
}

static enum fault_result fault_shared(struct fault *f)
{
    struct vm_object *o = f->v->object;
    struct page *made = NULL;
    enum fault_result result;
    pgoff_t pgoff;
    int err;

    for (;;) {
        spin_lock(&o->lock);
        spin_lock(&f->leaf->lock);
        result = map_resident(f, o, &pgoff);
        spin_unlock(&f->leaf->lock);
        spin_unlock(&o->lock);
        if (unlikely(made)) /* the pin that kept the fresh page for us */
            page_put(made);
        if (likely(result != FAULT_RETRY))
            break;
        made = NULL;
        f->filled = true;
        err = object_get_page(o, pgoff, &made);
        if (err)
            return err == -ENOMEM ? FAULT_OOM : FAULT_BUS; /* beyond the end; full */
    }
    if (unlikely(f->replaced)) /* this CPU may still have the narrower rights */
        flush_one(f);
    return result;
}

/* ---- private memory ---- */

/* A page of type ANON that f will own: zeroed, or a copy of `src`. NULL: no memory. */
static struct page *anon_page(const struct page *src)
{
    struct page *pg = page_alloc(0, src ? PA_USER : PA_USER | PA_ZERO);

    if (!pg)
        return NULL;
    pg->type = PAGE_ANON;
    if (src)
        copy_page(page_to_virt(pg), page_to_virt(src));
    return pg;
}

/* Puts a fresh page in place of `old`, if that is still there. */
static enum fault_result commit_anon(struct fault *f, pte_t old, struct page *fresh)
{
    struct page *before = old ? pfn_to_page(pte_any_pfn(old)) : NULL;
    struct tlb_batch b;

    spin_lock(&f->leaf->lock);
    if (pte_load(f->entry) != old) {
        spin_unlock(&f->leaf->lock);
        page_put(fresh);
        return FAULT_RETRY;
    }
    install(f, old, pte_make_user(page_to_pfn(fresh), f->v->flags & VM_PROT));
    spin_unlock(&f->leaf->lock);
    if (!before || before->type != PAGE_ANON)
        rss_add(&f->mm->rss_anon);
    if (!before)
        return FAULT_OK;
    tlb_begin(&b, f->mm);
    tlb_change(&b, f->va);
    if (before->type == PAGE_ANON)
        tlb_free(&b, before);
    else if (before != zero_page) {
        __atomic_fetch_sub(&f->mm->rss_file, 1, __ATOMIC_RELAXED);
        object_dropped(f->v->object);
    }
    tlb_end(&b);
    return FAULT_OK;
}

/* Write to a present read-only page of private memory, or to a parked one. */
static enum fault_result fault_private_write(struct fault *f, pte_t old)
{
    struct page *pg = pfn_to_page(pte_any_pfn(old)), *fresh;
    enum fault_result result;

    if (pg->type == PAGE_ANON && __atomic_load_n(&pg->refs, __ATOMIC_ACQUIRE) == 1) {
        spin_lock(&f->leaf->lock);
        if (pte_load(f->entry) != old) {
            spin_unlock(&f->leaf->lock);
            return FAULT_RETRY;
        }
        pte_store(f->entry, pte_make_user(page_to_pfn(pg), f->v->flags & VM_PROT));
        spin_unlock(&f->leaf->lock);
        mm_count(fault_reuse);
        flush_one(f);
        return FAULT_OK;
    }
    fresh = anon_page(pg == zero_page ? NULL : pg);
    if (!fresh)
        return FAULT_OOM;
    result = commit_anon(f, old, fresh);
    if (result == FAULT_OK)
        mm_count(fault_cow);
    return result;
}

/* First touch of an anonymous page. */
static enum fault_result fault_anon_new(struct fault *f)
{
    enum fault_result result = FAULT_OK;
    struct page *fresh;

    if (!(f->access & FAULT_WRITE)) {
        spin_lock(&f->leaf->lock);
        if (pte_load(f->entry))
            result = FAULT_RETRY;
        else
            install(
                f, 0,
                pte_make_user(page_to_pfn(zero_page), f->v->flags & VM_PROT & ~VM_WRITE));
        spin_unlock(&f->leaf->lock);
        if (result == FAULT_OK)
            mm_count(fault_anon_zero);
        return result;
    }
    fresh = anon_page(NULL);
    if (!fresh)
        return FAULT_OOM;
    result = commit_anon(f, 0, fresh);
    if (result == FAULT_OK)
        mm_count(fault_anon_new);
    return result;
}

/* First touch of a private mapping of an object. */
static enum fault_result fault_private_new(struct fault *f)
{
    struct vm_object *o = f->v->object;
    pgoff_t pgoff = away_offset(f->leaf, f->v, f->va);
    struct page *pg, *fresh;
    enum fault_result result = FAULT_OK;

    switch (object_get_page(o, pgoff, &pg)) {
    case 0:
        break;
    case -ENOMEM:
        return FAULT_OOM;
    default: /* beyond the end, or the file system is full */
        return FAULT_BUS;
    }
    if (f->access & FAULT_WRITE) {
        fresh = anon_page(pg);
        page_put(pg);
        if (!fresh)
            return FAULT_OOM;
        /* Truncate drops private copies too: none may appear beyond the end. */
        spin_lock(&o->lock);
        if (pgoff >= object_npages(o)) {
            page_put(fresh);
            result = FAULT_BUS;
        } else {
            result = commit_anon(f, 0, fresh);
        }
        spin_unlock(&o->lock);
        if (result == FAULT_OK)
            mm_count(fault_cow);
        return result;
    }
    spin_lock(&o->lock);
    spin_lock(&f->leaf->lock);
    if (pg->object != o || (pg->flags & PG_LEAVING) || pte_load(f->entry)) {
        result = FAULT_RETRY;
    } else {
        install(f, 0, pte_make_user(page_to_pfn(pg), f->v->flags & VM_PROT & ~VM_WRITE));
        rss_add(&f->mm->rss_file);
        o->shown++;
        around(f);
        mm_count(fault_object);
    }
    spin_unlock(&f->leaf->lock);
    spin_unlock(&o->lock);
    page_put(pg);
    return result;
}

/* A parked page became accessible again: read access first, writing is decided as usual. */
static enum fault_result unpark(struct fault *f, pte_t old)
{
    spin_lock(&f->leaf->lock);
    if (pte_load(f->entry) == old)
        pte_store(f->entry,
                  pte_make_user(pte_any_pfn(old), f->v->flags & VM_PROT & ~VM_WRITE));
    spin_unlock(&f->leaf->lock);
    return FAULT_RETRY;
}

static enum fault_result fault_private(struct fault *f)
{
    pte_t old = pte_load(f->entry);

    if (!old)
        return f->v->object ? fault_private_new(f) : fault_anon_new(f);
    if (pte_parked(old))
        return unpark(f, old);
    if ((f->access & FAULT_WRITE) && !pte_writable(old))
        return fault_private_write(f, old);
    mm_count(fault_spurious);
    flush_one(f);
    return FAULT_OK;
}

/* ---- entry ---- */

enum fault_result fault_locked(struct mm *mm, struct vma *v, vaddr_t va, u32 access)
{
    REQUIRES(&mm->lock);
    struct fault f = {.mm = mm, .v = v, .va = va & PAGE_MASK, .access = access};
    enum fault_result result;
    struct leaf leaf;

    if (!vma_allows(v, access))
        return FAULT_ACCERR;
    if (unlikely(vma_huge(v)))
        return huge_fault(mm, v, va, access);
    leaf = pt_leaf_ref(mm, va);
    if (unlikely(!leaf.page)) {
        leaf.page = pt_leaf_make(mm, va);
        if (!leaf.page)
            return FAULT_OOM;
        leaf.entries = pt_entries(leaf.page);
    }
    f.leaf = leaf.page;
    f.i = pt_index(va, 0);
    f.entry = &leaf.entries[f.i];
    do {
        result = vma_kind(v) == VMA_SHARED ? fault_shared(&f) : fault_private(&f);
    } while (result == FAULT_RETRY);
    return result;
}

enum fault_result fault_own(struct mm *mm, struct vma *v, vaddr_t va)
{
    REQUIRES(&mm->lock);
    struct fault f = {.mm = mm, .v = v, .va = va & PAGE_MASK, .access = FAULT_WRITE};
    enum fault_result result;

    if (vma_huge(v))
        return FAULT_ACCERR;
    do {
        struct page *pg;
        pte_t pte;

        result = fault_locked(mm, v, va, FAULT_READ);
        if (result != FAULT_OK)
            return result;
        f.leaf = pt_leaf(mm, va);
        f.i = pt_index(va, 0);
        f.entry = pt_entries(f.leaf) + f.i;
        pte = pte_load(f.entry);
        pg = pte ? pfn_to_page(pte_any_pfn(pte)) : NULL;
        if (!pg)
            result = FAULT_RETRY;
        else if (pg->type != PAGE_ANON ||
                 __atomic_load_n(&pg->refs, __ATOMIC_ACQUIRE) > 1)
            result = fault_private_write(&f, pte);
    } while (result == FAULT_RETRY);
    return result;
}

enum fault_result fault_handle(struct mm *mm, vaddr_t va, u32 access)
{
    enum fault_result result = FAULT_MAPERR;
    struct vma *v;

    if (va >= USER_END)
        return FAULT_MAPERR;
    mutex_lock_shared(&mm->lock);
    v = vma_at(mm, va);
    if (unlikely(!v)) {
        mutex_unlock(&mm->lock);
        mutex_lock(&mm->lock);
        v = vma_at(mm, va);
        if (!v)
            v = stack_grow(mm, va);
    }
    if (v)
        result = fault_locked(mm, v, va, access);
    mutex_unlock(&mm->lock);
    if (likely(result == FAULT_OK))
        mm_count(pgfault);
    else if (result == FAULT_BUS)
        mm_count(fault_bus);
    else if (result != FAULT_OOM)
        mm_count(fault_segv);
    return result;
}
