/* SPDX-License-Identifier: MIT
 *
 * mremap's moves. An arrangement moves with its addresses: the away numbers are carried over.
 * Translations of objects are dropped and come back by faults; private pages move with their
 * entries.
 */
#include "mm/op/mremap.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "mm/op/area_trim.h"
#include "mm/op/zap.h"
#include "mm/vm/huge.h"
#include "mm/vm/monitor.h"
#include "mm/vm/object_walk.h"
#include "mm/vm/slot.h"
#include "mm/vm/slot_range.h"

/* How many leaf tables over [va, end) of v can move as they are, from one table of level 1 to
 * one of level 1. */
static u64 whole_leaves(const struct mremap *m, const struct vma *v, vaddr_t va,
                        vaddr_t end)
{
    u64 delta = m->new_addr - m->old;
    vaddr_t stop = MIN(end, (va | (pt_span(2) - 1)) + 1);

    stop = MIN(stop, ((va + delta) | (pt_span(2) - 1)) + 1 - delta);
    return m->copies || vma_order(v) || (va | delta) % LEAF_SPAN
               ? 0
               : (stop - va) / LEAF_SPAN;
}

/* One of those for the address `to`. */
static int pin_at(struct mremap *m, const struct vma *v, vaddr_t to, bool whole)
{
    bool numbers = vma_kind(v) == VMA_SHARED && !whole;
    struct page *table =
        whole ? pt_table_make(m->mm, to, 1) : slot_make(m->mm, to, vma_order(v)).table;

    /* What is there now is forgotten number by number: they must be its own. */
    if (!table || (numbers ? away_reserve(table) : away_thaw(table)) != 0)
        return -ENOMEM;
    table->pins = 1;
    m->pinned_leaf |= table->level == 0;
    return 0;
}

/* Makes and pins the tables and arrays that the moved part needs at the target, so that
 * unmapping what is there now does not take them away. 0, -ENOMEM, -EINTR (killed); unpin in any
 * case. */
static int pin_target(struct mremap *m, const struct vma *v, u64 len)
{
    REQUIRES_EXCLUSIVE(&m->mm->lock);
    bool shared = vma_kind(v) == VMA_SHARED;
    unsigned level = slot_level(vma_order(v));
    vaddr_t end = m->old + len;
    struct page *table;
    int err = away_redeem(m->mm, m->old, end);

    if (err)
        return err;
    if (level == 0 && (err = lend_own_range(m->mm, m->old, end)) != 0)
        return err;
    pt_for_each_table(m->mm, level, m->old, end, va, next, table)
    {
        u64 whole = whole_leaves(m, v, va, end);

        if (whole)
            next = va + whole * LEAF_SPAN;
        else if (shared ? !table->naway : !table->present)
            continue;
        err = pin_at(m, v, m->new_addr + (va - m->old), whole != 0);
        if (!err && !whole)
            err = pin_at(m, v, m->new_addr + (next - m->old) - 1, false);
        if (err)
            return err;
        pause_anyway();
    }
    return 0;
}

static void unpin_target(struct mremap *m)
{
    REQUIRES_EXCLUSIVE(&m->mm->lock);
    vaddr_t end = m->new_addr + m->new_len;
    struct page *table;

    for (unsigned level = m->pinned_leaf ? 0 : 1; level <= 1; level++)
        pt_for_each_table(m->mm, level, m->new_addr, end, va, next, table)
        {
            (void)next;
            table->pins = 0;
            away_trim(table);
            pause_anyway();
        }
}

/* Frees what a failed reservation made at the target. */
static void trim_target(struct mremap *m)
{
    struct vma *v = vma_find(m->mm, m->new_addr);

    if (!v || v->start >= m->new_addr + m->new_len) /* mapped: the tables may stay */
        area_trim(m->mm, m->new_addr, m->new_addr + m->new_len);
}

/* Moves the private entries of [va, next) of v, which lie in one table. */
static void move_entries(struct mremap *m, const struct vma *v, struct page *table,
                         vaddr_t va, vaddr_t next, struct change *c)
{
    REQUIRES_EXCLUSIVE(&m->mm->lock);
    unsigned order = vma_order(v);
    u64 delta = m->new_addr - m->old, span = pt_table_span(slot_level(order));

    for (vaddr_t stop; va < next && table->present; va = stop) {
        struct slot to = slot_at(m->mm, va + delta, order);

        /* Up to where the target goes on in the next table. */
        stop = MIN(next, ((va + delta) | (span - 1)) + 1 - delta);
        if (to.table) /* else nothing is here to be moved there */
            slot_transfer(c, table, slot_index(va, order), to.table, to.i,
                          slot_count(va, stop, order));
    }
}

