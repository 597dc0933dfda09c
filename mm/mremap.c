/* SPDX-License-Identifier: MIT
 *
 * mremap: shrink, grow in place, move, duplicate. An arrangement moves with its addresses:
 * the away numbers are carried over. Translations of objects are dropped and come back by
 * faults; private pages move with their entries.
 */
#include "lib/uapi/errno.h"
#include "lib/uapi/mman.h"
#include "mm/area.h"
#include "mm/away.h"
#include "mm/calls.h"
#include "mm/fault.h"
#include "mm/huge.h"
#include "mm/zap.h"

struct mremap {
    struct mm *mm;
    vaddr_t old, new_addr;
    u64 old_len, new_len;
    u32 flags;
    bool copies; /* the old place keeps what it shows: shared memory duplicated */
    struct area_reserve reserve, cuts;
    struct area_dead dead;
};

static bool overlaps(const struct mremap *m)
{
    /* A duplicate (old_len 0) may be put over what lies behind its first page. */
    return m->old < m->new_addr + m->new_len &&
           m->new_addr < m->old + MAX(m->old_len, PAGE_SIZE);
}

static int check_args(struct mremap *m)
{
    if (m->flags & ~(u32)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
        return -EINVAL;
    if ((m->flags & MREMAP_FIXED) && !(m->flags & MREMAP_MAYMOVE))
        return -EINVAL;
    if ((m->flags & MREMAP_DONTUNMAP) &&
        (!(m->flags & MREMAP_MAYMOVE) || m->old_len != m->new_len))
        return -EINVAL;
    if (m->old % PAGE_SIZE)
        return -EINVAL;
    if (align_up(m->old_len, PAGE_SIZE) < m->old_len ||
        align_up(m->new_len, PAGE_SIZE) < m->new_len)
        return -EINVAL;
    m->old_len = align_up(m->old_len, PAGE_SIZE);
    m->new_len = align_up(m->new_len, PAGE_SIZE);
    if (m->new_len == 0 || m->new_len > USER_END)
        return -EINVAL;
    if (m->old > USER_END || m->old_len > USER_END - m->old)
        return m->old_len ? -EINVAL : -EFAULT;
    if (!(m->flags & MREMAP_FIXED))
        return 0;
    if (m->new_addr % PAGE_SIZE || m->new_addr > USER_END - m->new_len)
        return -EINVAL;
    if (m->new_addr < MMAP_MIN_ADDR)
        return -EPERM;
    return overlaps(m) ? -EINVAL : 0;
}

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
    struct vma *v, *next = vma_find(m->mm, m->new_addr), *prev = NULL;
    struct tlb_batch b;

    if (next && next->start < m->new_addr + m->new_len)
        return; /* mapped: the tables may stay */
    for (v = vma_first(m->mm); v && v != next; v = vma_next(v)) {
        prev = v;
        pause_anyway();
    }
    tlb_begin(&b, m->mm);
    pt_trim(m->mm, m->new_addr, m->new_addr + m->new_len, prev ? prev->end : 0,
            next ? next->start : USER_END + PAGE_SIZE, &b);
    tlb_end(&b);
}

