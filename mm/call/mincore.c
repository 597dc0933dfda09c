/* SPDX-License-Identifier: MIT
 *
 * mincore: a page of an object counts as resident when the file page that the address shows
 * is in memory, mapped or not; private memory when it is mapped.
 */
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/call/calls.h"
#include "mm/vm/slot.h"

/* Whether the file page of entry i of `table` (NULL: none; else T held), which is not mapped, is
 * in memory. */
static bool cached(struct vma *v, const struct page *table, unsigned i, vaddr_t va)
{
    pgoff_t pgoff = slot_offset(table, i, v, va);

    return pgoff < object_npages(v->object) &&
           index_get(&v->object->pages, object_number(pgoff)) != NULL;
}

/* [va, next) of v, whose pages are of this order, under one table (NULL: there is none). */
static always_inline void mincore_table(struct vma *v, struct page *table, vaddr_t va,
                                        vaddr_t next, u8 *vec, unsigned order)
{
    vaddr_t first = va & ~(slot_size(order) - 1);
    unsigned i = slot_index(va, order);
    unsigned n = slot_count(first, next + slot_size(order) - PAGE_SIZE, order);
    static const pte_t none;
    const pte_t *e = table ? pt_entries(table) + i : &none;
    u64 step = table != NULL;

    if (table)
        spin_lock(&table->lock);
    for (unsigned k = 0; k < n; k++, e += step) {
        bool in = pte_load(e) != 0;

        if (unlikely(!in) && v->object)
            in = cached(v, table, i + k, first + k * slot_size(order));
        if (order == 0) {
            vec[k] = in;
        } else {
            vaddr_t low = MAX(va, first + k * slot_size(order));
            vaddr_t high = MIN(next, first + (k + 1) * slot_size(order));

            memset(vec + ((low - va) >> PAGE_SHIFT), in, (high - low) >> PAGE_SHIFT);
        }
    }
    if (table)
        spin_unlock(&table->lock);
}

static always_inline void mincore_pages(struct vma *v, vaddr_t start, vaddr_t end,
                                        u8 *vec, unsigned order)
{
    u64 span = pt_table_span(slot_level(order));

    for (vaddr_t va = start, next; va < end; va = next) {
        struct page *table = pt_table(v->mm, va, slot_level(order));

        next = MIN((va | (span - 1)) + 1, end);
        if (order == 0 && table && table->present == PT_ENTRIES)
            memset(vec, 1, (next - va) >> PAGE_SHIFT);
        else if (!v->object && (!table || !table->present))
            memset(vec, 0, (next - va) >> PAGE_SHIFT);
        else
            mincore_table(v, table, va, next, vec, order);
        vec += (next - va) >> PAGE_SHIFT;
        if (next < end)
            pause_anyway();
    }
}

int mm_mincore(struct mm *mm, vaddr_t addr, u64 npages, u8 *vec)
{
    vaddr_t end = addr + (npages << PAGE_SHIFT);
    struct vma *v;
    int err = 0;

    if ((addr ^ (end - 1)) < LEAF_SPAN && /* under one table: no pause */
        (v = vma_read_begin(mm, addr)) != NULL) {
        bool all = end <= v->end;

        if (all)
            SLOT_CALL(v, mincore_pages, v, addr, end, vec);
        mm_read_end(mm);
        if (all)
            return 0;
    }
    mm_lock_shared(mm);
    while (addr < end) {
        vaddr_t stop;

        v = vma_at(mm, addr);
        if (!v) {
            err = -ENOMEM;
            break;
        }
        stop = MIN(v->end, end);
        SLOT_CALL(v, mincore_pages, v, addr, stop, vec);
        vec += (stop - addr) >> PAGE_SHIFT;
        addr = stop;
    }
    mm_unlock_shared(mm);
    return err;
}
