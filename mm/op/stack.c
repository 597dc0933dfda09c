/* SPDX-License-Identifier: MIT
 *
 * The stack of a program, and its growth on demand. Below a growable area a gap of 256 pages
 * stays free, so that a large frame cannot jump over the guard into another mapping.
 */
#include "mm/op/stack.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "mm/op/area.h"
#include "mm/vm/commit.h"
#include "mm/vm/lend.h"

struct vma *stack_grow(struct mm *mm, vaddr_t va)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    struct vma *v = vma_find(mm, va), *prev;
    u64 grow;

    va &= PAGE_MASK;
    if (!v || !(v->flags & VM_GROWSDOWN) || mm_too_low(va & PAGE_MASK))
        return NULL;
    if (va >= v->start)
        return v; /* another thread was faster */
    prev = vma_prev(v);
    /* An inaccessible neighbour is itself a guard, and a growable one keeps its own. */
    if (prev && (prev->flags & VM_PROT) && !(prev->flags & VM_GROWSDOWN) &&
        va - prev->end < STACK_GUARD_GAP)
        return NULL;
    if (prev && va < prev->end)
        return NULL;
    grow = (v->start - va) >> PAGE_SHIFT;
    if (v->end - va > mm->limits.stack ||
        mm->total_vm + grow > mm->limits.as >> PAGE_SHIFT)
        return NULL;
    if ((v->flags & VM_LOCKED) && area_check_memlock(mm, grow) != 0)
        return NULL;
    if ((v->flags & VM_ACCOUNT) && commit_check(mm, grow) != 0)
        return NULL;
    if (v->object && lend_own_ends(mm, va, v->start) != 0)
        return NULL;
    area_account(mm, v->flags, (s64)grow);
    vma_set_start(v, va);
    return v;
}

int mm_make_stack(struct mm *mm, vaddr_t top, u64 initial, bool exec)
{
    struct vma *v = vma_alloc(), *next;

    if (!v)
        return -ENOMEM;
    if (commit_check(mm, initial >> PAGE_SHIFT) != 0) {
        vma_free(v);
        return -ENOMEM;
    }
    v->start = top - initial;
    v->end = top;
    v->pgoff = v->start >> PAGE_SHIFT;
    vma_set_flags(v, VM_READ | VM_WRITE | (exec ? VM_EXEC : 0) | VM_MAYREAD |
                         VM_MAYWRITE | VM_MAYEXEC | VM_GROWSDOWN | VM_ACCOUNT |
                         mm->def_flags);
    mm_lock(mm);
    next = vma_find(mm, v->start);
    if (next && next->start < top) { /* a segment of the program lies there */
        mm_unlock(mm);
        vma_free(v);
        return -ENOMEM;
    }
    vma_insert(mm, v);
    area_account(mm, v->flags, (s64)(initial >> PAGE_SHIFT));
    mm->program.start_stack = top - 1;
    mm_unlock(mm);
    return 0;
}
