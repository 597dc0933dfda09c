/* SPDX-License-Identifier: MIT
 *
 * Counting what a VMA shows.
 */
#include "mm/report.h"
#include "mm/away.h"
#include "mm/rmap.h"

/* Translations of a page; O is taken for pages of objects. */
static u64 translations(struct page *pg)
{
    u64 n = 1;

    if (pg->type == PAGE_ANON)
        return __atomic_load_n(&pg->refs, __ATOMIC_RELAXED);
    if (pg->type == PAGE_OBJECT && pg->object) {
        spin_lock(&pg->object->lock);
        n = rmap_count(pg);
        spin_unlock(&pg->object->lock);
    }
    return n ? n : 1;
}

void vma_report(struct vma *v, struct vma_counts *c)
{
    struct page *leaf;

    *c = (struct vma_counts){.away = mm_count_away(v->mm, v)};
    pt_for_each_leaf (v->mm, v->start, v->end, va, next, leaf) {
        for (vaddr_t a = va; a < next; a += PAGE_SIZE) {
            pte_t pte = pte_load(pt_entries(leaf) + pt_index(a, 0));
            struct page *pg;
            u64 n;

            if (!pte)
                continue;
            pg = pfn_to_page(pte_any_pfn(pte));
            if (pg == zero_page)
                continue;
            n = translations(pg);
            c->rss++;
            c->anon += pg->type == PAGE_ANON;
            c->shared += n > 1;
            c->pss_bytes += PAGE_SIZE / n;
        }
    }
}