/* Moves the private entries of [va, next), which lie in one table, one by one. */
static void move_entries(struct mremap *m, struct page *leaf, vaddr_t va, vaddr_t next,
                         struct tlb_batch *b)
{
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

/* Whether the parts of v may be at two places (or grow) under the limits. */
static int check_limits(struct mremap *m, const struct vma *v, u64 extra)
{
    int err;

    if (m->mm->nvmas + 4 > mm_max_map_count)
        return -ENOMEM;
    err = extra ? area_check_limits(m->mm, v->flags, extra, 0) : 0;
    if (!err && extra && (v->flags & VM_LOCKED))
        err = area_check_memlock(m->mm, extra);
    return err;
}

static int choose_target(struct mremap *m)
{
    if (m->flags & MREMAP_FIXED)
        return 0;
    if (m->new_addr && (m->flags & MREMAP_DONTUNMAP)) {
        const struct vma *at = vma_find(m->mm, m->new_addr);

        if (m->new_addr % PAGE_SIZE == 0 && m->new_addr >= MMAP_MIN_ADDR &&
            m->new_addr <= USER_END - m->new_len &&
            (!at || m->new_addr + m->new_len <= at->start))
            return 0;
    }
    if (vma_find_gap(m->mm, m->new_len, MMAP_MIN_ADDR, m->mm->mmap_base, &m->new_addr) ==
        0)
        return 0;
    return vma_find_gap(m->mm, m->new_len, MMAP_MIN_ADDR, USER_END, &m->new_addr);
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

/* Moves, or with `keep` duplicates, what v shows in [old, old+old_len) to a new place. */
static int move(struct mremap *m, struct vma *v, bool keep)
{
    /* old_len 0 duplicates a shared mapping: everything from old that fits. */
    u64 source = m->old_len ? m->old_len : MIN(m->new_len, v->end - m->old);
    u64 common = MIN(source, m->new_len);
    struct vma *target;
    int err = choose_target(m);

    m->copies = keep && vma_kind(v) == VMA_SHARED;
    if (!err)
        err = area_reserve(&m->reserve, 3);
    if (!err)
        err = area_reserve(&m->cuts, 2);
    if (!err)
        err = pin_target(m, v, common);
    if (err) {
        if (m->new_addr) {
            unpin_target(m);
            trim_target(m);
        }
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
    vma_merge(m->mm, target);
    if (!keep)
        area_unmap(m->mm, m->old, m->old + m->old_len, &m->reserve, &m->dead);
    return 0;
}

static bool grow_in_place(struct mremap *m, struct vma *v)
{
    u64 extra = m->new_len - m->old_len;
    vaddr_t end = m->old + m->new_len, limit = USER_END;
    struct vma *next = vma_next(v);

    if (m->old + m->old_len != v->end || (m->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)))
        return false;
    if (next)
        limit = next->start -
                (next->flags & VM_GROWSDOWN ? MIN(STACK_GUARD_GAP, next->start) : 0);
    if (end < m->old || end > limit)
        return false;
    if (vma_huge(v))
        huge_clear_way(m->mm, m->old + m->old_len, end);
    area_account(m->mm, v->flags, (s64)(extra >> PAGE_SHIFT));
    vma_set_end(v, end);
    vma_merge(m->mm, v);
    m->new_addr = m->old;
    return true;
}

/* Huge pages shrink and grow in place, by whole pages; they neither move nor are moved over. */
static bool huge_allows(const struct mremap *m, const struct vma *v)
{
    bool placed = m->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP);

    if (vma_huge(v))
        return !placed && m->old_len && !((m->old | m->old_len | m->new_len) % HUGE_SIZE);
    return !(m->flags & MREMAP_FIXED) ||
           !huge_any(m->mm, m->new_addr, m->new_addr + m->new_len);
}

/* M exclusive. The result's address in m->new_addr. */
static int mremap_locked(struct mremap *m)
{
    struct vma *v = vma_at(m->mm, m->old);
    u64 extra = m->new_len > m->old_len ? (m->new_len - m->old_len) >> PAGE_SHIFT : 0;
    int err;

    if (!v)
        return -EFAULT;
    if (m->old_len == 0 && !(v->flags & VM_SHARED))
        return -EINVAL;
    if (m->old_len > v->end - m->old)
        return -EFAULT;
    if (!huge_allows(m, v))
        return -EINVAL;
    if (area_sealed(m->mm, m->old, m->old + MAX(m->old_len, PAGE_SIZE)) ||
        ((m->flags & MREMAP_FIXED) &&
         area_sealed(m->mm, m->new_addr, m->new_addr + m->new_len)))
        return -EPERM;
    if (v->object &&
        vma_home(v, m->old) + (m->new_len >> PAGE_SHIFT) < vma_home(v, m->old))
        return -EINVAL;
    if (m->old_len >= m->new_len && !(m->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))) {
        m->new_addr = m->old;
        if (m->old_len == m->new_len)
            return 0;
        err = area_reserve(&m->cuts, 2);
        if (!err)
            area_unmap(m->mm, m->old + m->new_len, m->old + m->old_len, &m->cuts,
                       &m->dead);
        return err;
    }
    if (m->flags & MREMAP_DONTUNMAP)
        extra = m->new_len >> PAGE_SHIFT;
    err = check_limits(m, v, extra);
    if (err)
        return err;
    if (m->old_len && m->new_len > m->old_len && grow_in_place(m, v))
        return 0;
    if (vma_huge(v))
        return -ENOMEM;
    if (!(m->flags & MREMAP_MAYMOVE))
        return -ENOMEM;
    return move(m, v, m->old_len == 0 || (m->flags & MREMAP_DONTUNMAP));
}

int mm_mremap(struct mm *mm, vaddr_t addr, u64 old_len, u64 new_len, u32 flags,
              vaddr_t new_addr, vaddr_t *out)
{
    struct mremap m = {.mm = mm,
                       .old = addr,
                       .new_addr =
                           flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) ? new_addr : 0,
                       .old_len = old_len,
                       .new_len = new_len,
                       .flags = flags};
    struct vma *v;
    int err = check_args(&m);

    if (err)
        return err;
    mutex_lock(&mm->lock);
    err = mremap_locked(&m);
    if (!err && (v = vma_at(mm, m.new_addr)) != NULL && vm_populates(v->flags))
        (void)fault_populate(mm, m.new_addr, m.new_addr + m.new_len);
    mutex_unlock(&mm->lock);
    area_release(&m.reserve);
    area_release(&m.cuts);
    area_bury(&m.dead);
    if (!err)
        *out = m.new_addr;
    return err;
}
