/* SPDX-License-Identifier: MIT
 *
 * munmap: check the arguments, reserve what cutting needs, remove.
 */
#include "lib/uapi/errno.h"
#include "mm/call/calls.h"
#include "mm/op/area.h"
#include "mm/vm/lend.h"

/* Whether [addr, end) can be unmapped, and how many VMAs that cuts. */
static int check_unmap(struct mm *mm, vaddr_t addr, vaddr_t end, unsigned *cuts)
{
    const struct vma *v = vma_seek(mm, addr);
    struct area_pages there;

    if (v && v->start <= addr && end <= v->end && !(v->flags & (VM_HUGE | VM_SEALED))) {
        *cuts = v->start < addr && end < v->end; /* in one: nothing to look for */
        return area_may_cut(mm, *cuts) ? 0 : -ENOMEM;
    }
    *cuts = area_cuts(mm, addr, end);
    there = area_pages_in(mm, addr, end);
    return area_check_unmap(mm, addr, end, &there);
}

static noinline int unmap_any(struct mm *mm, vaddr_t addr, vaddr_t end,
                              struct area_dead *dead)
{
    struct area_reserve r;
    unsigned cuts;
    int err = check_unmap(mm, addr, end, &cuts);

    r.n = 0;
    if (!err && cuts)
        err = area_reserve(&r, cuts);
    if (!err)
        err = lend_own_ends(mm, addr, end);
    if (!err)
        area_unmap(mm, addr, end, &r, dead);
    area_release(&r);
    return err;
}

long mm_munmap(struct mm *mm, vaddr_t addr, u64 len)
{
    struct area_dead dead = {NULL};
    struct vma *v;
    vaddr_t end;
    int err = 0;

    if (addr % PAGE_SIZE || len == 0 || addr > USER_END || len > USER_END - addr)
        return -EINVAL;
    end = addr + align_up(len, PAGE_SIZE);
    mm_lock(mm);
    v = mm->recent;
    /* All of what was mapped last, mostly: there is nothing to look for, to cut or to own. */
    if (v && v->start == addr && v->end == end && !mm->lent &&
        !(v->flags & (VM_HUGE | VM_SEALED)))
        area_unmap_one(mm, v, &dead);
    else
        err = unmap_any(mm, addr, end, &dead);
    mm_unlock(mm);
    area_bury(&dead);
    return err;
}
