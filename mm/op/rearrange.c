/* SPDX-License-Identifier: MIT
 *
 * The steps of mm/op/rearrange.h.
 */
#include "mm/op/rearrange.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "mm/op/area.h"
#include "mm/op/area_trim.h"
#include "mm/phys/stat.h"
#include "mm/vm/backrun.h"
#include "mm/vm/slot_run.h"

void rearrange_begin(struct rearrange *r, struct mm *mm, bool lazy)
{
    REQUIRES(&mm->lock);
    r->mm = mm;
    r->run = 0;
    r->pages = 0;
    r->lazy = lazy;
    r->install = false;
    r->missing = false;
    r->whole = false;
    r->most = REARRANGE_RUN;
    rearrange_forget(r);
    change_begin(&r->change, mm);
}

void rearrange_flush(struct rearrange *r)
{
    change_end(&r->change);
    change_begin(&r->change, r->mm);
    if (r->cursor.object)
        object_changed(r->cursor.object);
    r->cursor = object_cursor(NULL); /* leaves of its index may be freed in a pause */
    r->pages += r->run;
    r->run = 0;
}

void rearrange_pause(struct rearrange *r)
{
    REQUIRES_EXCLUSIVE(&r->mm->lock);
    if (r->run < REARRANGE_RUN && !pause_due())
        return;
    rearrange_flush(r);
    pause_anyway();
}

int rearrange_find(struct rearrange *r, vaddr_t start, vaddr_t end)
{
    REQUIRES(&r->mm->lock);
    struct vma *v = vma_at(r->mm, start);
    int err = rearrange_check(v, start, end);

    if (!err)
        rearrange_use(r, v);
    return err;
}

const pte_t *rearrange_directory(struct rearrange *r, vaddr_t va, unsigned order)
{
    REQUIRES(&r->mm->lock);
    const pte_t *table = r->mm->root;

    for (unsigned level = PT_LEVELS - 1; level > slot_level(order) + 1; level--) {
        pte_t e = pte_load(&table[pt_index(va, level)]);

        if (!pte_present(e))
            return NULL;
        table = phys_to_virt(e & PTE_ADDR);
    }
    r->directory = table;
    r->covers = va & ~(pt_span(slot_level(order) + 2) - 1);
    return table;
}

int rearrange_reserve(struct rearrange *r, vaddr_t start, vaddr_t end)
{
    REQUIRES_EXCLUSIVE(&r->mm->lock);
    unsigned order = vma_order(r->v);
    u64 span = pt_table_span(slot_level(order));

    for (vaddr_t va = start; va < end; va = (va | (span - 1)) + 1) {
        struct slot s = slot_at(r->mm, va, order);

        if (!s.table)
            s = slot_make(r->mm, va, order);
        if (!s.table || away_reserve(s.table) != 0)
            return -ENOMEM;
        if (unlikely(pause_due())) {
            rearrange_flush(r);
            if (pause_point())
                return -EINTR;
        }
    }
    return 0;
}

int rearrange_thaw(struct rearrange *r, vaddr_t start, vaddr_t end)
{
    REQUIRES_EXCLUSIVE(&r->mm->lock);
    struct page *table;

    int err = away_redeem(r->mm, start, end);

    if (err || likely(!r->mm->lent))
        return err;
    pt_for_each_table(r->mm, slot_level(vma_order(r->v)), start, end, va, next, table)
    {
        (void)next;
        if (away_thaw(table) != 0)
            return -ENOMEM;
        if (unlikely(pause_due())) {
            rearrange_flush(r);
            if (pause_point())
                return -EINTR;
        }
    }
    return 0;
}

void rearrange_trim(struct rearrange *r, vaddr_t start, vaddr_t end)
{
    REQUIRES_EXCLUSIVE(&r->mm->lock);
    struct page *table;

    pt_for_each_table(r->mm, slot_level(vma_order(r->v)), start, end, va, next, table)
    {
        (void)next;
        away_trim(table);
        if (unlikely(pause_due())) {
            rearrange_flush(r);
            pause_anyway();
        }
    }
}

void rearrange_undo(struct rearrange *r, vaddr_t start, vaddr_t end)
{
    REQUIRES_EXCLUSIVE(&r->mm->lock);
    rearrange_trim(r, start, end);
    r->covers = USER_END;
    rearrange_flush(r);
    area_trim_inside(r->v, start, end);
}

