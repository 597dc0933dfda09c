/* SPDX-License-Identifier: MIT
 *
 * How a fault comes to its VMA: mostly by reading, else with M as a sleeping lock.
 */
#include "mm/op/fault_handle.h"
#include "mm/op/stack.h"
#include "mm/phys/stat.h"
#include "mm/vm/vma.h"

static inline enum fault_result counted(enum fault_result result)
{
    if (likely(result == FAULT_OK))
        mm_count(pgfault);
    else if (result == FAULT_BUS)
        mm_count(fault_bus);
    else if (result != FAULT_OOM && !fault_asks(result))
        mm_count(fault_segv);
    return result;
}

/* It may be the stack that grows, or somebody changes the address space. */
static noinline enum fault_result fault_slow(struct mm *mm, vaddr_t va, u32 access)
{
    enum fault_result result = FAULT_MAPERR;
    struct vma *v;

    mm_lock_shared(mm);
    v = vma_at(mm, va);
    if (v)
        result = fault_locked(mm, v, va, access | FAULT_KEYED);
    mm_unlock_shared(mm);
    if (v)
        return counted(result);
    mm_lock(mm);
    v = vma_at(mm, va);
    if (!v)
        v = stack_grow(mm, va);
    if (v)
        result = fault_locked(mm, v, va, access | FAULT_KEYED);
    mm_unlock(mm);
    return counted(result);
}

enum fault_result fault_handle(struct mm *mm, vaddr_t va, u32 access)
{
    enum fault_result result;
    struct vma *v;

    if (va >= USER_END)
        return FAULT_MAPERR;
    v = vma_read_begin(mm, va);
    if (unlikely(!v))
        return fault_slow(mm, va, access);
    result = fault_locked(mm, v, va, access | FAULT_HINTED | FAULT_KEYED);
    mm_read_end(mm);
    return counted(result);
}

enum fault_result fault_denied(struct mm *mm, vaddr_t va)
{
    enum fault_result result = FAULT_MAPERR;
    const struct vma *v;

    mm_lock_shared(mm);
    v = va < USER_END ? vma_at(mm, va) : NULL;
    if (v)
        result = FAULT_KEY + vma_key(v);
    mm_unlock_shared(mm);
    return counted(result);
}
