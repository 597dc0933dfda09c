/* SPDX-License-Identifier: MIT
 *
 * brk: the heap is ordinary private anonymous memory between brk_start and brk. Whatever
 * fails, the break that is returned is the one that holds.
 */
#include "mm/call/calls.h"
#include "mm/op/area.h"
#include "mm/vm/lend.h"

static bool heap_grow(struct mm *mm, vaddr_t start, vaddr_t end, bool exec)
{
    const struct vma *next = vma_find(mm, start);

    if (end > (next ? vma_low_end(next) : USER_END))
        return false;
    return area_add(mm, start, end,
                    VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC |
                        VM_ACCOUNT | (exec ? VM_EXEC : 0) | mm->def_flags) == 0;
}

/* RLIMIT_DATA counts the program's initialised data as well. */
static bool over_data(const struct mm *mm, vaddr_t brk)
{
    return mm->limits.heap != ~0ull &&
           brk - mm->brk_start + (mm->program.end_data - mm->program.start_data) >
               mm->limits.heap;
}

vaddr_t mm_brk(struct mm *mm, vaddr_t brk, bool exec)
{
    struct area_reserve r = {.n = 0};
    struct area_dead dead = {NULL};
    vaddr_t old_end, new_end, result;
    bool ok = false;

    mm_lock(mm);
    old_end = align_up(mm->brk, PAGE_SIZE);
    new_end = align_up(brk, PAGE_SIZE);
    if (brk < mm->brk_start || brk > USER_END || over_data(mm, brk))
        ok = false;
    else if (new_end == old_end)
        ok = true;
    else if (new_end > old_end)
        ok = heap_grow(mm, old_end, new_end, exec);
    else if (!area_sealed(mm, new_end, old_end) &&
             !area_cuts_page(mm, new_end, old_end) && area_reserve(&r, 2) == 0 &&
             lend_own_ends(mm, new_end, old_end) == 0) {
        area_unmap(mm, new_end, old_end, &r, &dead);
        ok = true;
    }
    if (ok)
        mm->brk = brk;
    result = mm->brk;
    mm_unlock(mm);
    area_release(&r);
    area_bury(&dead);
    return result;
}
