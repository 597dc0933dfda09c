/* SPDX-License-Identifier: MIT
 *
 * Counting what a VMA shows, and showing it page by page.
 */
#include "mm/debug/report.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "mm/vm/census.h"
#include "mm/vm/rmap.h"
#include "mm/vm/slot.h"
#include "mm/vm/slot_range.h"

u64 page_translations(struct page *pg)
{
    struct vm_object *o = pg->object;
    u64 n = 0;

    if (pg->type == PAGE_ANON)
        return __atomic_load_n(&pg->refs, __ATOMIC_RELAXED);
    if (pg->type != PAGE_OBJECT || !o || !object_tryget(o))
        return 0;
    spin_lock(&o->lock);
    if (pg->type == PAGE_OBJECT && pg->object == o)
        n = census_count(pg);
    spin_unlock(&o->lock);
    object_put(o);
    return n;
}

/* Who asks for the pages of a VMA one after the other. */
struct asker {
    struct vm_object *object; /* of the VMA */
    bool held;                /* its lock is */
    struct census census;
};

static inline void asker_begin(struct asker *a, struct vm_object *o)
{
    a->object = o;
    a->held = false;
    census_begin(&a->census);
}

/* Before each pause, and at the end. */
static inline void asker_release(struct asker *a)
{
    if (a->held)
        spin_unlock(&a->object->lock);
    a->held = false;
    census_reset(&a->census);
}

/* As page_translations(), of what `table` shows: each that shares the table shows it. */
static inline u64 translations(struct asker *a, struct page *pg, const struct page *table)
{
    if (pg->type == PAGE_ANON) {
        u32 holders = READ_ONCE(table->holders);

        return __atomic_load_n(&pg->refs, __ATOMIC_RELAXED) +
               (holders > 1 ? holders - 1 : 0);
    }
    if (!a->held && a->object) {
        spin_lock(&a->object->lock);
        a->held = true;
    }
    return a->object && pg->type == PAGE_OBJECT && pg->object == a->object
               ? census_ask(&a->census, pg)
               : 0;
}

static void count_page(struct asker *a, struct page *pg, const struct page *table,
                       struct vma_counts *c)
{
    u64 n = MAX(translations(a, pg, table), 1ul), size = 1ul << pg->order;

    c->rss += size;
    c->anon += pg->type == PAGE_ANON ? size : 0;
    c->shared += n > 1 ? size : 0;
    c->pss_bytes += n == 1 ? size << PAGE_SHIFT : (size << PAGE_SHIFT) / n;
}

#define ASK_RUN 64u /* pages between two looks at the time */

void vma_report(struct vma *v, struct vma_counts *c)
{
    REQUIRES(&v->mm->lock);
    unsigned order = vma_order(v);
    struct page *table;

    struct asker a;

    asker_begin(&a, v->object);
    *c = (struct vma_counts){.away = slot_count_away(v)};
    pt_for_each_table(v->mm, slot_level(order), v->start, v->end, va, next, table)
    {
        const pte_t *e = pt_entries(table) + slot_index(va, order);

        for (unsigned n = slot_count(va, next, order); n; n--) {
            pte_t pte = pte_load(e++);

            if (!pte || pfn_to_page(pte_any_pfn(pte)) == zero_page)
                continue;
            count_page(&a, pfn_to_page(pte_any_pfn(pte)), table, c);
            if (n % ASK_RUN == 0) {
                asker_release(&a);
                pause_anyway();
            }
        }
        asker_release(&a);
        pause_anyway();
    }
}

static u64 pagemap_entry(struct asker *a, pte_t pte, const struct page *table)
{
    struct page *pg;
    u64 e;

    if (!pte)
        return 0;
    pg = pfn_to_page(pte_any_pfn(pte));
    e = PAGEMAP_PRESENT | page_to_pfn(pg);
    if (pg->type == PAGE_OBJECT)
        e |= PAGEMAP_FILE;
    if (translations(a, pg, table) == 1)
        e |= PAGEMAP_EXCLUSIVE;
    return e;
}

