/* SPDX-License-Identifier: MIT
 *
 * madvise. Over a range with holes the mapped parts on both sides are advised and the result
 * is -ENOMEM, as on Linux. DONTNEED drops translations; an arrangement is not one.
 */
#include "lib/uapi/errno.h"
#include "lib/uapi/mman.h"
#include "mm/area.h"
#include "mm/calls.h"
#include "mm/fault.h"
#include "mm/zap.h"

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
    default:
        return flags;
    }
}

static bool known(int advice)
{
    switch (advice) {
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_WILLNEED:
    case MADV_DONTNEED:
    case MADV_DONTFORK:
    case MADV_DOFORK:
        return true;
    default:
        return false;
    }
}

/* Applies the advice to [start, end) of v. */
static int advise(struct mm *mm, struct vma *v, vaddr_t start, vaddr_t end, int advice)
{
    struct area_reserve r;
    struct tlb_batch b;
    u32 flags = advised_flags(v->flags, advice);

    if (advice == MADV_DONTNEED) {
        if (v->flags & VM_LOCKED)
            return -EINVAL;
        tlb_begin(&b, mm);
        zap_range(v, start, end, &b);
        tlb_end(&b);
        return 0;
    }
    if (flags == v->flags)
        return 0; /* also WILLNEED: what is not a hole is in memory already */
    if (mm->nvmas + 2 > MM_MAX_VMAS || area_reserve(&r, 2) != 0)
        return -ENOMEM;
    area_set_flags(mm, v, start, end, flags, &r);
    area_release(&r);
    return 0;
}

int mm_madvise(struct mm *mm, vaddr_t addr, u64 len, int advice)
{
    vaddr_t end;
    int err = 0, hole = 0;

    if (!known(advice) || addr % PAGE_SIZE)
        return -EINVAL;
    if (align_up(len, PAGE_SIZE) < len || addr + align_up(len, PAGE_SIZE) < addr)
        return -EINVAL;
    end = addr + align_up(len, PAGE_SIZE);
    if (end == addr)
        return 0;
    mutex_lock(&mm->lock);
    while (!err && addr < end) {
        struct vma *v = vma_find(mm, addr);
        vaddr_t stop;

        if (!v || v->start >= end) {
            hole = -ENOMEM;
            break;
        }
        if (v->start > addr)
            hole = -ENOMEM;
        addr = MAX(addr, v->start);
        stop = MIN(v->end, end);
        err = advise(mm, v, addr, stop, advice);
        addr = stop;
    }
    mutex_unlock(&mm->lock);
    return err ? err : hole;
}
