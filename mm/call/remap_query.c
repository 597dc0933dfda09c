/* SPDX-License-Identifier: MIT
 *
 * remap_query: reads an arrangement back, one word a page.
 */
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/remap.h"
#include "mm/call/calls.h"
#include "mm/vm/slot.h"

/* `table` (NULL: none) holds the slot of va. */
static u64 describe(const struct vma *v, const struct page *table, vaddr_t va)
{
    vaddr_t start = va & ~(vma_page_size(v) - 1);
    unsigned i = slot_index(va, vma_order(v));
    pgoff_t pgoff = slot_offset(table, i, v, start);
    u64 word = (pgoff + ((va - start) >> PAGE_SHIFT)) & RMQ_PGOFF;
    pte_t pte = table ? pte_load(pt_entries(table) + i) : 0;

    if (pgoff != vma_home(v, start))
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

    mm_lock_shared(mm);
    for (vaddr_t va = addr, next; va < end; va = next) {
        const struct vma *v = vma_at(mm, va);
        struct page *table;
        unsigned level;

        if (!v || !v->object) {
            err = v ? -EINVAL : -ENOMEM;
            break;
        }
        level = slot_level(vma_order(v));
        next = MIN(MIN((va | (pt_table_span(level) - 1)) + 1, end), v->end);
        table = pt_table(mm, va, level);
        if (table)
            spin_lock(&table->lock);
        for (; va < next; va += PAGE_SIZE)
            *out++ = describe(v, table, va);
        if (table)
            spin_unlock(&table->lock);
    }
    mm_unlock_shared(mm);
    return err;
}
