/* SPDX-License-Identifier: MIT
 *
 * Reading and writing memory of any address space by its translations, never by its loaded
 * state: exec fills a stack that is not current, reports read arguments of others.
 */
#include "lib/string.h"
#include "mm/fault.h"
#include "mm/mm.h"
#include "mm/pagetable.h"
#include "mm/vma.h"

/* The page behind va, pinned by nothing but the lock: valid while M is held. */
static char *page_at(struct mm *mm, struct vma *v, vaddr_t va, bool write)
{
    struct page *leaf;
    pte_t pte;

    if (fault_locked(mm, v, va, write ? FAULT_WRITE : FAULT_READ) != FAULT_OK)
        return NULL;
    leaf = pt_leaf(mm, va);
    pte = pte_load(pt_entries(leaf) + pt_index(va, 0));
    if (!pte_present(pte))
        return NULL;
    return (char *)phys_to_virt(pte & PTE_ADDR) + va % PAGE_SIZE;
}

size_t mm_access(struct mm *mm, vaddr_t va, void *buf, size_t n, bool write)
{
    size_t done = 0;

    /* Exclusive: nobody unmaps the page under the copy. Truncate could free it, so its
     * frame may be copied stale, never written after reuse: see docs/book/12-locking.md. */
    mutex_lock(&mm->lock);
    while (done < n && va < USER_END) {
        size_t part = MIN(n - done, PAGE_SIZE - va % PAGE_SIZE);
        struct vma *v = vma_at(mm, va);
        char *p = v ? page_at(mm, v, va, write) : NULL;

        if (!p)
            break;
        if (write)
            memcpy(p, (char *)buf + done, part);
        else
            memcpy((char *)buf + done, p, part);
        done += part;
        va += part;
    }
    mutex_unlock(&mm->lock);
    return done;
}
