/* SPDX-License-Identifier: MIT
 *
 * The page fault in four stages: locate the slot and check the access, decide from the
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
 * There is no row for rearranged mappings: they differ only in what the slot says it shows.
 * Huge pages take the same way; there is no huge page of zeros, and when there is no block for
 * one the fault ends in SIGBUS, as on a Linux whose pool is empty.
 */
#include "mm/op/fault_commit.h"
#include "mm/op/mm.h"
#include "mm/vm/monitor.h"

/* ---- locate ---- */

static always_inline bool locate(struct fault *f, struct mm *mm, struct vma *v,
                                 vaddr_t va, u32 access, unsigned order)
{
    f->mm = mm;
    f->v = v;
    f->va = va & ~(slot_size(order) - 1);
    f->access = access;
    f->filled = false;
    if (order == 0 && likely(access & FAULT_HINTED))
        f->s = slot_read(mm, va);
    else
        f->s = slot_at(mm, f->va, order);
    if (unlikely(!f->s.table))
        f->s = slot_make(mm, f->va, order);
    return f->s.table;
}

/* ---- decide: shared object ---- */

/* The page of the object as it is; FAULT_RETRY: it has none at *pgoff. */
static always_inline enum fault_result fault_shared_once(struct fault *f, pte_t rights,
                                                         pgoff_t *pgoff, unsigned order)
{
    enum fault_result result;
    struct change c;

    spin_lock(&f->s.table->lock);
    change_begin_one(&c);
    result = commit_object(f, &c, rights, RESIDENT_SHMEM, pgoff, order);
    spin_unlock(&f->s.table->lock);
    if (unlikely(change_noted(&c)))
        flush_one(f->mm, f->va);
    return result;
}

/* The same where the object has no page yet at pgoff: it is made. */
static always_inline enum fault_result fault_hole(struct fault *f, pte_t rights,
                                                  pgoff_t pgoff, unsigned order)
{
    enum fault_result result;

    if (unlikely(f->v->flags & VM_ASK_MISSING))
        return FAULT_ASK_MISSING;
    f->filled = true;
    do {
        result = object_result(object_fill_hole(f->v->object, pgoff), f->v->object);
        if (result == FAULT_OK)
            result = fault_shared_once(f, rights, &pgoff, order);
    } while (result == FAULT_RETRY);
    return result;
}

static always_inline enum fault_result fault_shared(struct fault *f, pte_t rights,
                                                    unsigned order)
{
    pgoff_t pgoff;
    enum fault_result result = fault_shared_once(f, rights, &pgoff, order);

    return likely(result != FAULT_RETRY) ? result : fault_hole(f, rights, pgoff, order);
}

/* ---- decide: private memory ---- */

/* Write to a present read-only page of private memory, or to a parked one. */
static always_inline enum fault_result fault_private_write(struct fault *f, pte_t old,
                                                           unsigned order)
{
    struct page *pg = pfn_to_page(pte_any_pfn(old)), *fresh;
    enum fault_result result;

    if (pg == zero_page) {
        fresh = provide_anon(f, old, NULL, order);
    } else {
        result = commit_reuse(f, old, pg);
        if (result != FAULT_COPY)
            return result;
        fresh = provide_anon(f, old, pg, order);
        page_put(pg);
    }
    if (!fresh)
        return no_page(order);
    result = commit_anon(f, old, fresh, order);
    if (result == FAULT_OK)
        mm_count(fault_cow);
    return result;
}

/* Read of anonymous memory never touched: the page of zeros. */
static always_inline enum fault_result fault_zero(struct fault *f)
{
    bool empty;

    spin_lock(&f->s.table->lock);
    empty = !pte_load(f->s.entry);
    if (empty)
        slot_show_zero(f->s, f->v->rights & ~PTE_WRITE);
    spin_unlock(&f->s.table->lock);
    if (!empty)
        return FAULT_RETRY;
    mm_count(fault_anon_zero);
    return FAULT_OK;
}

/* First touch of an anonymous page. */
static always_inline enum fault_result fault_anon_new(struct fault *f, unsigned order)
{
    enum fault_result result;
    struct page *fresh;

    if (unlikely(f->v->flags & VM_ASK_MISSING))
        return FAULT_ASK_MISSING;
    if (order == 0 && !(f->access & FAULT_WRITE))
        return fault_zero(f);
    fresh = provide_anon(f, 0, NULL, order);
    if (!fresh)
        return no_page(order);
    result = commit_anon(f, 0, fresh, order);
    if (result == FAULT_OK)
        mm_count(fault_anon_new);
    return result;
}