/* Brings what [old, old+len) of v holds to the target, whose tables are pinned. */
static void transfer(struct mremap *m, struct vma *v, u64 len)
{
    struct page *table;
    struct change c;

    if (v->object)
        object_lock_homes(v->object);
    change_begin(&c, m->mm);
    pt_for_each_table(m->mm, slot_level(vma_order(v)), m->old, m->old + len, va, next,
                      table)
    {
        u64 whole = whole_leaves(m, v, va, m->old + len);

        if (whole) {
            pt_move_leaves(m->mm, va, va + (m->new_addr - m->old), whole, &c);
            next = va + whole * LEAF_SPAN;
        } else if (vma_kind(v) == VMA_SHARED) {
            int err = slot_copy_numbers(m->mm, v, va, next, m->new_addr - m->old);

            ASSERT(err == 0);
        } else {
            move_entries(m, v, table, va, next, &c);
        }
        if (pause_due()) {
            change_flush(&c);
            if (v->object)
                spin_unlock(&v->object->lock);
            pause_now();
            if (v->object)
                object_lock_homes(v->object);
        }
    }
    change_end(&c);
    if (v->object)
        spin_unlock(&v->object->lock);
}

/* What MREMAP_DONTUNMAP leaves is not locked, and neither is the rest of its VMA, as on Linux. */
static void unlock_source(struct vma *v)
{
    s64 npages = (s64)((v->end - v->start) >> PAGE_SHIFT);

    area_account(v->mm, v->flags, -npages);
    v->flags &= ~(u32)(VM_LOCKED | VM_LOCKONFAULT);
    area_account(v->mm, v->flags, npages);
}

/* Room at the target for the guards of [old, old+len). */
static int reserve_guards(const struct mremap *m, const struct vma *v, u64 len)
{
    if (!monitor_follows(v) || !(v->flags & VM_ASK_WRITE))
        return 0;
    return monitor_copy_reserve(v->monitor, m->old, m->old + len, v->monitor,
                                m->new_addr);
}

/* v's monitor gets the target as well, and his guards move. */
static void follow(const struct mremap *m, const struct vma *v, struct vma *target,
                   u64 len)
{
    vma_set_monitor(target, v->monitor, v->flags);
    if (!(v->flags & VM_ASK_WRITE))
        return;
    monitor_copy(v->monitor, m->old, m->old + len, v->monitor, m->new_addr);
    if (m->old_len)
        monitor_unguard(v->monitor, m->old, m->old + len);
    else /* a duplicate, which may have got shorter */
        monitor_copy_undo(v->monitor, m->new_addr, m->new_len);
}

static int no_move(struct mremap *m, int err)
{
    unpin_target(m);
    trim_target(m);
    return err;
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
        err = lend_own_ends(m->mm, m->new_addr, m->new_addr + m->new_len);
    if (!err)
        err = lend_own_ends(m->mm, m->old, m->old + m->old_len);
    if (!err)
        err = pin_target(m, v, common);
    if (!err)
        err = reserve_guards(m, v, common);
    if (err)
        return no_move(m, err);
    /* Commit: nothing below can fail, but for what is said there. */
    if (m->flags & MREMAP_FIXED) {
        area_unmap(m->mm, m->new_addr, m->new_addr + m->new_len, &m->cuts, &m->dead);
        v = vma_at(m->mm, m->old);
        /* What is duplicated may have lost its end to the target. */
        common = MIN(common, v->end - m->old);
        /* With guards of the same monitor their room is gone too. Then, and only if no memory is
         * left, the target is unmapped by a call that fails, as always on Linux. */
        err = reserve_guards(m, v, common);
        if (err)
            return no_move(m, err);
    }
    if (vma_order(v))
        area_clear_way(m->mm, m->new_addr, m->new_addr + m->new_len);
    /* The target is in its object's tree before anything moves there: no walk misses it. */
    target = area_take(&m->reserve);
    vma_copy(target, m->mm, m->new_addr, v, m->old, m->old + m->new_len);
    if (monitor_follows(v))
        follow(m, v, target, common);
    vma_insert(m->mm, target);
    transfer(m, v, common);
    unpin_target(m);
    area_account(m->mm, target->flags, (s64)(m->new_len >> PAGE_SHIFT));
    if (v->flags & VM_HUGE_OWNER) /* what was promised is with the target now */
        huge_ops->release(v, -(s64)(m->old_len / HUGE_SIZE));
    if ((m->flags & MREMAP_DONTUNMAP) && (v->flags & VM_LOCKED)) {
        unlock_source(v);
        vma_merge(m->mm, v);
    }
    vma_merge(m->mm, target);
    if (!keep)
        area_unmap(m->mm, m->old, m->old + m->old_len, &m->reserve, &m->dead);
    return 0;
}