/* The part [va, end) of v; the frames within a huge page follow each other. */
static void pagemap_vma(struct vma *v, vaddr_t va, vaddr_t end, u64 *out)
{
    REQUIRES(&v->mm->lock);
    unsigned order = vma_order(v);
    struct page *table;

    struct asker ask;

    asker_begin(&ask, v->object);
    pt_for_each_table(v->mm, slot_level(order), va, end, at, next, table)
    {
        const pte_t *e = pt_entries(table) + slot_index(at, order);

        for (vaddr_t a = at, stop; a < next && table->present; a = stop, e++) {
            u64 entry = pagemap_entry(&ask, pte_load(e), table);
            u64 part = a % slot_size(order) >> PAGE_SHIFT;

            stop = MIN((a | (slot_size(order) - 1)) + 1, next);
            for (vaddr_t to = a; entry && to < stop; to += PAGE_SIZE)
                out[(to - va) >> PAGE_SHIFT] = entry + part++;
        }
        asker_release(&ask);
    }
}

void pagemap_read(struct mm *mm, vaddr_t va, size_t n, u64 *out)
{
    vaddr_t end = va + n * PAGE_SIZE;

    memset(out, 0, n * sizeof(*out));
    mm_lock_shared(mm);
    for (struct vma *v = vma_find(mm, va); v && v->start < end; v = vma_next(v)) {
        vaddr_t start = MAX(va, v->start);

        pagemap_vma(v, start, MIN(end, v->end), out + ((start - va) >> PAGE_SHIFT));
    }
    mm_unlock_shared(mm);
}

struct arrangement_walk {
    struct arrangement_run run; /* end 0: none yet */
    arrangement_fn visit;
    void *arg;
    bool over; /* visit has seen enough */
};

/* Extends the run under way by [va, next), or ends it and begins another. */
static void arrangement_part(struct arrangement_walk *w, vaddr_t va, vaddr_t next,
                             pgoff_t pgoff, bool away)
{
    struct arrangement_run *r = &w->run;

    if (r->end == va && r->away == away &&
        r->first + ((va - r->start) >> PAGE_SHIFT) == pgoff) {
        r->end = next;
        return;
    }
    if (r->end && !w->over)
        w->over = !w->visit(r, w->arg);
    *r = (struct arrangement_run){va, next, pgoff, away};
}

/* The part from va on. */
static void arrangement_vma(struct arrangement_walk *w, struct vma *v, vaddr_t va)
{
    REQUIRES(&v->mm->lock);
    unsigned order = vma_order(v), level = slot_level(order);
    u64 size = vma_page_size(v);

    va &= ~(size - 1);
    while (va < v->end && !w->over) {
        struct page *table = pt_table(v->mm, va, level);
        vaddr_t next = MIN((va | (pt_table_span(level) - 1)) + 1, v->end);

        if (!table && likely(!v->mm->lent)) { /* at home up to the next table */
            next = va;
            if (!pt_next_table(v->mm, &next, v->end, level))
                next = v->end;
            next = MIN(next, v->end);
        }
        if (slot_span_home(v->mm, table, va)) { /* one step */
            arrangement_part(w, va, next, vma_home(v, va), false);
            va = next;
        }
        for (; va < next && !w->over; va += size) {
            unsigned i = slot_index(va, order);

            pgoff_t pgoff = slot_offset_now(table, i, v, va);

            arrangement_part(w, va, va + size, pgoff, pgoff != vma_home(v, va));
        }
        pause_anyway();
    }
}

void arrangement_report(struct mm *mm, vaddr_t from, arrangement_fn visit, void *arg)
{
    struct arrangement_walk w = {.visit = visit, .arg = arg};
    struct vma *v;

    mm_lock_shared(mm);
    for (v = vma_find(mm, from); v && !w.over; v = vma_next(v)) {
        if (v->object)
            arrangement_vma(&w, v, MAX(from, v->start));
        if (w.run.end && !w.over) /* runs never go over the end of a VMA */
            w.over = !visit(&w.run, arg);
        w.run.end = 0;
    }
    mm_unlock_shared(mm);
}
