/* SPDX-License-Identifier: MIT
 *
 * mlock and its family: a flag of the VMA, an exact count of locked pages, and populating.
 * There is no swap: what a lock promises beyond residence is that DONTNEED and INVALIDATE
 * are refused.
 */
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/mman.h"
#include "mm/call/calls.h"
#include "mm/op/area.h"
#include "mm/op/fault.h"
#include "mm/op/populate.h"

static int whole_pages(vaddr_t *addr, u64 len, vaddr_t *end)
{
    /* What rounds up to 2^64 counts as 0, as on Linux. */
    u64 size = align_up(len + *addr % PAGE_SIZE, PAGE_SIZE);

    *addr &= PAGE_MASK;
    *end = *addr + size;
    return *end < *addr ? -EINVAL : 0;
}

/* Pages of [start, end) that are not locked yet. */
static u64 unlocked_pages(const struct mm *mm, vaddr_t start, vaddr_t end)
{
    u64 n = 0;

    for (struct vma *v = vma_find(mm, start); v && v->start < end; v = vma_next(v)) {
        if (!(v->flags & VM_LOCKED) && !vma_order(v))
            n += (MIN(v->end, end) - MAX(v->start, start)) >> PAGE_SHIFT;
        pause_anyway();
    }
    return n;
}

/* The flags of v with `bits` of VM_LOCKED | VM_LOCKONFAULT. Huge pages stay anyway and are not
 * counted; what may be lost cannot be locked. */
static u32 locked_flags(const struct vma *v, u32 bits)
{
    if (v->flags & (VM_HUGE | VM_DROPPABLE))
        return v->flags;
    return (v->flags & ~(VM_LOCKED | VM_LOCKONFAULT)) | bits;
}

/* How many VMAs more there are with these bits on [start, end). */
static unsigned locked_growth(const struct mm *mm, vaddr_t start, vaddr_t end, u32 bits)
{
    const struct vma *first = vma_at(mm, start), *last = vma_at(mm, end - 1);
    unsigned n = 0;

    if (first)
        n += area_growth(first, start, end, locked_flags(first, bits));
    if (last && last != first)
        n += area_growth(last, start, end, locked_flags(last, bits));
    return n;
}

/* Sets `bits` of VM_LOCKED | VM_LOCKONFAULT on [start, end) up to the first hole. */
static int set_locked(struct mm *mm, vaddr_t start, vaddr_t end, u32 bits)
{
    struct area_reserve r;
    int err;

    if (!area_may_cut(mm, locked_growth(mm, start, end, bits)))
        return -ENOMEM;
    err = area_reserve(&r, 2);
    if (err)
        return err;
    while (start < end) {
        struct vma *v = vma_at(mm, start);
        vaddr_t stop;

        if (!v) {
            err = -ENOMEM;
            break;
        }
        stop = MIN(v->end, end);
        area_set_flags(mm, v, start, stop, locked_flags(v, bits), &r);
        start = stop;
        pause_anyway();
    }
    area_release(&r);
    return err;
}

int mm_mlock(struct mm *mm, vaddr_t addr, u64 len, u32 flags)
{
    u32 bits = VM_LOCKED | (flags & MLOCK_ONFAULT ? VM_LOCKONFAULT : 0);
    vaddr_t end;
    int err;

    if (flags & ~(u32)MLOCK_ONFAULT)
        return -EINVAL;
    err = whole_pages(&addr, len, &end);
    if (err || addr == end)
        return err;
    if (!caller_may(CAP_IPC_LOCK) && mm->limits.memlock == 0)
        return -EPERM;
    mm_lock(mm);
    if (area_check_memlock(mm, unlocked_pages(mm, addr, end)) != 0)
        err = -ENOMEM;
    if (!err)
        err = set_locked(mm, addr, end, bits);
    if (!err && !(flags & MLOCK_ONFAULT)) {
        switch (fault_populate(mm, addr, end)) {
        case FAULT_OK:
            break;
        case FAULT_OOM:
            err = -EAGAIN;
            break;
        case FAULT_MAPERR:
        case FAULT_ACCERR:
        case FAULT_BUS:
        case FAULT_ASK_MISSING:
        case FAULT_ASK_WRITE:
        case FAULT_ASK_MINOR:
            err =
                -ENOMEM; /* no rights, or beyond the end of the file: cannot be resident */
            break;
        }
    }
    mm_unlock(mm);
    return err;
}

int mm_munlock(struct mm *mm, vaddr_t addr, u64 len)
{
    vaddr_t end;
    int err = whole_pages(&addr, len, &end);

    if (err || addr == end)
        return err;
    mm_lock(mm);
    err = set_locked(mm, addr, end, 0);
    mm_unlock(mm);
    return err;
}

int mm_mlockall(struct mm *mm, u32 flags)
{
    u32 bits = VM_LOCKED | (flags & MCL_ONFAULT ? VM_LOCKONFAULT : 0);

    if (!flags || (flags & ~(u32)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) ||
        flags == MCL_ONFAULT)
        return -EINVAL;
    if (!caller_may(CAP_IPC_LOCK) && mm->limits.memlock == 0)
        return -EPERM;
    SCOPED_LOCK(&mm->lock);
    if ((flags & MCL_CURRENT) && !caller_may(CAP_IPC_LOCK) &&
        mm->total_vm > mm->limits.memlock >> PAGE_SHIFT)
        return -ENOMEM;
    mm->def_flags = flags & MCL_FUTURE ? bits : 0;
    if (flags & MCL_CURRENT) {
        struct area_reserve none = {.n = 0};

        /* Whole VMAs: nothing is cut, so no record is needed. */
        for (struct vma *v = vma_first(mm); v; v = vma_next(v)) {
            v = area_set_flags(mm, v, v->start, v->end, locked_flags(v, bits), &none);
            pause_anyway();
        }
        if (!(flags & MCL_ONFAULT))
            (void)fault_populate(mm, 0,
                                 USER_END); /* as on Linux: failures are not told */
    }
    return 0;
}

int mm_munlockall(struct mm *mm)
{
    struct area_reserve none = {.n = 0};

    mm_lock(mm);
    mm->def_flags = 0;
    for (struct vma *v = vma_first(mm); v; v = vma_next(v)) {
        v = area_set_flags(mm, v, v->start, v->end,
                           v->flags & ~(VM_LOCKED | VM_LOCKONFAULT), &none);
        pause_anyway();
    }
    mm_unlock(mm);
    return 0;
}
