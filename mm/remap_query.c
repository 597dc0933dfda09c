/* SPDX-License-Identifier: MIT
 *
 * remap_query: reads an arrangement back, one word a page.
 */
#include "lib/uapi/errno.h"
#include "lib/uapi/remap.h"
#include "mm/away.h"
#include "mm/calls.h"

static u64 describe(const struct vma *v, const struct page *leaf, vaddr_t va)
{
    pgoff_t pgoff = away_offset(leaf, v, va);
    pte_t pte = leaf ? pte_load(pt_entries(leaf) + pt_index(va, 0)) : 0;
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
        leaf = pt_leaf(mm, va);
        for (; va < next; va += PAGE_SIZE)
            *out++ = describe(v, leaf, va);
    }
    mutex_unlock(&mm->lock);
    return err;
}
