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
#include "mm/op/fault.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "mm/op/mm.h"
#include "mm/op/populate.h"
#include "mm/phys/buddy.h"
#include "mm/phys/stat.h"
#include "mm/vm/huge.h"
#include "mm/vm/object_tree.h"
#include "mm/vm/slot.h"

struct fault {
    struct mm *mm;
    struct vma *v;
    vaddr_t va; /* the start of the page */
    u32 access;
    struct slot s;
    bool filled; /* the page was a hole until now: its neighbours will be holes too */
};

/* Stages ask for another round when what they decided on has changed meanwhile. */
#define FAULT_RETRY ((enum fault_result)100)

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

/* ---- provide ---- */

/* Why a page of this order could not be had. */
static inline enum fault_result no_page(unsigned order)
{
    return order ? FAULT_BUS : FAULT_OOM;
}

/* Whether private memory in the place of `old` was promised to the VMA. */
static bool claims(const struct fault *f, pte_t old)
{
    return (f->v->flags & VM_HUGE_OWNER) &&
           (!old || pfn_to_page(pte_any_pfn(old))->type != PAGE_ANON);
}

/* A page of type ANON that f will own: zeroed, or a copy of `src`; `old` is what is in the slot.
 * NULL: no memory. */
static always_inline struct page *provide_anon(const struct fault *f, pte_t old,
                                               const struct page *src, unsigned order)
{
    u32 zero = src ? 0 : PA_ZERO;
    struct page *pg = order ? huge_alloc(NULL, 0, f->v, claims(f, old), zero)
                            : page_alloc_user(0, zero);

    if (!pg)
        return NULL;
    pg->type = PAGE_ANON;
    for (u64 at = 0; src && at < slot_size(order); at += PAGE_SIZE)
        copy_page((char *)page_to_virt(pg) + at, (char *)page_to_virt(src) + at);
    return pg;
}

/* The object's page, made when it is a hole, pinned. */
static enum fault_result provide_object(struct vm_object *o, pgoff_t pgoff,
                                        struct page **pg)
{
    int err = object_get_page(o, pgoff, pg);

    if (!err)
        return FAULT_OK;
    return err == -ENOMEM ? no_page(o->order) : FAULT_BUS; /* beyond the end; full */
}

/* ---- commit ---- */

/* This CPU may still have the narrower rights of a translation that was replaced before. */
static noinline void flush_one(struct mm *mm, vaddr_t va)
{
    struct change c;

    change_begin(&c, mm);
    change_note(&c, va);
    change_flush(&c);
}

/* Neighbours come along where the next entry is empty: a program that walks through its
 * memory takes one fault for many pages, one that jumps about pays this look. Pages away from
 * home come one by one: who arranged them does not walk. T, and N of the page at f->va held. */
static always_inline void around(struct fault *f, const struct index_node *node,
                                 struct tally *t, unsigned order)
{
    REQUIRES(&f->s.table->lock);
    REQUIRES(&node->lock);
    if (order == 0 && (f->s.i + 1) % FAULT_AROUND && !pte_load(f->s.entry + 1)) {
        struct tally more = {0, 0};

        fault_around(f->v, f->s, f->va, node, &more);
        t->present += more.present;
    }
}

/* The file page that f->va shows. T held. */
static always_inline pgoff_t shown(const struct fault *f, u32 *number)
{
    REQUIRES(&f->s.table->lock);
    *number = slot_number(f->s.table, f->s.i);
    return slot_number_page(*number, f->v, f->va);
}

/* Shows pg, in the leaf `node` of the index, at f->va. T and N held. */
static always_inline enum fault_result commit_page(struct fault *f, struct change *c,
                                                   struct index_node *node,
                                                   struct page *pg, u32 number, u32 prot,
                                                   enum resident kind, unsigned order)
{
    REQUIRES(&f->s.table->lock);
    REQUIRES(&node->lock);
    pte_t old = pte_load(f->s.entry), rights = slot_rights(prot, order);
    struct tally t = {0, 0};

    /* Another CPU was faster, or this one has narrower rights in its TLB. */
    if (unlikely(!pte_make_unused(old ^ (rights | page_to_pfn(pg) << PAGE_SHIFT)))) {
        change_note(c, f->va);
        mm_count(fault_spurious);
        return FAULT_OK;
    }
    if (!slot_show(c, f->s.entry, f->va, old, pg, rights, number, &t))
        return FAULT_OOM;
    if (!number && !f->filled)
        around(f, node, &t, order);
    slot_settle_one(f->mm, false, f->s.table, &t, kind, order);
    mm_count(fault_object);
    return FAULT_OK;
}

