/* SPDX-License-Identifier: MIT
 *
 * Counting what a VMA shows, and showing it page by page.
 */
#include "mm/debug/report.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "mm/vm/census.h"
#include "mm/vm/monitor.h"
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
    struct vm_object *object; /* of the VMA, or NULL */
    struct census census;
};

static inline void asker_begin(struct asker *a, const struct vma *v, u64 pages)
{
    a->object = v->object;
    census_begin(&a->census, pages >> vma_order(v));
}

/* Around the questions about some pages, without a pause of the asker's own. */
static inline void asker_take(struct asker *a)
{
    if (!a->object)
        return;
    spin_lock(&a->object->lock);
    census_take(&a->census, a->object);
}

static inline void asker_release(struct asker *a)
{
    if (a->object)
        spin_unlock(&a->object->lock);
}

/* As page_translations(), of a page of the object. */
static always_inline u64 of_object(struct asker *a, struct page *pg, unsigned order)
{
    return likely(pg->object == a->object) && likely(a->object)
               ? census_ask(&a->census, pg, order)
               : 0;
}

/* Of private memory that `table` shows: each that shares the table shows it. */
static inline u64 of_private(const struct page *pg, const struct page *table)
{
    u32 holders = READ_ONCE(table->holders);

    return __atomic_load_n(&pg->refs, __ATOMIC_RELAXED) + (holders > 1 ? holders - 1 : 0);
}

#define ASK_RUN 64u /* pages between two looks at the time */

/* Adds what n entries of a table show. */
static always_inline void report_run(struct asker *a, const struct page *table,
                                     const pte_t *e, unsigned n, struct vma_counts *c,
                                     unsigned order)
{
    u64 size = slot_size(order), rss = 0, anon = 0, one = 0;

    for (const pte_t *end = e + n; e < end; e++) {
        pte_t pte = pte_load(e);
        struct page *pg;
        u64 count = 0;

        if (!pte)
            continue;
        pg = pfn_to_page(pte_any_pfn(pte));
        if (likely(pg->type == PAGE_OBJECT)) {
            count = of_object(a, pg, order);
        } else if (pg == zero_page) {
            continue;
        } else if (pg->type == PAGE_ANON) {
            count = of_private(pg, table);
            anon++;
        }
        rss++;
        if (likely(count <= 1))
            one++;
        else
            c->pss_bytes += size / count;
    }
    c->rss += rss << order;
    c->anon += anon << order;
    c->shared += (rss - one) << order;
    c->pss_bytes += one * size;
}

void vma_report(struct vma *v, struct vma_counts *c)
{
    REQUIRES(&v->mm->lock);
    unsigned order = vma_order(v);
    struct page *table;
    struct asker a;

    asker_begin(&a, v, vma_npages(v));
    *c = (struct vma_counts){.away = slot_count_away(v)};
    pt_for_each_table(v->mm, slot_level(order), v->start, v->end, va, next, table)
    {
        const pte_t *e = pt_entries(table) + slot_index(va, order);

        for (unsigned left = slot_count(va, next, order), n; left; left -= n, e += n) {
            n = MIN(left, ASK_RUN);
            asker_take(&a);
            SLOT_CALL(v, report_run, &a, table, e, n, c);
            asker_release(&a);
            pause_anyway();
        }
    }
}

static always_inline u64 pagemap_entry(struct asker *a, pte_t pte,
                                       const struct page *table, unsigned order)
{
    struct page *pg = pfn_to_page(pte_any_pfn(pte));
    u64 e = PAGEMAP_PRESENT | pte_any_pfn(pte), count = 0;

    if (likely(pg->type == PAGE_OBJECT)) {
        e |= PAGEMAP_FILE;
        count = of_object(a, pg, order);
    } else if (pg->type == PAGE_ANON) {
        count = of_private(pg, table);
    }
    return count == 1 ? e | PAGEMAP_EXCLUSIVE : e;
}

/* The entries of [va, next) of a table; the frames within a huge page follow each other. */
static always_inline void pagemap_run(struct asker *a, const struct page *table,
                                      vaddr_t va, vaddr_t next, u64 *out, unsigned order)
{
    const pte_t *e = pt_entries(table) + slot_index(va, order);
    u64 part = va % slot_size(order) >> PAGE_SHIFT;

    for (const u64 *end = out + ((next - va) >> PAGE_SHIFT); out < end; e++, part = 0) {
        pte_t pte = pte_load(e);
        u64 entry = pte ? pagemap_entry(a, pte, table, order) : 0;

        if (!order)
            *out++ = entry;
        else
            for (; part < HUGE_PAGES && out < end; part++)
                *out++ = entry ? entry + part : 0;
    }
}

/* Tells which pages of the part a monitor guards. */
static noinline void pagemap_guards(const struct vma *v, vaddr_t va, vaddr_t end,
                                    u64 *out)
{
    for (; va < end; va += PAGE_SIZE, out++)
        if ((*out || v->object) &&
            monitor_guards(v->monitor, va & ~(vma_page_size(v) - 1)))
            *out |= PAGEMAP_GUARDED;
}

/* The part [va, end) of v. */
static void pagemap_vma(struct vma *v, vaddr_t va, vaddr_t end, u64 *out,
                        struct pagemap_reader *r)
{
    REQUIRES(&v->mm->lock);
    struct page *table;
    struct asker ask;

    asker_begin(&ask, v, MIN(r->left, (v->end - va) >> PAGE_SHIFT));
    ask.census.lost = r->lost;
    pt_for_each_table(v->mm, slot_level(vma_order(v)), va, end, at, next, table)
    {
        if (!table->present)
            continue;
        asker_take(&ask);
        SLOT_CALL(v, pagemap_run, &ask, table, at, next, out + ((at - va) >> PAGE_SHIFT));
        asker_release(&ask);
    }
    r->lost = ask.census.lost;
    if (unlikely(v->flags & VM_ASK_WRITE))
        pagemap_guards(v, va, end, out);
}

void pagemap_read(struct mm *mm, vaddr_t va, size_t n, u64 *out, struct pagemap_reader *r)
{
    vaddr_t end = va + n * PAGE_SIZE;

    memset(out, 0, n * sizeof(*out));
    mm_lock_shared(mm);
    for (struct vma *v = vma_find(mm, va); v && v->start < end; v = vma_next(v)) {
        vaddr_t start = MAX(va, v->start);

        pagemap_vma(v, start, MIN(end, v->end), out + ((start - va) >> PAGE_SHIFT), r);
    }
    mm_unlock_shared(mm);
    r->left -= MIN(r->left, n);
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