/* So many that all will be flushed if one was shown; no page needs a backlink of its own. T held, N
 * of the pages too. */
static noinline void set_many(struct rearrange *r, struct slot s, unsigned n, bool home,
                              pgoff_t pgoff, void *const *pages, struct tally *t)
{
    REQUIRES(&s.table->lock);
    pte_t live = 0;
    bool all;

    change_look(&r->change, s.table);
    if (home && pages)
        all = slot_show_run(s, n, true, 0, pages, r->rights, t, &live);
    else if (home)
        all = slot_show_run(s, n, true, 0, NULL, 0, t, &live);
    else if (pages)
        all = slot_show_run(s, n, false, pgoff, pages, r->rights, t, &live);
    else
        all = slot_show_run(s, n, false, pgoff, NULL, 0, t, &live);
    r->missing |= !all;
    if (live)
        change_note_all(&r->change);
}

/* The slots from s on under [va, next) of one table, node by node of the object's index. */
static always_inline void set_table(struct rearrange *r, struct slot s, vaddr_t va,
                                    vaddr_t next, bool home, pgoff_t pgoff,
                                    struct tally *t, unsigned order)
{
    struct vm_object *o = r->v->object;
    unsigned left = slot_count(va, next, order), n;
    pgoff_t end = object_npages(o); /* fallocate may have put pages behind it */

    for (; left; left -= n) {
        struct index_node *node = NULL;
        void *const *pages = NULL;
        bool linked = false;

        n = order ? 1 : left;
        if (r->install)
            n = MIN(n, INDEX_SLOTS - (unsigned)(pgoff % INDEX_SLOTS));
        if (r->install && pgoff < end) {
            node = index_leaf(&o->pages, object_number(pgoff));
            n = (unsigned)MIN((u64)n, end - pgoff);
            pages = node ? node->slot + pgoff % INDEX_SLOTS : NULL;
        }
        r->missing |= !pages;
        if (node)
            spin_lock(&node->lock);
        if (!order && !home && node && n >= BACKRUN_MIN)
            linked = backrun_add(node, s.entry, pgoff % INDEX_SLOTS, n);
        if (!order && n > TLB_ADDRS && (linked || home || !pages))
            set_many(r, s, n, home, pgoff, pages, t);
        else
            rearrange_slots(r, s, va, n, home, pgoff, pages, linked, t, order);
        if (node)
            spin_unlock(&node->lock);
        s.i += n;
        s.entry += n;
        va += n * slot_size(order);
        pgoff += (pgoff_t)n << order;
    }
}

static always_inline void set_range(struct rearrange *r, vaddr_t start, vaddr_t end,
                                    pgoff_t pgoff, unsigned order)
{
    bool home = pgoff == vma_home(r->v, start);
    u64 span = pt_table_span(slot_level(order));

    for (vaddr_t va = start, next; va < end; va = next) {
        struct slot s = rearrange_slot(r, va, order);
        struct tally t = {0, 0};

        next = MIN((va | (span - 1)) + 1, end);
        if (unlikely(r->most < REARRANGE_RUN))
            next = MIN(next, va + r->most * slot_size(order));
        if (unlikely(!s.table)) { /* coming home where nothing is shown */
            r->missing = true;
            if (!pt_next_table(r->mm, &next, end, slot_level(order)))
                next = end;
            continue;
        }
        rearrange_next(r, slot_count(va, next, order) << order);
        if (!r->install && slot_all_home(s.table))
            continue; /* and home they shall be */
        spin_lock(&s.table->lock);
        set_table(r, s, va, next, home, pgoff + ((va - start) >> PAGE_SHIFT), &t, order);
        slot_settle(&r->change, s.table, &t, RESIDENT_SHMEM, order);
        spin_unlock(&s.table->lock);
    }
}

void rearrange_range(struct rearrange *r, vaddr_t start, vaddr_t end, pgoff_t pgoff)
{
    SLOT_CALL(r->v, set_range, r, start, end, pgoff);
}

void rearrange_end(struct rearrange *r)
{
    rearrange_flush(r);
    if (r->pages) {
        mm_count_n(remap_pages, r->pages);
        mm_count(remap_calls);
    }
}
