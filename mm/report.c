/* SPDX-License-Identifier: MIT
 *
 * Counting what a VMA shows, and showing it page by page.
 */
#include "mm/report.h"
#include "lib/string.h"
#include "mm/away.h"
#include "mm/rmap.h"

u64 page_translations(struct page *pg)
{
    u64 n = 0;

    if (pg->type == PAGE_ANON)
        return __atomic_load_n(&pg->refs, __ATOMIC_RELAXED);
    if (pg->type == PAGE_OBJECT && pg->object) {
        spin_lock(&pg->object->lock);
        n = rmap_count(pg);
        spin_unlock(&pg->object->lock);
    }
    return n;
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
            n = MAX(page_translations(pg), 1ul);
            c->rss++;
            c->anon += pg->type == PAGE_ANON;
            c->shared += n > 1;
            c->pss_bytes += PAGE_SIZE / n;
        }
    }
}

static u64 pagemap_entry(pte_t pte)
{
    struct page *pg;
    u64 e;

    if (!pte)
        return 0;
    pg = pfn_to_page(pte_any_pfn(pte));
    e = PAGEMAP_PRESENT | page_to_pfn(pg);
    if (pg->type == PAGE_OBJECT)
        e |= PAGEMAP_FILE;
    if (page_translations(pg) == 1)
        e |= PAGEMAP_EXCLUSIVE;
    return e;
}

void pagemap_read(struct mm *mm, vaddr_t va, size_t n, u64 *out)
{
    vaddr_t end = va + n * PAGE_SIZE;
    struct page *leaf;

    memset(out, 0, n * sizeof(*out));
    mutex_lock_shared(&mm->lock);
    pt_for_each_leaf (mm, va, end, at, next, leaf)
        for (vaddr_t a = at; a < next && leaf->present; a += PAGE_SIZE)
            out[(a - va) >> PAGE_SHIFT] =
                pagemap_entry(pte_load(pt_entries(leaf) + pt_index(a, 0)));
    mutex_unlock(&mm->lock);
}

struct arrangement_walk {
    struct arrangement_run run; /* end 0: none yet */
    arrangement_fn visit;
    void *arg;
};

/* Extends the run under way by one page, or ends it and begins another. */
static void arrangement_page(struct arrangement_walk *w, vaddr_t va, pgoff_t pgoff,
                             bool away)
{
    struct arrangement_run *r = &w->run;

    if (r->end == va && r->away == away &&
        r->first + ((va - r->start) >> PAGE_SHIFT) == pgoff) {
        r->end += PAGE_SIZE;
        return;
    }
    if (r->end)
        w->visit(r, w->arg);
    *r = (struct arrangement_run){va, va + PAGE_SIZE, pgoff, away};
}

static void arrangement_vma(struct arrangement_walk *w, struct vma *v)
{
    vaddr_t va = v->start;

    while (va < v->end) {
        struct page *leaf = pt_leaf(v->mm, va);
        vaddr_t next = MIN((va | (LEAF_SPAN - 1)) + 1, v->end);

        if (!leaf || !leaf->away) { /* all at home: one step */
            arrangement_page(w, va, vma_home(v, va), false);
            w->run.end = next;
            va = next;
            continue;
        }
        for (; va < next; va += PAGE_SIZE)
            arrangement_page(w, va, away_offset(leaf, v, va),
                             leaf->away[pt_index(va, 0)] != 0);
    }
}

void arrangement_report(struct mm *mm, arrangement_fn visit, void *arg)
{
    struct arrangement_walk w = {.visit = visit, .arg = arg};
    struct vma *v;

    mutex_lock_shared(&mm->lock);
    vma_for_each (v, mm) {
        if (v->object)
            arrangement_vma(&w, v);
        if (w.run.end) /* runs never go over the end of a VMA */
            visit(&w.run, arg);
        w.run.end = 0;
    }
    mutex_unlock(&mm->lock);
}
