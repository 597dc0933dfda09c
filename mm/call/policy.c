/* SPDX-License-Identifier: MIT
 *
 * The NUMA policy of memory, kept in its VMAs as it was set; see mm/call/policy.h.
 */
#include "mm/call/policy.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "mm/op/area.h"

/* Whether [start, end) has what it must have, and how many VMAs more it makes at most. */
static int look(struct mm *mm, vaddr_t start, vaddr_t end, bool gaps, unsigned *cuts)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    struct area_pages there = area_pages_in(mm, start, end);
    const struct vma *last = vma_at(mm, end - 1);

    if (!there.all || (!gaps && there.all != (end - start) >> PAGE_SHIFT))
        return -EFAULT;
    *cuts = (there.first->start < start) + (last && end < last->end);
    return area_cuts_page(mm, start, end) ? -EINVAL : 0;
}

int mm_set_policy(struct mm *mm, vaddr_t start, vaddr_t end, u32 policy, bool gaps)
{
    struct area_reserve r = {.n = 0};
    unsigned cuts;
    int err;

    mm_lock(mm);
    err = look(mm, start, end, gaps, &cuts);
    if (!err && !area_may_cut(mm, cuts))
        err = -ENOMEM;
    if (!err)
        err = area_reserve(&r, cuts);
    for (struct vma *v = err ? NULL : vma_seek(mm, start); v && v->start < end;
         v = area_next(v, end)) {
        if (v->policy == policy)
            continue;
        if (v->start < start) {
            vma_split(mm, v, start, area_take(&r));
            v = vma_next(v);
        }
        if (end < v->end)
            vma_split(mm, v, end, area_take(&r));
        v->policy = policy;
        v = vma_merge(mm, v);
    }
    mm_unlock(mm);
    area_release(&r);
    return err;
}

int mm_get_policy(struct mm *mm, vaddr_t va, u32 *policy)
{
    const struct vma *v;

    mm_lock_shared(mm);
    v = vma_at(mm, va);
    *policy = v ? v->policy : 0;
    mm_unlock_shared(mm);
    return v ? 0 : -EFAULT;
}

int mm_check_home(struct mm *mm, vaddr_t start, vaddr_t end)
{
    int err = -ENOENT;

    mm_lock_shared(mm);
    for (const struct vma *v = vma_find(mm, start);
         v && v->start < end && err != -EOPNOTSUPP; v = area_next(v, end)) {
        u32 mode = policy_mode(v->policy);

        if (mode == MPOL_BIND || mode == MPOL_PREFERRED_MANY)
            err = 0;
        else if (mode != MPOL_DEFAULT)
            err = -EOPNOTSUPP;
    }
    mm_unlock_shared(mm);
    return err;
}
