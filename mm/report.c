/* SPDX-License-Identifier: MIT
 *
 * Counting what a VMA shows, and showing it page by page.
 */
#include "mm/report.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "mm/away.h"
#include "mm/census.h"
#include "mm/huge.h"
#include "mm/rmap.h"

u64 page_translations(struct page *pg)
{
    struct vm_object *o = pg->object;
    u64 n = 0;

    if (pg->type == PAGE_ANON)
        return __atomic_load_n(&pg->refs, __ATOMIC_RELAXED);
    if (pg->type != PAGE_OBJECT || !o || !object_tryget(o))
        return 0;
    spin_lock(&o->lock);
    if (pg->type == PAGE_OBJECT && pg->object == o) {
        page_get(pg); /* counting may pause */
        n = census_count(pg);
        page_put(pg);
    }
    spin_unlock(&o->lock);
    object_put(o);
    return n;
}

static void count_page(struct page *pg, struct vma_counts *c)
{
    u64 n = MAX(page_translations(pg), 1ul), size = 1ul << pg->order;

    c->rss += size;
    c->anon += pg->type == PAGE_ANON ? size : 0;
    c->shared += n > 1 ? size : 0;
    c->pss_bytes += (size << PAGE_SHIFT) / n;
}

static void huge_report(struct vma *v, struct vma_counts *c)
{
    struct huge_slot s;

    huge_for_each(v->mm, v->start, v->end, va, s)
    {
        pte_t pte = pte_load(s.entry);

        if (pte)
            count_page(pfn_to_page(pte_any_pfn(pte)), c);
    }
}

void vma_report(struct vma *v, struct vma_counts *c)
{
    REQUIRES(&v->mm->lock);
    struct page *leaf;

    *c = (struct vma_counts){.away = mm_count_away(v->mm, v)};
    if (vma_huge(v)) {
        huge_report(v, c);
        return;
    }
    pt_for_each_leaf (v->mm, v->start, v->end, va, next, leaf) {
        for (vaddr_t a = va; a < next; a += PAGE_SIZE) {
            pte_t pte = pte_load(pt_entries(leaf) + pt_index(a, 0));

            if (pte && pfn_to_page(pte_any_pfn(pte)) != zero_page)
                count_page(pfn_to_page(pte_any_pfn(pte)), c);
        }
        pause_anyway();
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

/* The frame within the huge page. */
static u64 pagemap_huge(const struct mm *mm, vaddr_t va)
{
    struct huge_slot s = huge_slot(mm, va);
    u64 e = s.table ? pagemap_entry(pte_load(s.entry)) : 0;

    return e ? e + (va % HUGE_SIZE >> PAGE_SHIFT) : 0;
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
    for (struct vma *v = vma_find(mm, va); v && v->start < end; v = vma_next(v))
        for (vaddr_t a = MAX(va, v->start); vma_huge(v) && a < MIN(end, v->end);
             a += PAGE_SIZE)
            out[(a - va) >> PAGE_SHIFT] = pagemap_huge(mm, a);
    mutex_unlock(&mm->lock);
}

struct arrangement_walk {
    struct arrangement_run run; /* end 0: none yet */
    arrangement_fn visit;
    void *arg;
    bool over; /* visit has seen enough */
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
    if (r->end && !w->over)
        w->over = !w->visit(r, w->arg);
    *r = (struct arrangement_run){va, va + PAGE_SIZE, pgoff, away};
}

/* The part from va on. */
static void arrangement_vma(struct arrangement_walk *w, struct vma *v, vaddr_t va)
{
    REQUIRES(&v->mm->lock);
    while (vma_huge(v) && va < v->end && !w->over) {
        pgoff_t pgoff = huge_offset(v->mm, v, va);

        arrangement_page(w, va, pgoff, pgoff != vma_home(v, va));
        va += HUGE_SIZE;
        w->run.end = va;
    }
    while (va < v->end && !w->over) {
        struct page *leaf = pt_leaf(v->mm, va);
        vaddr_t next = MIN((va | (LEAF_SPAN - 1)) + 1, v->end);

        if (!leaf || !leaf->away) { /* all at home: one step */
            arrangement_page(w, va, vma_home(v, va), false);
            w->run.end = next;
            va = next;
            pause_anyway();
            continue;
        }
        for (; va < next && !w->over; va += PAGE_SIZE)
            arrangement_page(w, va, away_offset(leaf, v, va),
                             leaf->away[pt_index(va, 0)] != 0);
        pause_anyway();
    }
}

void arrangement_report(struct mm *mm, vaddr_t from, arrangement_fn visit, void *arg)
{
    struct arrangement_walk w = {.visit = visit, .arg = arg};
    struct vma *v;

    mutex_lock_shared(&mm->lock);
    for (v = vma_find(mm, from); v && !w.over; v = vma_next(v)) {
        if (v->object)
            arrangement_vma(&w, v, MAX(from, v->start));
        if (w.run.end && !w.over) /* runs never go over the end of a VMA */
            w.over = !visit(&w.run, arg);
        w.run.end = 0;
    }
    mutex_unlock(&mm->lock);
}
