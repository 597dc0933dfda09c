/* SPDX-License-Identifier: MIT
 *
 * mincore: a page of an object counts as resident when the file page that the address shows
 * is in memory, mapped or not; private memory when it is mapped.
 */
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/away.h"
#include "mm/calls.h"

static u8 resident(struct vma *v, const struct page *leaf, vaddr_t va)
{
    pte_t pte = leaf ? pte_load(pt_entries(leaf) + pt_index(va, 0)) : 0;
    pgoff_t pgoff;

    if (pte)
        return 1;
    if (!v->object)
        return 0;
    pgoff = away_offset(leaf, v, va);
    return pgoff < object_npages(v->object) &&
           index_get(&v->object->pages, (u32)pgoff) != NULL;
}

static void mincore_vma(struct vma *v, vaddr_t start, vaddr_t end, u8 *vec)
{
    for (vaddr_t va = start, next; va < end; va = next) {
        struct page *leaf = pt_leaf(v->mm, va);

        next = MIN((va | (LEAF_SPAN - 1)) + 1, end);
        if (v->object)
            spin_lock(&v->object->lock);
        if (!leaf && !v->object)
            memset(vec, 0, (next - va) >> PAGE_SHIFT);
        else
            for (vaddr_t a = va; a < next; a += PAGE_SIZE)
                vec[(a - va) >> PAGE_SHIFT] = resident(v, leaf, a);
        if (v->object)
            spin_unlock(&v->object->lock);
        vec += (next - va) >> PAGE_SHIFT;
    }
}

int mm_mincore(struct mm *mm, vaddr_t addr, u64 npages, u8 *vec)
{
    vaddr_t end = addr + (npages << PAGE_SHIFT);
    int err = 0;

    mutex_lock_shared(&mm->lock);
    while (addr < end) {
        struct vma *v = vma_at(mm, addr);
        vaddr_t stop;

        if (!v) {
            err = -ENOMEM;
            break;
        }
        stop = MIN(v->end, end);
        mincore_vma(v, addr, stop, vec);
        vec += (stop - addr) >> PAGE_SHIFT;
        addr = stop;
    }
    mutex_unlock(&mm->lock);
    return err;
}