/* Shows the page of the object that f->va shows, if it is in memory, with these rights;
 * FAULT_RETRY: it is a hole, *pgoff. T held. */
static always_inline enum fault_result commit_object(struct fault *f, struct change *c,
                                                     u32 prot, enum resident kind,
                                                     pgoff_t *pgoff, unsigned order)
{
    REQUIRES(&f->s.table->lock);
    struct vm_object *o = f->v->object;
    enum fault_result result = FAULT_RETRY;
    struct index_node *node;
    struct page *pg;
    u32 number;

    *pgoff = shown(f, &number);
    if (unlikely(*pgoff >= object_npages(o)))
        return FAULT_BUS;
    node = index_leaf(&o->pages, object_number(*pgoff));
    if (unlikely(!node))
        return FAULT_RETRY;
    spin_lock(&node->lock);
    pg = node->slot[*pgoff % INDEX_SLOTS];
    if (likely(pg))
        result = commit_page(f, c, node, pg, number, prot, kind, order);
    spin_unlock(&node->lock);
    if (kind == RESIDENT_SHMEM && (f->access & FAULT_WRITE))
        object_written(o);
    object_changed(o);
    return result;
}

/* Truncate drops private copies too: none may appear beyond the end. It lowers the size before
 * it takes the table's lock. */
static always_inline bool beyond_end(const struct fault *f)
{
    REQUIRES(&f->s.table->lock);
    return f->v->object && vma_home(f->v, f->va) >= object_npages(f->v->object);
}

/* Puts private memory in the place of `old`, if that is still there. */
static always_inline enum fault_result commit_anon(struct fault *f, pte_t old,
                                                   struct page *fresh, unsigned order)
{
    u32 prot = f->v->flags & VM_PROT;
    struct change c;

    spin_lock(&f->s.table->lock);
    if (pte_load(f->s.entry) != old || beyond_end(f)) {
        spin_unlock(&f->s.table->lock);
        page_put(fresh);
        return FAULT_RETRY;
    }
    if (order && claims(f, old))
        huge_ops->owned(f->v, fresh);
    if (!old) {
        slot_own(f->mm, f->s, fresh, prot, order);
        spin_unlock(&f->s.table->lock);
        return FAULT_OK;
    }
    change_begin(&c, f->mm);
    slot_own_instead(&c, f->s, f->va, old, fresh, prot, order);
    spin_unlock(&f->s.table->lock);
    if (c.resident[RESIDENT_FILE])
        object_changed(f->v->object);
    change_end(&c);
    return FAULT_OK;
}

/* Gives the page of `old`, if that is still there, other rights. */
static always_inline enum fault_result commit_rights(struct fault *f, pte_t old, u32 prot,
                                                     unsigned order)
{
    enum fault_result result = FAULT_OK;

    spin_lock(&f->s.table->lock);
    if (pte_load(f->s.entry) == old)
        slot_set_rights(f->s, old, prot, order);
    else
        result = FAULT_RETRY;
    spin_unlock(&f->s.table->lock);
    flush_one(f->mm, f->va);
    return result;
}

/* ---- decide: shared object ---- */

static always_inline enum fault_result fault_shared(struct fault *f, unsigned order)
{
    struct vm_object *o = f->v->object;
    struct page *made = NULL;
    enum fault_result result;
    struct change c;
    pgoff_t pgoff;

    for (;;) {
        spin_lock(&f->s.table->lock);
        change_begin_one(&c);
        result =
            commit_object(f, &c, f->v->flags & VM_PROT, RESIDENT_SHMEM, &pgoff, order);
        spin_unlock(&f->s.table->lock);
        if (unlikely(made)) /* the pin that kept the fresh page for us */
            page_put(made);
        if (unlikely(change_noted(&c)))
            flush_one(f->mm, f->va);
        if (likely(result != FAULT_RETRY))
            return result;
        f->filled = true;
        result = provide_object(o, pgoff, &made);
        if (result != FAULT_OK)
            return result;
    }
}

/* ---- decide: private memory ---- */

