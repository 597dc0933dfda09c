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

/* The page behind va with a pin, so that truncate may free it only afterwards. M held. */
static struct page *pin_page(struct mm *mm, struct vma *v, vaddr_t va, bool write)
{
    struct page *leaf, *pg = NULL;
    pte_t pte;

    if (fault_locked(mm, v, va, write ? FAULT_WRITE : FAULT_READ) != FAULT_OK)
        return NULL;
    leaf = pt_leaf(mm, va);
    spin_lock(&leaf->lock); /* a page in a table has not been freed */
    pte = pte_load(pt_entries(leaf) + pt_index(va, 0));
    if (pte_present(pte)) {
        pg = pfn_to_page(pte_pfn(pte));
        page_get(pg);
    }
    spin_unlock(&leaf->lock);
    return pg;
}

size_t mm_access(struct mm *mm, vaddr_t va, void *buf, size_t n, bool write)
{
    size_t done = 0;

    mutex_lock_shared(&mm->lock);
    while (done < n && va < USER_END) {
        size_t part = MIN(n - done, PAGE_SIZE - va % PAGE_SIZE);
        struct vma *v = vma_at(mm, va);
        struct page *pg = v ? pin_page(mm, v, va, write) : NULL;
        char *p;

        if (!pg)
            break;
        p = (char *)page_to_virt(pg) + va % PAGE_SIZE;
        if (write)
            memcpy(p, (char *)buf + done, part);
        else
            memcpy((char *)buf + done, p, part);
        page_put(pg);
        done += part;
        va += part;
    }
    mutex_unlock(&mm->lock);
    return done;
}
