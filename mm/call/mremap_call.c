/* SPDX-License-Identifier: MIT
 *
 * mremap: what a call may do, in Linux's order, shrinking and growing in place, and ranges of
 * several VMAs: their tail may go, or all of them move. mm/op/mremap.c moves one.
 */
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "mm/call/calls.h"
#include "mm/op/fault.h"
#include "mm/op/mremap.h"
#include "mm/op/populate.h"
#include "mm/vm/lend.h"

static bool overlaps(const struct mremap *m)
{
    return m->old < m->new_addr + m->new_len && m->new_addr < m->old + m->old_len;
}

/* What can be said without the VMAs. A length that rounds up to nothing is no length. */
static int check_args(struct mremap *m)
{
    if (m->flags & ~(u32)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
        return -EINVAL;
    m->old_len = align_up(m->old_len, PAGE_SIZE);
    m->new_len = align_up(m->new_len, PAGE_SIZE);
    if (m->old % PAGE_SIZE || m->new_len == 0 || m->new_len > USER_END)
        return -EINVAL;
    if (!(m->flags & PLACED))
        return 0;
    if (m->new_addr % PAGE_SIZE || m->new_addr > USER_END - m->new_len)
        return -EINVAL;
    if (!(m->flags & MREMAP_MAYMOVE))
        return -EINVAL;
    if ((m->flags & MREMAP_DONTUNMAP) && m->old_len != m->new_len)
        return -EINVAL;
    return overlaps(m) ? -EINVAL : 0;
}

/* Whether `extra` pages more of v fit into the limits. */
static int check_limits(struct mremap *m, const struct vma *v, u64 extra)
{
    int err = 0;

    if (v->flags & VM_LOCKED)
        err = area_check_memlock(m->mm, extra);
    return err ? err : area_check_limits(m->mm, v->flags, extra, 0, 0);
}

/* The limit on VMAs, as Linux keeps it: three less for a move, two more for one that takes a
 * place which may be mapped. */
static bool may_move(const struct mremap *m)
{
    return m->mm->nvmas + 3 + (m->flags & PLACED ? 2 : 0) < mm_max_map_count;
}

static int choose_target(struct mremap *m, const struct vma *v)
{
    vaddr_t least = MAX(align_up(mm_min_addr, PAGE_SIZE), PAGE_SIZE), hint = m->new_addr;

    if (m->flags & MREMAP_FIXED)
        return mm_too_low(hint) ? -EPERM : 0;
    if (hint && (m->flags & MREMAP_DONTUNMAP)) { /* never of huge pages */
        const struct vma *at;

        hint = MAX(hint, least);
        at = vma_find(m->mm, hint);
        if (hint <= USER_END - m->new_len &&
            (!at || hint + m->new_len <= vma_low_end(at))) {
            m->new_addr = hint;
            return 0;
        }
    }
    return area_find_place(m->mm, m->new_len, vma_page_size(v), 0, &m->new_addr);
}

/* How far v can reach. */
static inline vaddr_t room_above(const struct vma *v)
{
    return v->next ? vma_low_end(v->next) : USER_END;
}

static inline void lengthen(struct mm *mm, struct vma *v, vaddr_t end)
{
    area_account(mm, v->flags, (s64)((end - v->end) >> PAGE_SHIFT));
    vma_set_end(v, end);
    if (v->next && vma_can_merge(v, v->next))
        vma_absorb(mm, v, v->next);
}

static bool grow_in_place(struct mremap *m, struct vma *v)
{
    vaddr_t end = m->old + m->new_len;

    if (m->old + m->old_len != v->end || (m->flags & PLACED))
        return false;
    if (end < m->old || end > room_above(v))
        return false;
    if (v->object && lend_own_ends(m->mm, v->end, end) != 0)
        return false;
    lengthen(m->mm, v, end);
    m->fills = vm_populates(v->flags);
    m->new_addr = m->old;
    return true;
}

/* Whether the pages of v and of what the target takes away stay whole. Huge pages shrink and
 * move, by whole pages: lengths are rounded to theirs; they do not grow and are not left
 * behind, as on Linux. Small pages do not take the place of huge ones. */
static bool pages_allow(struct mremap *m, const struct vma *v)
{
    u64 size = vma_page_size(v);

    if (size != PAGE_SIZE) {
        m->old_len = align_up(m->old_len, size);
        m->new_len = align_up(m->new_len, size);
        if ((m->flags & MREMAP_DONTUNMAP) || m->old % size || m->new_len > m->old_len)
            return false;
    }
    if (!(m->flags & MREMAP_FIXED))
        return true;
    for (const struct vma *t = vma_find(m->mm, m->new_addr);
         t && t->start < m->new_addr + m->new_len; t = vma_next(t)) {
        if (vma_page_size(t) > size)
            return false;
        pause_anyway();
    }
    return m->new_addr % size == 0 && m->new_addr <= USER_END - m->new_len &&
           !overlaps(m) && !area_cuts_page(m->mm, m->new_addr, m->new_addr + m->new_len);
}

/* Whether the tail [new_len, old_len) of the range can be taken away, whatever is there; the
 * records for that are reserved. */
static int check_tail(struct mremap *m)
{
    vaddr_t start = m->old + m->new_len, end = m->old + m->old_len;
    struct area_pages there;
    int err;

    if (start > USER_END || m->old_len - m->new_len > USER_END - start)
        return -EINVAL;
    there = area_pages_in(m->mm, start, end);
    err = area_check_unmap(m->mm, start, end, &there);
    if (!err)
        err = area_reserve(&m->tail, 2);
    return err ? err : lend_own_ends(m->mm, start, end);
}

static void cut_tail(struct mremap *m, u64 old_len)
{
    area_unmap(m->mm, m->old + m->new_len, m->old + old_len, &m->tail, &m->dead);
}

/* What a call that maps something new asks of v. */
static int check_source(struct mremap *m, const struct vma *v)
{
    u64 extra = m->new_len > m->old_len ? (m->new_len - m->old_len) >> PAGE_SHIFT : 0;
    u64 moved = MIN(m->old_len, m->new_len);
    pgoff_t home = vma_home(v, m->old);

    if (m->old_len == 0 && !(v->flags & VM_SHARED))
        return -EINVAL;
    if (moved > v->end - m->old)
        return -EFAULT;
    /* The target would take what is to be duplicated. */
    if (m->old_len == 0 && (m->flags & MREMAP_FIXED) && m->old - m->new_addr < m->new_len)
        return -EFAULT;
    if (v->object && extra && home + (m->new_len >> PAGE_SHIFT) < home)
        return -EINVAL;
    if (m->flags & MREMAP_DONTUNMAP)
        extra = m->new_len >> PAGE_SHIFT;
    return extra ? check_limits(m, v, extra) : 0;
}

/* Moves v, and takes away the tail that MREMAP_FIXED leaves behind. */
static int move_and_cut(struct mremap *m, struct vma *v)
{
    u64 old_len = m->old_len;
    int err = old_len > m->new_len ? check_tail(m) : 0;

    m->fills = true;
    m->old_len = MIN(old_len, m->new_len);
    if (!err)
        err = mremap_move(m, v, old_len == 0 || (m->flags & MREMAP_DONTUNMAP));
    if (!err && old_len > m->new_len)
        cut_tail(m, old_len);
    return err;
}

/* One VMA, the tail excepted. The result's address in m->new_addr. */
static int mremap_locked(struct mremap *m)
{
    REQUIRES_EXCLUSIVE(&m->mm->lock);
    struct vma *v = vma_at(m->mm, m->old);
    int err;

    if ((m->flags & PLACED) && !may_move(m))
        return -ENOMEM;
    if (!v)
        return -EFAULT;
    if (v->flags & VM_SEALED)
        return -EPERM;
    if (!pages_allow(m, v))
        return -EINVAL;
    if (m->old_len >= m->new_len && !(m->flags & PLACED)) {
        m->new_addr = m->old;
        err = m->old_len > m->new_len ? check_tail(m) : 0;
        if (!err && m->old_len > m->new_len)
            cut_tail(m, m->old_len);
        return err;
    }
    err = check_source(m, v);
    if (err)
        return err;
    if ((m->flags & MREMAP_FIXED) &&
        area_sealed(m->mm, m->new_addr, m->new_addr + m->new_len))
        return -EPERM;
    if (m->old_len && m->new_len > m->old_len && grow_in_place(m, v))
        return 0;
    if (!(m->flags & MREMAP_MAYMOVE) || !may_move(m))
        return -ENOMEM;
    err = choose_target(m, v);
    return err ? err : move_and_cut(m, v);
}

/* Locked memory is mapped: what has moved as far as its pages are there, since moving fills no
 * hole, and all of what is new. */
static void populate(const struct mremap *m)
{
    struct vma *v = vma_at(m->mm, m->new_addr);
    vaddr_t moved = m->new_addr + MIN(m->old_len, m->new_len);
    vaddr_t end = m->new_addr + m->new_len;

    if (!v || !vm_populates(v->flags))
        return;
    if (m->new_addr != m->old)
        fault_map_resident(v, m->new_addr, moved);
    if (moved < end)
        (void)fault_populate(m->mm, moved, end);
}

static void finish(struct mremap *m)
{
    area_release(&m->reserve);
    area_release(&m->cuts);
    area_release(&m->tail);
}

/* MREMAP_FIXED with an equal length: each VMA of the range keeps its distance to the others,
 * and so do the holes, over which the target stays as it is. Partial when one fails. */
static int move_each(const struct mremap *whole, struct area_dead *dead)
{
    struct mm *mm = whole->mm;
    vaddr_t end = whole->old + whole->old_len, at = whole->old;
    struct vma *v = vma_at(mm, at);

    if (!v)
        return -EFAULT;
    while (at < end && (v = vma_find(mm, at)) != NULL && v->start < end) {
        struct mremap m = *whole;
        int err;

        m.old = MAX(v->start, at);
        m.old_len = m.new_len = MIN(v->end, end) - m.old;
        m.new_addr += m.old - whole->old;
        m.dead = *dead;
        at = m.old + m.old_len;
        err = mremap_locked(&m);
        *dead = m.dead;
        finish(&m);
        if (err)
            return err;
        if (m.fills)
            populate(&m);
    }
    return 0;
}

/* Private memory gets longer where it is, which is what most calls come to. False: it is something
 * else, or it cannot; nothing has changed. */
static bool grow_private(struct mm *mm, vaddr_t addr, u64 old_len, u64 new_len)
{
    struct vma *v;
    u64 extra;

    old_len = align_up(old_len, PAGE_SIZE);
    new_len = align_up(new_len, PAGE_SIZE);
    if (addr % PAGE_SIZE || !old_len || old_len >= new_len || new_len > USER_END)
        return false;
    v = vma_at(mm, addr);
    if (!v || v->object || (v->flags & (VM_HUGE | VM_LOCKED | VM_SEALED)) ||
        v->end - addr != old_len || addr + new_len > room_above(v))
        return false;
    extra = (new_len - old_len) >> PAGE_SHIFT;
    if (area_check_limits(mm, v->flags, extra, 0, 0) != 0)
        return false;
    lengthen(mm, v, addr + new_len);
    return true;
}

/* Any call. M exclusive, given up here. */
static noinline int any_mremap(struct mm *mm, vaddr_t addr, u64 old_len, u64 new_len,
                               u32 flags, vaddr_t new_addr, vaddr_t *out)
{
    struct mremap m; /* most of it is room for records, which need not be cleared */
    int err;

    m.mm = mm;
    m.old = addr;
    m.new_addr = flags & PLACED ? new_addr : 0;
    m.old_len = old_len;
    m.new_len = new_len;
    m.flags = flags;
    m.fills = m.pinned_leaf = m.copies = false;
    m.reserve.n = m.cuts.n = m.tail.n = 0;
    m.dead.first = NULL;
    err = check_args(&m);
    if (!err && (flags & MREMAP_FIXED) && m.old_len == m.new_len) {
        err = move_each(&m, &m.dead);
    } else if (!err) {
        err = mremap_locked(&m);
        if (!err && m.fills)
            populate(&m);
    }
    mm_unlock(mm);
    finish(&m);
    area_bury(&m.dead);
    if (!err)
        *out = m.new_addr;
    return err;
}

int mm_mremap(struct mm *mm, vaddr_t addr, u64 old_len, u64 new_len, u32 flags,
              vaddr_t new_addr, vaddr_t *out)
{
    mm_lock(mm);
    if (!(flags & ~(u32)MREMAP_MAYMOVE) && grow_private(mm, addr, old_len, new_len)) {
        mm_unlock(mm);
        *out = addr;
        return 0;
    }
    return any_mremap(mm, addr, old_len, new_len, flags, new_addr, out);
}
