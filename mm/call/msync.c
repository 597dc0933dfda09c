/* SPDX-License-Identifier: MIT
 *
 * msync: memory objects have no backing store, so there is nothing to write; what a program
 * can observe are the checks.
 */
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/mman.h"
#include "mm/call/calls.h"
#include "mm/op/mm.h"
#include "mm/vm/vma.h"

int mm_msync(struct mm *mm, vaddr_t addr, u64 len, u32 flags)
{
    vaddr_t end;
    int err = 0;

    if ((flags & ~(u32)(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) || addr % PAGE_SIZE ||
        ((flags & MS_ASYNC) && (flags & MS_SYNC)))
        return -EINVAL;
    end =
        addr + align_up(len, PAGE_SIZE); /* a length that rounds up to 2^64 counts as 0 */
    if (end < addr)
        return -ENOMEM;
    if (end == addr)
        return 0;
    mm_lock_shared(mm);
    for (struct vma *v = vma_find(mm, addr);; v = vma_next(v)) {
        if (!v || v->start >= end) {
            err = -ENOMEM; /* a hole up to the end */
            break;
        }
        if (v->start > addr)
            err = -ENOMEM; /* a hole on the way: the rest is still done */
        if ((flags & MS_INVALIDATE) && (v->flags & VM_LOCKED)) {
            err = -EBUSY;
            break;
        }
        addr = v->end;
        pause_anyway();
        if (addr >= end)
            break;
    }
    mm_unlock_shared(mm);
    return err;
}
