/* SPDX-License-Identifier: MIT
 *
 * remap_clone: a second mapping of the same file pages in the same arrangement. The numbers
 * are copied before the mapping exists, which is the reservation; nothing fails afterwards.
 */
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/mman.h"
#include "mm/call/calls.h"
#include "mm/op/area.h"
#include "mm/op/area_trim.h"
#include "mm/op/fault.h"
#include "mm/op/populate.h"
#include "mm/vm/slot.h"
#include "mm/vm/slot_range.h"

/* Advice and locking stay with the source, the key is 0, as of a new mapping; MCL_FUTURE counts as for a new mapping. */
static u32 clone_flags(const struct mm *mm, const struct vma *v, u32 prot)
{
    u32 kept = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_NORESERVE | VM_HUGE;
    u32 flags = VM_SHARED | (v->flags & kept) | prot | mm->def_flags;

    return flags & VM_HUGE ? flags & ~(VM_LOCKED | VM_LOCKONFAULT) : flags;
}

/* Everything that can fail. *out is ready to insert, the numbers are in place. */
static int prepare(struct mm *mm, struct vma *v, vaddr_t src, u64 len, u32 flags,
                   struct area_reserve *r, struct vma **out)
{
    u64 npages = len >> PAGE_SHIFT, size = vma_page_size(v);
    int err = !area_may_add(mm) ? -ENOMEM : area_check_limits(mm, flags, npages, 0, 0);
    struct vma *t;
    vaddr_t at;

    if (!err && (flags & VM_LOCKED))
        err = area_check_memlock(mm, npages);
    if (!err)
        err = area_find_place(mm, len, size, 0, &at);
    if (!err)
        err = area_reserve(r, 1);
    if (!err)
        err = lend_own_ends(mm, at, at + len);
    if (err)
        return err;
    if (size != PAGE_SIZE)
        area_clear_way(mm, at, at + len);
    err = away_redeem(mm, src, src + len);
    if (!err)
        err = slot_copy_numbers(mm, v, src, src + len, at - src);
    if (err) {
        slot_forget_range(mm, at, at + len, vma_order(v));
        area_trim(mm, at, at + len);
        return err;
    }
    t = area_take(r);
    vma_copy(t, mm, at, v, src, src + len);
    vma_set_flags(t, flags);
    *out = t;
    return 0;
}

static int clone_locked(struct mm *mm, vaddr_t src, u64 len, u32 prot,
                        struct area_reserve *r, vaddr_t *out)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    struct vma *v = vma_at(mm, src), *t;
    u32 flags;
    int err;

    if (!v || vma_kind(v) != VMA_SHARED || src + len > v->end ||
        (v->flags & VM_NOREMAP) || (src | len) % vma_page_size(v))
        return -EINVAL;
    if (prot & ~(v->flags >> 4))
        return -EACCES;
    flags = clone_flags(mm, v, prot);
    err = prepare(mm, v, src, len, flags, r, &t);
    if (err)
        return err;
    *out = t->start;
    vma_add(mm, t);
    area_account(mm, flags, (s64)(len >> PAGE_SHIFT));
    if (vm_populates(flags))
        (void)fault_populate(mm, *out, *out + len);
    return 0;
}

int mm_remap_clone(struct mm *mm, vaddr_t src, u64 len, u32 prot, vaddr_t *out)
{
    struct area_reserve r = {.n = 0};
    int err;

    if (!len || src % PAGE_SIZE || len % PAGE_SIZE || len > USER_END ||
        src > USER_END - len || (prot & ~(u32)(PROT_READ | PROT_WRITE | PROT_EXEC)))
        return -EINVAL;
    mm_lock(mm);
    err = clone_locked(mm, src, len, prot, &r, out);
    mm_unlock(mm);
    area_release(&r);
    return err;
}
