/* SPDX-License-Identifier: MIT
 *
 * mremap's moves. An arrangement moves with its addresses: the away numbers are carried over.
 * Translations of objects are dropped and come back by faults; private pages move with their
 * entries.
 */
#include "mm/mremap.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "mm/away.h"
#include "mm/pagetable.h"
#include "mm/zap.h"

/* Whether the leaf table over [va, next) can move as it is. */
static bool moves_whole(const struct mremap *m, vaddr_t va, vaddr_t next)
{
    return !m->copies && next - va == LEAF_SPAN &&
           (m->new_addr - m->old) % LEAF_SPAN == 0;
}

/* Makes and pins the tables and arrays that the moved part needs at the target, so that
 * unmapping what is there now does not take them away. 0 or -ENOMEM; unpin in any case. */
static int pin_target(struct mremap *m, const struct vma *v, u64 len)
{
    REQUIRES_EXCLUSIVE(&m->mm->lock);
    bool shared = vma_kind(v) == VMA_SHARED;
    struct page *leaf;

    pt_for_each_leaf (m->mm, m->old, m->old + len, va, next, leaf) {
        vaddr_t to[2] = {m->new_addr + (va - m->old), m->new_addr + (next - m->old) - 1};
        bool whole = moves_whole(m, va, next);

        if (!whole && (shared ? !leaf->naway : !leaf->present))
            continue;
        for (int k = 0; k < 2; k++) {
            struct page *target = pt_table_make(m->mm, to[k], whole ? 1 : 0);

            if (!target || (shared && !whole && away_reserve(target) != 0))
                return -ENOMEM;
            target->pins = 1;
        }
        pause_anyway();
    }
    return 0;
}

static void unpin_target(struct mremap *m)
{
    REQUIRES_EXCLUSIVE(&m->mm->lock);
    vaddr_t end = m->new_addr + m->new_len;
    struct page *leaf, *middle;

    pt_for_each_leaf (m->mm, m->new_addr, end, va, next, leaf) {
        (void)next;
        leaf->pins = 0;
        away_trim(leaf);
        pause_anyway();
    }
    for (vaddr_t va = m->new_addr; va < end; va = (va | (pt_span(2) - 1)) + 1) {
        middle = pt_middle(m->mm, va);
        if (middle)
            middle->pins = 0;
        pause_anyway();
    }
}

/* Frees what a failed reservation made at the target. */
static void trim_target(struct mremap *m)
{
    struct vma *next = vma_find(m->mm, m->new_addr), *prev;
    struct rb_node *last = rb_last(&m->mm->vmas);
    struct tlb_batch b;

    if (next && next->start < m->new_addr + m->new_len)
        return; /* mapped: the tables may stay */
    prev = next ? vma_prev(next) : last ? rb_entry(last, struct vma, node) : NULL;
    tlb_begin(&b, m->mm);
    pt_trim(m->mm, m->new_addr, m->new_addr + m->new_len, prev ? prev->end : 0,
            next ? next->start : USER_END + PAGE_SIZE, &b);
    tlb_end(&b);
}

/* Moves the private entries of [va, next), which lie in one table, one by one. */
static void move_entries(struct mremap *m, struct page *leaf, vaddr_t va, vaddr_t next,
                         struct tlb_batch *b)
{
    REQUIRES_EXCLUSIVE(&leaf->mm->lock);
    u64 delta = m->new_addr - m->old;
    pte_t *from = pt_entries(leaf) + pt_index(va, 0);

    while (va < next && leaf->present) {
        /* Up to where the target goes on in the next table. */
        vaddr_t stop = MIN(next, ((va + delta) | (LEAF_SPAN - 1)) + 1 - delta);
        struct leaf to = pt_leaf_ref(m->mm, va + delta);
        u16 moved = 0;

        if (!to.page) { /* not made: nothing is here to be moved there */
            from += (stop - va) >> PAGE_SHIFT;
            va = stop;
            continue;
        }
        spin_lock(&leaf->lock);
        if (to.page != leaf)
            spin_lock(&to.page->lock);
        for (; va < stop; va += PAGE_SIZE, from++) {
            pte_t pte = pte_load(from);

            if (!pte)
                continue;
            pte_store(from, 0);
            pte_store(&to.entries[pt_index(va + delta, 0)], pte);
            moved++;
            tlb_change(b, va);
        }
        leaf->present -= moved;
        to.page->present += moved;
        if (to.page != leaf)
            spin_unlock(&to.page->lock);
        spin_unlock(&leaf->lock);
    }
}

