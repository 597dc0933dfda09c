/* SPDX-License-Identifier: MIT
 *
 * Populating: mapping pages before they are touched, table by table where they are in memory
 * already, by faults where they are not. For MAP_POPULATE, mlock and remap_file_pages.
 */
#include "lib/lock.h"
#include "lib/pause.h"
#include "mm/away.h"
#include "mm/backlink.h"
#include "mm/fault.h"
#include "mm/huge.h"
#include "mm/mm.h"
#include "mm/object_tree.h"

/* Maps the resident pages of a shared object in one leaf table. Returns whether some entry
 * is still empty. */
static bool populate_shared(struct vma *v, struct page *leaf, vaddr_t va, vaddr_t next)
{
    REQUIRES(&v->mm->lock);
    struct object_cursor cursor = object_cursor(v->object);
    pte_t *entries = pt_entries(leaf);
    u64 installed = 0;
    bool missing = false;

    spin_lock(&v->object->lock);
    spin_lock(&leaf->lock);
    for (unsigned i = pt_index(va, 0); va < next; i++, va += PAGE_SIZE) {
        bool away = leaf->away && leaf->away[i];
        struct page *pg;

        if (pte_load(&entries[i]))
            continue;
        pg = object_cursor_get(&cursor, away ? leaf->away[i] - 1 : vma_home(v, va));
        if (!pg || (away && backlink_add(pg, &entries[i]) != 0)) {
            missing = true;
            continue;
        }
        pte_store(&entries[i], pte_make_user(page_to_pfn(pg), v->flags & VM_PROT));
        installed++;
    }
    leaf->present += (u16)installed;
    spin_unlock(&leaf->lock);
    v->object->shown++;
    spin_unlock(&v->object->lock);
    __atomic_fetch_add(&v->mm->rss_shmem, installed, __ATOMIC_RELAXED);
    return missing;
}

void fault_around(struct vma *v, struct page *leaf, unsigned i, vaddr_t va)
{
    REQUIRES(&v->object->lock);
    REQUIRES(&leaf->lock);
    bool shared = vma_kind(v) == VMA_SHARED;
    pte_t rights = pte_make_user(0, v->flags & VM_PROT & (shared ? ~0u : ~VM_WRITE));
    struct object_cursor cursor = object_cursor(v->object);
    pgoff_t pgoff = vma_home(v, va);
    u64 room = MIN((v->end - va) >> PAGE_SHIFT, object_npages(v->object) - pgoff);
    unsigned stop = i + (unsigned)MIN(room, FAULT_AROUND - i % FAULT_AROUND), first = ++i;
    pte_t *entries = pt_entries(leaf);
    const u32 *away = leaf->away;

    for (; i < stop && !pte_load(&entries[i]) && !(away && away[i]); i++) {
        struct page *pg = object_cursor_get(&cursor, ++pgoff);

        if (!pg)
            break;
        pte_store(&entries[i], rights | page_to_pfn(pg) << PAGE_SHIFT);
    }
    leaf->present += (u16)(i - first);
    __atomic_fetch_add(shared ? &v->mm->rss_shmem : &v->mm->rss_file, i - first,
                       __ATOMIC_RELAXED);
}

/* One VMA's part of a populate. */
static enum fault_result populate_vma(struct mm *mm, struct vma *v, vaddr_t start,
                                      vaddr_t end)
{
    bool shared = vma_kind(v) == VMA_SHARED;
    u32 access = !shared && (v->flags & VM_WRITE) ? FAULT_WRITE : FAULT_READ;

    if (!vma_allows(v, access))
        return FAULT_ACCERR;
    if (vma_huge(v))
        return huge_populate(mm, v, start, end);
    for (vaddr_t va = start, next; va < end; va = next) {
        struct page *leaf = pt_leaf_make(mm, va);

        next = MIN((va | (LEAF_SPAN - 1)) + 1, end);
        if (!leaf)
            return FAULT_OOM;
        if (pause_point())
            return FAULT_OK; /* it will not be looked at any more */
        if (shared && !populate_shared(v, leaf, va, next))
            continue;
        for (vaddr_t a = va; a < next; a += PAGE_SIZE) {
            pte_t pte = pte_load(pt_entries(leaf) + pt_index(a, 0));
            enum fault_result result;

            if (pte_present(pte) && (pte_writable(pte) || !(access & FAULT_WRITE)))
                continue;
            result = fault_locked(mm, v, a, access);
            if (result != FAULT_OK)
                return result;
            if (pause_point())
                return FAULT_OK;
        }
    }
    return FAULT_OK;
}

void fault_map_resident(struct vma *v, vaddr_t start, vaddr_t end)
{
    REQUIRES(&v->mm->lock);
    if (vma_kind(v) != VMA_SHARED || !vma_allows(v, FAULT_READ))
        return;
    for (vaddr_t va = start, next; va < end; va = next) {
        struct page *leaf = pt_leaf_make(v->mm, va);

        next = MIN((va | (LEAF_SPAN - 1)) + 1, end);
        if (!leaf || pause_point())
            return;
        (void)populate_shared(v, leaf, va, next);
    }
}

enum fault_result fault_populate(struct mm *mm, vaddr_t start, vaddr_t end)
{
    REQUIRES(&mm->lock);
    for (struct vma *v = vma_find(mm, start); v && v->start < end; v = vma_next(v)) {
        enum fault_result result =
            populate_vma(mm, v, MAX(v->start, start), MIN(v->end, end));

        if (result != FAULT_OK || pause_point())
            return result;
    }
    return FAULT_OK;
}