/* First read of a private mapping of an object: its page, read-only. */
static always_inline enum fault_result fault_private_read(struct fault *f, unsigned order)
{
    struct vm_object *o = f->v->object;
    enum fault_result result;
    struct change c;
    pgoff_t pgoff;

    for (;;) {
        spin_lock(&f->s.table->lock);
        change_begin_one(&c);
        result = pte_load(f->s.entry) ? FAULT_OK /* what it is decides another round */
                                      : commit_object(f, &c, f->v->rights & ~PTE_WRITE,
                                                      RESIDENT_FILE, &pgoff, order);
        spin_unlock(&f->s.table->lock);
        if (unlikely(change_noted(&c)))
            flush_one(f->mm, f->va);
        if (result != FAULT_RETRY)
            return result;
        if (unlikely(f->v->flags & VM_ASK_MISSING))
            return FAULT_ASK_MISSING;
        result = object_result(object_fill_hole(o, pgoff), o);
        if (result != FAULT_OK)
            return result;
    }
}

/* First write: a copy of its page. */
static always_inline enum fault_result fault_private_copy(struct fault *f, unsigned order)
{
    struct vm_object *o = f->v->object;
    pgoff_t pgoff = vma_home(f->v, f->va); /* nothing is away in a private mapping */
    struct page *pg, *fresh;
    enum fault_result result;

    if (unlikely(f->v->flags & VM_ASK_MISSING) && pgoff < object_npages(o)) {
        pg = object_find_page(o, pgoff);
        if (!pg)
            return FAULT_ASK_MISSING;
    } else if ((result = provide_object(o, pgoff, &pg)) != FAULT_OK) {
        return result;
    }
    fresh = provide_anon(f, 0, pg, order);
    page_put(pg);
    if (!fresh)
        return no_page(order);
    result = commit_anon(f, 0, fresh, order);
    if (result == FAULT_OK)
        mm_count(fault_cow);
    return result;
}

/* A hole below the end: the block promised is for the mapping, not for the file. */
static bool promised_hole(const struct fault *f)
{
    pgoff_t home = vma_home(f->v, f->va);
    struct page *pg;

    if (!huge_ops || home >= object_npages(f->v->object))
        return false;
    pg = object_find_page(f->v->object, home);
    if (pg)
        page_put(pg);
    return !pg;
}

static always_inline enum fault_result fault_private(struct fault *f, unsigned order)
{
    pte_t old = pte_load(f->s.entry);

    if (!old && (!f->v->object || (order && promised_hole(f))))
        return fault_anon_new(f, order);
    if (!old)
        return f->access & FAULT_WRITE ? fault_private_copy(f, order)
                                       : fault_private_read(f, order);
    if (pte_parked(
            old)) { /* accessible again: readable first, writing is decided as usual */
        (void)commit_rights(f, old, f->v->rights & ~PTE_WRITE);
        return FAULT_RETRY;
    }
    if ((f->access & FAULT_WRITE) && !pte_writable(old))
        return fault_private_write(f, old, order);
    return fault_for_nothing(f);
}

/* ---- decide: what a monitor is asked before ---- */

/* Whether the object has the page that f->va would show. */
static bool in_memory(const struct fault *f)
{
    struct vm_object *o = f->v->object;
    pgoff_t pgoff = mm_offset(f->mm, f->v, f->va);
    struct page *pg = pgoff < object_npages(o) ? object_find_page(o, pgoff) : NULL;

    if (pg)
        page_put(pg);
    return pg;
}

/* FAULT_OK: nobody is asked about this entry. Guards change with M held exclusively; here they
 * only go, where there is nothing to be guarded. */
static enum fault_result ask_first(const struct fault *f)
{
    REQUIRES(&f->mm->lock);
    const struct vma *v = f->v;
    pte_t old = pte_load(f->s.entry);

    if (!old && v->object && (v->flags & VM_MONITORED & ~VM_ASK_WRITE)) {
        bool there = in_memory(f);

        if (there && (v->flags & VM_ASK_MINOR))
            return FAULT_ASK_MINOR;
        if (!there && (v->flags & VM_ASK_MISSING) &&
            mm_offset(f->mm, v, f->va) < object_npages(v->object))
            return FAULT_ASK_MISSING;
    }
    if (!(v->flags & VM_ASK_WRITE) || !monitor_guards(v->monitor, f->va))
        return FAULT_OK;
    if (!old && !v->object && !(v->flags & VM_ASK_MISSING))
        monitor_unguard(v->monitor, f->va, f->va + PAGE_SIZE);
    else if ((f->access & FAULT_WRITE) && (old || v->object))
        return FAULT_ASK_WRITE;
    return FAULT_OK;
}

/* ---- entry ---- */

/* Each in a function of its own, which the compiler need not keep apart by itself. What most faults
 * meet, a page of the object that is there and the first touch of an anonymous page, is apart from
 * the rest, with a copy of `f` for that: so its own stays in registers. */
static noinline enum fault_result resolve_hole(struct fault *f, pgoff_t pgoff)
{
    return fault_hole(f, f->v->rights, pgoff, 0);
}

