/* SPDX-License-Identifier: MIT
 *
 * madvise. Over a range with holes the mapped parts on both sides are advised and the result
 * is -ENOMEM, as on Linux. Advice that drops translations keeps the arrangement; advice about
 * file pages (REMOVE, POPULATE) means the pages the addresses show.
 */
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/mman.h"
#include "mm/call/calls.h"
#include "mm/op/area.h"
#include "mm/op/fault.h"
#include "mm/op/zap.h"
#include "mm/vm/slot.h"

/* The flags a VMA has after the advice; same flags: nothing to set. */
static u32 advised_flags(u32 flags, int advice)
{
    switch (advice) {
    case MADV_NORMAL:
        return flags & ~(VM_RANDOM | VM_SEQ);
    case MADV_RANDOM:
        return (flags & ~VM_SEQ) | VM_RANDOM;
    case MADV_SEQUENTIAL:
        return (flags & ~VM_RANDOM) | VM_SEQ;
    case MADV_DONTFORK:
        return flags | VM_DONTFORK;
    case MADV_DOFORK:
        return flags & ~VM_DONTFORK;
    case MADV_DONTDUMP:
        return flags | VM_DONTDUMP;
    case MADV_DODUMP:
        return flags & ~VM_DONTDUMP;
    case MADV_WIPEONFORK:
        return flags | VM_WIPEONFORK;
    case MADV_KEEPONFORK:
        return flags & ~VM_WIPEONFORK;
    default:
        return flags;
    }
}

/* MERGEABLE, HUGEPAGE and the like are for machinery that is not here: -EINVAL, as on a Linux
 * built without it. NOHUGEPAGE asks for what is so: no huge page comes by itself. */
static bool known(int advice)
{
    if (advice == MADV_NOHUGEPAGE)
        return true;
    return (advice >= MADV_NORMAL && advice <= MADV_DONTNEED) ||
           (advice >= MADV_FREE && advice <= MADV_DOFORK) ||
           (advice >= MADV_DONTDUMP && advice <= MADV_DONTNEED_LOCKED);
}

/* -EAGAIN for want of memory or of mappings: -ENOMEM tells of holes. */
static int set_flags(struct mm *mm, struct vma *v, vaddr_t start, vaddr_t end, u32 flags)
{
    struct area_reserve r;

    if (flags == v->flags)
        return 0;
    if (!area_may_cut(mm, area_growth(v, start, end, flags)) || area_reserve(&r, 2) != 0)
        return -EAGAIN;
    area_set_flags(mm, v, start, end, flags, &r);
    area_release(&r);
    return 0;
}

/* Translations go; what they show comes back by faults (or is gone, for private memory). */
static int drop(struct mm *mm, struct vma *v, vaddr_t start, vaddr_t end)
{
    struct change b;

    if (lend_own_ends(mm, start, end) != 0)
        return -ENOMEM;
    change_begin(&b, mm);
    zap_range(v, start, end, &b);
    change_end(&b);
    return 0;
}

/* How far the addresses from va on show one file page after the other for sure: a page, or to
 * the next table where none is away. */
static vaddr_t run_end(struct mm *mm, struct vma *v, vaddr_t va, vaddr_t end)
{
    u64 size = vma_page_size(v);
    unsigned level = slot_level(vma_order(v));
    vaddr_t next = (va | (pt_table_span(level) - 1)) + 1;
    const struct page *table = pt_table(mm, va, level);

    if (!slot_span_home(mm, table, va))
        next = (va | (size - 1)) + 1;
    else if (!table && !mm->lent)
        (void)pt_next_table(mm, &next, MAX(next, end), level);
    return MIN(next, end);
}

int mm_madvise_refuses(const struct vma *v, int advice)
{
    if ((v->flags & VM_LOCKED) && advice != MADV_DONTNEED_LOCKED)
        return -EINVAL;
    if (advice == MADV_FREE)
        return vma_kind(v) != VMA_ANON || vma_order(v) ? -EINVAL : 0;
    if (advice != MADV_REMOVE)
        return 0;
    if (!v->object)
        return -EINVAL;
    if ((v->flags & (VM_SHARED | VM_MAYWRITE)) != (VM_SHARED | VM_MAYWRITE))
        return -EACCES;
    return READ_ONCE(v->object->sealed) ? -EPERM : 0;
}

/* Punches the file pages shown in [start, end): runs of neighbours at once, aliases twice. */
static int punch_shown(struct mm *mm, struct vma *v, vaddr_t start, vaddr_t end)
{
    for (vaddr_t va = start; va < end;) {
        pgoff_t first = mm_offset(mm, v, va), n = 0;

        while (va < end && mm_offset(mm, v, va) == first + n) {
            vaddr_t next = run_end(mm, v, va, end);

            n += (next - va) >> PAGE_SHIFT;
            va = next;
            if (pause_point())
                return -EINTR;
        }
        object_punch(v->object, first << PAGE_SHIFT, (first + n) << PAGE_SHIFT);
        WRITE_ONCE(v->object->wrote, cpu_cycles()); /* a change of the file's contents */
        if (pause_point())
            return -EINTR;
    }
    return 0;
}

