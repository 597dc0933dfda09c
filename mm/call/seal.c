/* SPDX-License-Identifier: MIT
 *
 * mseal: a sealed VMA keeps its place, its size, its rights and its arrangement until exec
 * or exit. The flag is set here; every call that would break a seal asks area_sealed before
 * it changes anything.
 */
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "mm/call/calls.h"
#include "mm/op/area.h"

static bool has_hole(struct mm *mm, vaddr_t start, vaddr_t end)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    return area_pages_in(mm, start, end).all != (end - start) >> PAGE_SHIFT;
}

/* How many VMAs more there are with [start, end), which has no hole, sealed. */
static unsigned growth(const struct mm *mm, vaddr_t start, vaddr_t end)
{
    REQUIRES(&mm->lock);
    const struct vma *first = vma_at(mm, start), *last = vma_at(mm, end - 1);
    unsigned n = area_growth(first, start, end, first->flags | VM_SEALED);

    return last == first ? n : n + area_growth(last, start, end, last->flags | VM_SEALED);
}

int mm_seal(struct mm *mm, vaddr_t addr, u64 len)
{
    struct area_reserve r = {.n = 0};
    vaddr_t end;
    int err = 0;

    if (addr % PAGE_SIZE || align_up(len, PAGE_SIZE) < len)
        return -EINVAL;
    end = addr + align_up(len, PAGE_SIZE);
    if (end < addr)
        return -EINVAL;
    if (end == addr)
        return 0;
    mm_lock(mm);
    if (has_hole(mm, addr, end) || !area_may_cut(mm, growth(mm, addr, end)))
        err = -ENOMEM;
    if (!err && area_cuts_page(mm, addr, end))
        err = -EINVAL;
    if (!err)
        err = area_reserve(&r, 2);
    while (!err && addr < end) {
        struct vma *v = vma_find(mm, addr);
        vaddr_t stop = MIN(v->end, end);

        area_set_flags(mm, v, addr, stop, v->flags | VM_SEALED, &r);
        addr = stop;
        pause_anyway();
    }
    mm_unlock(mm);
    area_release(&r);
    return err;
}
