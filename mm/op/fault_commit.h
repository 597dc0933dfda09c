/* SPDX-License-Identifier: MIT
 *
 * Two stages of the page fault, for mm/op/fault.c alone: provide a page, which may allocate while
 * nothing is changed; commit under the table's lock after another look.
 */
#pragma once

#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "mm/op/fault.h"
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
#define FAULT_COPY  ((enum fault_result)101) /* of commit_reuse() */

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
    struct page *pg = order ? huge_alloc_copy(NULL, 0, f->v, claims(f, old), src)
                            : page_alloc_user(0, src ? 0 : PA_ZERO);

    if (!pg)
        return NULL;
    pg->type = PAGE_ANON;
    if (src && !order)
        copy_page(page_to_virt(pg), page_to_virt(src));
    return pg;
}

/* What a fault makes of an error of the object's. */
static inline enum fault_result object_result(int err, const struct vm_object *o)
{
    if (!err)
        return FAULT_OK;
    return err == -ENOMEM ? no_page(o->order) : FAULT_BUS; /* beyond the end; full */
}

/* The object's page, made when it is a hole, pinned. */
static enum fault_result provide_object(struct vm_object *o, pgoff_t pgoff,
                                        struct page **pg)
{
    return object_result(object_get_page(o, pgoff, pg), o);
}

/* ---- commit ---- */

/* Every CPU may still have a translation that was replaced before. */
static noinline void flush_one(struct mm *mm, vaddr_t va)
{
    struct change c;

    change_begin(&c, mm);
    change_note(&c, va);
    change_flush(&c);
}

/* The entry at va is as it should be, or has got wider rights: this CPU forgets the narrower ones that
 * it may have, and another that has them finds out by a fault of its own. True: who made the entry
 * what it is may not have flushed yet, so that all are to be told. T held. */
static noinline bool settle_here(struct mm *mm, vaddr_t va, const struct page *table)
{
    REQUIRES(&table->lock);
    struct change c;

    change_begin_one(&c);
    change_look(&c, table);
    if (change_noted(&c))
        return true;
    if (cpu_own.mm == mm) {
        mm_count(tlb_flush_page);
        arch_flush_page(va);
    }
    return false;
}

/* Neighbours come along where the next entry is empty: a program that walks through its
 * memory takes one fault for many pages, one that jumps about pays this look. T, and N of the page
 * at f->va held. */
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
static always_inline enum fault_result
commit_page(struct fault *f, struct change *c, struct index_node *node, struct page *pg,
            u32 number, pte_t rights, enum resident kind, unsigned order)
{
    REQUIRES(&f->s.table->lock);
    REQUIRES(&node->lock);
    pte_t old = pte_load(f->s.entry);
    struct tally t = {0, 0};

    /* Another CPU was faster, or this one has narrower rights in its TLB. */
    if (unlikely(!pte_make_unused(old ^ (rights | page_to_pfn(pg) << PAGE_SHIFT)))) {
        if (settle_here(f->mm, f->va, f->s.table))
            change_note_all(c); /* its stamp will hide the other's */
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
                                                     pte_t rights, enum resident kind,
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
        result = commit_page(f, c, node, pg, number, rights, kind, order);
    spin_unlock(&node->lock);
    if (unlikely(!pg))
        return FAULT_RETRY;
    if (order == 0 && unlikely(f->s.i % INDEX_SLOTS == 0) && number)
        fault_around_away(f->v, f->s, f->va);
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

/* Puts private memory in the place of `old`, if that is still there. What is beyond the end may be
 * shown until the truncate comes to it, which may have paused: nothing to wait for here. */
static always_inline enum fault_result commit_anon(struct fault *f, pte_t old,
                                                   struct page *fresh, unsigned order)
{
    pte_t rights = f->v->rights;
    struct change c;
    bool beyond;

    spin_lock(&f->s.table->lock);
    beyond = beyond_end(f);
    if (pte_load(f->s.entry) != old || beyond) {
        spin_unlock(&f->s.table->lock);
        page_put(fresh);
        return beyond ? FAULT_BUS : FAULT_RETRY;
    }
    if (order && claims(f, old))
        huge_ops->owned(f->v, fresh);
    if (!old) {
        slot_own(f->mm, f->s, fresh, rights, order);
        spin_unlock(&f->s.table->lock);
        return FAULT_OK;
    }
    change_begin(&c, f->mm);
    slot_own_instead(&c, f->s, f->va, old, fresh, rights, order);
    spin_unlock(&f->s.table->lock);
    if (c.resident[RESIDENT_FILE])
        object_changed(f->v->object);
    change_end(&c);
    return FAULT_OK;
}

/* Gives the page of `old`, if that is still there, wider rights. */
static always_inline enum fault_result commit_rights(struct fault *f, pte_t old,
                                                     pte_t rights)
{
    enum fault_result result = FAULT_RETRY;
    bool tell = false;

    spin_lock(&f->s.table->lock);
    if (pte_load(f->s.entry) == old) {
        slot_set_rights(f->s, old, rights);
        tell = settle_here(f->mm, f->va, f->s.table);
        result = FAULT_OK;
    }
    spin_unlock(&f->s.table->lock);
    if (unlikely(tell))
        flush_one(f->mm, f->va);
    return result;
}

/* The page of `old` may be written from now on, if nobody else has it. FAULT_COPY: others have, and
 * it is pinned, so that it stays what it is while it is copied; FAULT_RETRY: `old` is gone. Both are
 * asked with T held: once the page has left the entry, it may be anybody's. */
static always_inline enum fault_result commit_reuse(struct fault *f, pte_t old,
                                                    struct page *pg)
{
    enum fault_result result = FAULT_RETRY;
    bool tell = false;

    spin_lock(&f->s.table->lock);
    if (pte_load(f->s.entry) == old && page_is_sole(pg)) {
        slot_set_rights(f->s, old, f->v->rights);
        tell = settle_here(f->mm, f->va, f->s.table);
        mm_count(fault_reuse);
        result = FAULT_OK;
    } else if (pte_load(f->s.entry) == old) {
        page_get(pg);
        result = FAULT_COPY;
    }
    spin_unlock(&f->s.table->lock);
    if (unlikely(tell))
        flush_one(f->mm, f->va);
    return result;
}

/* The entry allows it already. */
static noinline enum fault_result fault_for_nothing(struct fault *f)
{
    bool tell;

    spin_lock(&f->s.table->lock);
    tell = settle_here(f->mm, f->va, f->s.table);
    spin_unlock(&f->s.table->lock);
    if (unlikely(tell))
        flush_one(f->mm, f->va);
    mm_count(fault_spurious);
    return FAULT_OK;
}