static int populate(struct mm *mm, struct vma *v, vaddr_t start, vaddr_t end, bool write)
{
    if (!(v->flags & (write ? VM_WRITE : VM_READ)) || fault_key_denies(v, write))
        return -EINVAL;
    for (vaddr_t va = start; va < end; va += vma_page_size(v)) {
        switch (fault_locked(mm, v, va, write ? FAULT_WRITE : FAULT_READ)) {
        case FAULT_OK:
            break;
        case FAULT_OOM:
            return -ENOMEM;
        case FAULT_MAPERR:
        case FAULT_ACCERR:
        case FAULT_BUS:
        case FAULT_ASK_MISSING:
        case FAULT_ASK_WRITE:
        case FAULT_ASK_MINOR:
            return -EFAULT;
        }
        if (pause_point())
            return -EINTR;
    }
    return 0;
}

/* Applies the advice to [start, end) of v. */
static int advise(struct mm *mm, struct vma *v, vaddr_t start, vaddr_t end, int advice)
{
    u64 size = vma_page_size(v);
    int err;

    if (start % size)
        return -EINVAL;
    if (end % size) { /* whole pages only */
        if (advised_flags(v->flags, advice) != v->flags)
            return -EINVAL;
        end = align_down(end, size);
    }
    if ((v->flags & VM_DROPPABLE) && (advice == MADV_DODUMP || advice == MADV_KEEPONFORK))
        return -EINVAL;
    switch (advice) {
    case MADV_DONTNEED:
    case MADV_DONTNEED_LOCKED:
    case MADV_FREE: /* free at once: "the kernel may free" at any time */
        err = mm_madvise_refuses(v, advice);
        return err ? err : drop(mm, v, start, end);
    case MADV_REMOVE:
        err = mm_madvise_refuses(v, advice);
        return err ? err : punch_shown(mm, v, start, end);
    case MADV_POPULATE_READ:
        return populate(mm, v, start, end, false);
    case MADV_POPULATE_WRITE:
        return populate(mm, v, start, end, true);
    case MADV_COLD:
    case MADV_PAGEOUT: /* nowhere to page out to */
        return v->flags & VM_LOCKED ? -EINVAL : 0;
    case MADV_WILLNEED: /* what is not a hole is in memory already */
        return 0;
    case MADV_WIPEONFORK:
        if (vma_kind(v) != VMA_ANON)
            return -EINVAL;
        break;
    default:
        break;
    }
    return set_flags(mm, v, start, end, advised_flags(v->flags, advice));
}

/* Advice that throws contents away, from memory a program can no longer write itself. */
static bool breaks_seal(const struct mm *mm, vaddr_t start, vaddr_t end, int advice)
{
    switch (advice) {
    case MADV_DONTNEED:
    case MADV_DONTNEED_LOCKED:
    case MADV_FREE:
    case MADV_REMOVE:
    case MADV_DONTFORK:
    case MADV_WIPEONFORK:
        break;
    default:
        return false;
    }
    for (struct vma *v = vma_find(mm, start); v && v->start < end; v = vma_next(v)) {
        if ((v->flags & VM_SEALED) && !(v->flags & (VM_SHARED | VM_WRITE)))
            return true;
        pause_anyway();
    }
    return false;
}

#define READ_MAX (16ul << 20) /* dropped without a pause */

/* MADV_DONTNEED of a part of v, between vma_read_begin() and mm_read_end(); false: more is asked, or
 * it is no ordinary one. */
static bool drop_read(struct mm *mm, struct vma *v, vaddr_t start, vaddr_t end)
{
    struct change c;

    if (v->end < end || end - start > READ_MAX ||
        (v->flags & (VM_LOCKED | VM_SEALED | VM_HUGE)) || !lend_none(mm, start, end))
        return false;
    change_begin(&c, mm);
    zap_range_at_once(v, start, end, &c);
    change_end(&c);
    return true;
}

int mm_madvise(struct mm *mm, vaddr_t addr, u64 len, int advice)
{
    struct vma *v;
    vaddr_t end;
    int err = 0, hole = 0;

    if (!known(advice) || addr % PAGE_SIZE)
        return -EINVAL;
    if (align_up(len, PAGE_SIZE) < len || addr + align_up(len, PAGE_SIZE) < addr)
        return -EINVAL; /* wraps */
    end = addr + align_up(len, PAGE_SIZE);
    if (end == addr)
        return 0;
    if (advice == MADV_DONTNEED && (v = vma_read_begin(mm, addr)) != NULL) {
        bool done = drop_read(mm, v, addr, end);

        mm_read_end(mm);
        if (done)
            return 0;
    }
    mm_lock(mm);
    if (breaks_seal(mm, addr, end, advice))
        err = -EPERM;
    while (!err && addr < end) {
        vaddr_t stop;

        v = vma_find(mm, addr);
        if (!v || v->start >= end) {
            hole = -ENOMEM;
            break;
        }
        if (v->start > addr)
            hole = -ENOMEM;
        if (hole && (advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE))
            break;
        addr = MAX(addr, v->start);
        stop = MIN(v->end, end);
        err = advise(mm, v, addr, stop, advice);
        addr = stop;
        if (!err && pause_point())
            err = -EINTR;
    }
    mm_unlock(mm);
    return err ? err : hole;
}