static noinline enum fault_result resolve_shared(struct mm *mm, struct vma *v, vaddr_t va,
                                                 u32 access)
{
    enum fault_result result;
    struct fault f, copy;
    pgoff_t pgoff;

    if (unlikely(!locate(&f, mm, v, va, access, 0)))
        return FAULT_OOM;
    result = fault_shared_once(&f, v->rights, &pgoff, 0);
    if (likely(result != FAULT_RETRY))
        return result;
    copy = f;
    return resolve_hole(&copy, pgoff);
}

static noinline enum fault_result resolve_other(struct fault *f)
{
    enum fault_result result;

    do {
        result = fault_private(f, 0);
    } while (result == FAULT_RETRY);
    return result;
}

static noinline enum fault_result resolve_private(struct mm *mm, struct vma *v,
                                                  vaddr_t va, u32 access)
{
    enum fault_result result = FAULT_RETRY;
    struct fault f, copy;

    if (unlikely(!locate(&f, mm, v, va, access, 0)))
        return FAULT_OOM;
    if (likely(!v->object) && likely(!pte_load(f.s.entry)))
        result = fault_anon_new(&f, 0);
    if (likely(result != FAULT_RETRY))
        return result;
    copy = f;
    return resolve_other(&copy);
}

static noinline enum fault_result resolve_huge(struct mm *mm, struct vma *v, vaddr_t va,
                                               u32 access)
{
    pte_t rights = access & FAULT_WRITE ? v->rights : vma_given(v);
    enum fault_result result;
    spinlock_t *lock;
    struct fault f;

    if (!locate(&f, mm, v, va, access, HUGE_ORDER))
        return FAULT_OOM;
    result = ask_first(&f);
    if (result != FAULT_OK)
        return result;
    if (vma_kind(v) == VMA_SHARED)
        return fault_shared(&f, rights, HUGE_ORDER);
    lock = huge_lock_of(HUGE_SLOT, mm, va / HUGE_SIZE);
    spin_lock(lock);
    do {
        result = fault_private(&f, HUGE_ORDER);
    } while (result == FAULT_RETRY);
    spin_unlock(lock);
    return result;
}

/* Huge pages, and memory whose monitor is asked about writes and about pages that are there. */
static noinline enum fault_result resolve_by_fault(struct mm *mm, struct vma *v,
                                                   vaddr_t va, u32 access)
{
    pte_t rights = access & FAULT_WRITE ? v->rights : vma_given(v);
    enum fault_result result;
    struct fault f;

    if (vma_order(v))
        return resolve_huge(mm, v, va, access);
    if (!locate(&f, mm, v, va, access, 0))
        return FAULT_OOM;
    f.filled = true; /* no neighbours come along */
    do {
        result = ask_first(&f);
        if (result != FAULT_OK)
            return result;
        result = vma_kind(v) == VMA_SHARED ? fault_shared(&f, rights, 0)
                                           : fault_private(&f, 0);
    } while (result == FAULT_RETRY);
    return result;
}

/* What few areas are, and what is refused: by a key first, as on Linux. */
static noinline enum fault_result resolve_rare(struct mm *mm, struct vma *v, vaddr_t va,
                                               u32 access)
{
    if ((access & (FAULT_KEYED | FAULT_EXEC)) == FAULT_KEYED &&
        fault_key_denies(v, access & FAULT_WRITE))
        return FAULT_KEY + vma_key(v);
    if (!vma_allows(v, access))
        return FAULT_ACCERR;
    if (v->flags & (VM_HUGE | VM_BY_FAULT))
        return resolve_by_fault(mm, v, va, access);
    return vma_kind(v) == VMA_SHARED ? resolve_shared(mm, v, va, access)
                                     : resolve_private(mm, v, va, access);
}

enum fault_result fault_locked(struct mm *mm, struct vma *v, vaddr_t va, u32 access)
{
    REQUIRES(&mm->lock);
    if (!vma_allows(v, access) || unlikely(v->flags & (VM_HUGE | VM_BY_FAULT | VM_KEY)))
        return resolve_rare(mm, v, va, access);
    return vma_kind(v) == VMA_SHARED ? resolve_shared(mm, v, va, access)
                                     : resolve_private(mm, v, va, access);
}

enum fault_result fault_own(struct mm *mm, struct vma *v, vaddr_t va)
{
    REQUIRES(&mm->lock);
    enum fault_result result;
    struct fault f;

    do {
        pte_t pte;

        result = fault_locked(mm, v, va, FAULT_READ);
        if (result != FAULT_OK)
            return result;
        (void)SLOT_CALL(v, locate, &f, mm, v, va, FAULT_WRITE);
        pte = slot_load(f.s);
        if (!pte)
            result = FAULT_RETRY;
        else if (!page_is_sole(pfn_to_page(pte_any_pfn(pte))))
            result = SLOT_CALL(v, fault_private_write, &f, pte);
    } while (result == FAULT_RETRY);
    return result;
}