/* Write to a present read-only page of private memory, or to a parked one. */
static always_inline enum fault_result fault_private_write(struct fault *f, pte_t old,
                                                           unsigned order)
{
    struct page *pg = pfn_to_page(pte_any_pfn(old)), *fresh;
    enum fault_result result;

    if (pg->type == PAGE_ANON && __atomic_load_n(&pg->refs, __ATOMIC_ACQUIRE) == 1) {
        result = commit_rights(f, old, f->v->flags & VM_PROT, order);
        if (result == FAULT_OK)
            mm_count(fault_reuse);
        return result;
    }
    fresh = provide_anon(f, old, pg == zero_page ? NULL : pg, order);
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
        slot_show_zero(f->s, f->v->flags & VM_PROT & ~VM_WRITE);
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
    struct page *made = NULL;
    struct change c;
    pgoff_t pgoff;

    for (;;) {
        spin_lock(&f->s.table->lock);
        change_begin_one(&c);
        result = pte_load(f->s.entry)
                     ? FAULT_OK /* what it is decides another round */
                     : commit_object(f, &c, f->v->flags & VM_PROT & ~VM_WRITE,
                                     RESIDENT_FILE, &pgoff, order);
        spin_unlock(&f->s.table->lock);
        if (made)
            page_put(made);
        if (unlikely(change_noted(&c)))
            flush_one(f->mm, f->va);
        if (result != FAULT_RETRY)
            return result;
        result = provide_object(o, pgoff, &made);
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
    enum fault_result result = provide_object(o, pgoff, &pg);

    if (result != FAULT_OK)
        return result;
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
        (void)commit_rights(f, old, f->v->flags & VM_PROT & ~VM_WRITE, order);
        return FAULT_RETRY;
    }
    if ((f->access & FAULT_WRITE) && !pte_writable(old))
        return fault_private_write(f, old, order);
    mm_count(fault_spurious);
    flush_one(f->mm, f->va);
    return FAULT_OK;
}

/* ---- entry ---- */

/* Both in functions of their own, which the compiler need not keep apart by itself. */
static noinline enum fault_result resolve_shared(struct mm *mm, struct vma *v, vaddr_t va,
                                                 u32 access)
{
    struct fault f;

    if (unlikely(!locate(&f, mm, v, va, access, 0)))
        return FAULT_OOM;
    return fault_shared(&f, 0);
}

static noinline enum fault_result resolve_private(struct mm *mm, struct vma *v,
                                                  vaddr_t va, u32 access)
{
    enum fault_result result;
    struct fault f;

    if (unlikely(!locate(&f, mm, v, va, access, 0)))
        return FAULT_OOM;
    do {
        result = fault_private(&f, 0);
    } while (result == FAULT_RETRY);
    return result;
}

static noinline enum fault_result resolve_huge(struct mm *mm, struct vma *v, vaddr_t va,
                                               u32 access)
{
    enum fault_result result;
    spinlock_t *lock;
    struct fault f;

    if (!locate(&f, mm, v, va, access, HUGE_ORDER))
        return FAULT_OOM;
    if (vma_kind(v) == VMA_SHARED)
        return fault_shared(&f, HUGE_ORDER);
    lock = huge_lock_of(HUGE_SLOT, mm, va / HUGE_SIZE);
    spin_lock(lock);
    do {
        result = fault_private(&f, HUGE_ORDER);
    } while (result == FAULT_RETRY);
    spin_unlock(lock);
    return result;
}

enum fault_result fault_locked(struct mm *mm, struct vma *v, vaddr_t va, u32 access)
{
    REQUIRES(&mm->lock);
    if (!vma_allows(v, access))
        return FAULT_ACCERR;
    if (unlikely(vma_order(v)))
        return resolve_huge(mm, v, va, access);
    if (vma_kind(v) == VMA_SHARED)
        return resolve_shared(mm, v, va, access);
    return resolve_private(mm, v, va, access);
}

enum fault_result fault_own(struct mm *mm, struct vma *v, vaddr_t va)
{
    REQUIRES(&mm->lock);
    enum fault_result result;
    struct fault f;

    do {
        struct page *pg;
        pte_t pte;

        result = fault_locked(mm, v, va, FAULT_READ);
        if (result != FAULT_OK)
            return result;
        (void)SLOT_CALL(v, locate, &f, mm, v, va, FAULT_WRITE);
        pte = slot_load(f.s);
        pg = pte ? pfn_to_page(pte_any_pfn(pte)) : NULL;
        if (!pg)
            result = FAULT_RETRY;
        else if (pg->type != PAGE_ANON ||
                 __atomic_load_n(&pg->refs, __ATOMIC_ACQUIRE) > 1)
            result = SLOT_CALL(v, fault_private_write, &f, pte);
    } while (result == FAULT_RETRY);
    return result;
}
