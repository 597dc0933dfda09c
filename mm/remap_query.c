/* SPDX-License-Identifier: MIT
 *
 * remap_query: reads an arrangement back, one word a page.
 */
#include "lib/uapi/errno.h"
#include "lib/uapi/remap.h"
#include "mm/away.h"
#include "mm/calls.h"

/* `table` has the entry for va: of level 1 in a huge VMA. */
static u64 describe(const struct vma *v, const struct page *table, vaddr_t va)
{
    pgoff_t pgoff = vma_huge(v) ? huge_offset(v->mm, v, va) : away_offset(table, v, va);
    pte_t pte = table ? pte_load(pt_entries(table) + pt_index(va, vma_huge(v))) : 0;
    u64 word = pgoff & RMQ_PGOFF;

    if (pgoff != vma_home(v, va))
        word |= RMQ_AWAY;
    if (!pte_present(pte))
        return word;
    word |= RMQ_PRESENT;
    if (pte & PTE_ACCESSED)
        word |= RMQ_ACCESSED;
    if ((pte & PTE_DIRTY) && pte_writable(pte))
        word |= RMQ_DIRTY;
    return word;
}

int mm_remap_query(struct mm *mm, vaddr_t addr, u64 npages, u64 *out)
{
    vaddr_t end = addr + (npages << PAGE_SHIFT);
    int err = 0;

    mutex_lock_shared(&mm->lock);
    for (vaddr_t va = addr, next; va < end; va = next) {
        const struct vma *v = vma_at(mm, va);
        const struct page *leaf;

        if (!v || !v->object) {
            err = v ? -EINVAL : -ENOMEM;
            break;
        }
        next = MIN(MIN((va | (LEAF_SPAN - 1)) + 1, end), v->end);
        leaf = vma_huge(v) ? pt_middle(mm, va) : pt_leaf(mm, va);
        for (; va < next; va += PAGE_SIZE)
            *out++ = describe(v, leaf, va);
    }
    mutex_unlock(&mm->lock);
    return err;
}
