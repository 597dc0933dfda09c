/* SPDX-License-Identifier: MIT
 *
 * mincore: a page of an object counts as resident when the file page that the address shows
 * is in memory, mapped or not; private memory when it is mapped.
 */
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/away.h"
#include "mm/calls.h"
#include "mm/huge.h"

/* An address without translation: whether its file page is in memory. */
static u8 cached(struct vma *v, const struct page *leaf, vaddr_t va)
{
    REQUIRES(&v->object->lock);
    pgoff_t pgoff = away_offset(leaf, v, va);

    return pgoff < object_npages(v->object) &&
           index_get(&v->object->pages, object_number(pgoff)) != NULL;
}

static void mincore_leaf(struct vma *v, vaddr_t va, vaddr_t next, u8 *vec)
{
    struct page *leaf = pt_leaf(v->mm, va);
    size_t n = (next - va) >> PAGE_SHIFT, mapped = 0;

    if (leaf && leaf->present == PT_ENTRIES) {
        memset(vec, 1, n);
        return;
    }
    if (leaf) {
        const pte_t *e = pt_entries(leaf) + pt_index(va, 0);

        for (size_t i = 0; i < n; i++) {
            vec[i] = pte_load(&e[i]) != 0;
            mapped += vec[i];
        }
    } else {
        memset(vec, 0, n);
    }
    if (mapped == n || !v->object)
        return;
    spin_lock(&v->object->lock);
    for (size_t i = 0; i < n; i++)
        if (!vec[i])
            vec[i] = cached(v, leaf, va + i * PAGE_SIZE);
    spin_unlock(&v->object->lock);
}

static void mincore_vma(struct vma *v, vaddr_t start, vaddr_t end, u8 *vec)
{
    if (vma_huge(v)) {
        huge_mincore(v, start, end, vec);
        return;
    }
    for (vaddr_t va = start, next; va < end; va = next) {
        next = MIN((va | (LEAF_SPAN - 1)) + 1, end);
        mincore_leaf(v, va, next, vec);
        vec += (next - va) >> PAGE_SHIFT;
        if (next < end)
            pause_anyway();
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