/* Brings what [old, old+len) of v holds to the target, whose tables are pinned. */
static void transfer(struct mremap *m, struct vma *v, u64 len)
{
    struct tlb_batch b;
    struct page *leaf;

    if (v->object)
        spin_lock(&v->object->lock);
    tlb_begin(&b, m->mm);
    pt_for_each_leaf (m->mm, m->old, m->old + len, va, next, leaf) {
        if (moves_whole(m, va, next)) {
            pt_move_leaf(m->mm, va, va + (m->new_addr - m->old), &b);
        } else if (vma_kind(v) == VMA_SHARED) {
            int err = away_copy(m->mm, m->mm, va, next, m->new_addr - m->old);

            ASSERT(err == 0);
        } else {
            move_entries(m, leaf, va, next, &b);
        }
        if (pause_due()) {
            tlb_flush(&b);
            if (v->object)
                (void)pause_unlocked(&v->object->lock);
            else
                pause_now();
        }
    }
    tlb_end(&b);
    if (v->object)
        spin_unlock(&v->object->lock);
}

/* The new VMA at the target, showing what v shows from m->old on. */
static void init_target(struct mremap *m, struct vma *t, const struct vma *v)
{
    t->mm = m->mm;
    t->start = m->new_addr;
    t->end = m->new_addr + m->new_len;
    t->flags = v->flags;
    t->object = v->object;
    t->file = v->file;
    t->pgoff = v->object ? vma_home(v, m->old) : t->start >> PAGE_SHIFT;
    if (t->object)
        object_get(t->object);
    if (t->file)
        vm_file_get(t->file);
}

/* What MREMAP_DONTUNMAP leaves is not locked, and neither is the rest of its VMA, as on Linux. */
static void unlock_source(struct vma *v)
{
    s64 npages = (s64)((v->end - v->start) >> PAGE_SHIFT);

    area_account(v->mm, v->flags, -npages);
    v->flags &= ~(u32)(VM_LOCKED | VM_LOCKONFAULT);
    area_account(v->mm, v->flags, npages);
}

int mremap_move(struct mremap *m, struct vma *v, bool keep)
{
    REQUIRES_EXCLUSIVE(&m->mm->lock);
    /* old_len 0 duplicates a shared mapping: everything from old that fits. */
    u64 source = m->old_len ? m->old_len : MIN(m->new_len, v->end - m->old);
    u64 common = MIN(source, m->new_len);
    struct vma *target;
    int err;

    m->copies = keep && vma_kind(v) == VMA_SHARED;
    err = area_reserve(&m->reserve, 3);
    if (!err)
        err = area_reserve(&m->cuts, 2);
    if (!err)
        err = pin_target(m, v, common);
    if (err) {
        unpin_target(m);
        trim_target(m);
        return err;
    }
    /* Commit: nothing below can fail. */
    if (m->flags & MREMAP_FIXED) {
        area_unmap(m->mm, m->new_addr, m->new_addr + m->new_len, &m->cuts, &m->dead);
        v = vma_at(m->mm, m->old);
        /* What is duplicated may have lost its end to the target. */
        common = MIN(common, v->end - m->old);
    }
    /* The target is in its object's tree before anything moves there: no walk misses it. */
    target = area_take(&m->reserve);
    init_target(m, target, v);
    vma_insert(m->mm, target);
    transfer(m, v, common);
    unpin_target(m);
    area_account(m->mm, target->flags, (s64)(m->new_len >> PAGE_SHIFT));
    if ((m->flags & MREMAP_DONTUNMAP) && (v->flags & VM_LOCKED)) {
        unlock_source(v);
        vma_merge(m->mm, v);
    }
    vma_merge(m->mm, target);
    if (!keep)
        area_unmap(m->mm, m->old, m->old + m->old_len, &m->reserve, &m->dead);
    return 0;
}
