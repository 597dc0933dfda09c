/* SPDX-License-Identifier: MIT
 *
 * Which translations go when a range is unmapped or a file page leaves its object. How one
 * goes is in mm/vm/slot.c.
 */
#include "mm/op/zap.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "mm/vm/backrun.h"
#include "mm/vm/object_tree.h"
#include "mm/vm/object_walk.h"
#include "mm/vm/rmap.h"
#include "mm/vm/slot_drop.h"

/* Drops what DROP_* says of what `table` shows of [va, next) of v. */
static always_inline void drop_some(struct vma *v, struct page *table, vaddr_t va,
                                    vaddr_t next, u32 what, unsigned order,
                                    struct change *c)
{
    unsigned i = slot_index(va, order);

    /* Who takes away a part of a shared table has it for himself by now. */
    if (unlikely(table->holders) && lend_give_back(c, va, table))
        return;
    spin_lock(&table->lock);
    change_look(c, table);
    if (table->present)
        slot_drop(c, v, table, i, i + slot_count(va, next, order), what);
    change_mark(c, table);
    spin_unlock(&table->lock);
}

/* Drops what DROP_* says of [start, end) of v, table by table. */
static inline void drop_range(struct vma *v, vaddr_t start, vaddr_t end, u32 what,
                              bool pauses, struct change *c)
{
    REQUIRES(&v->mm->lock);
    unsigned order = vma_order(v);
    struct page *table;

    if (likely(!order) && (start ^ (end - 1)) < LEAF_SPAN) {
        table = pt_leaf(v->mm, start); /* the usual case: there is one at most */
        if (table)
            drop_some(v, table, start, end, what, 0, c);
    } else {
        pt_for_each_table(v->mm, slot_level(order), start, end, va, next, table)
        {
            drop_some(v, table, va, next, what, order, c);
            if (pauses)
                change_pause(c);
        }
        if (pauses) /* there may have been numbers without tables, which are passed by */
            change_pause(c);
    }
    if (v->object)
        object_changed(v->object);
}

void zap_range(struct vma *v, vaddr_t start, vaddr_t end, struct change *c)
{
    drop_range(v, start, end, DROP_ALL, true, c);
}

void zap_range_at_once(struct vma *v, vaddr_t start, vaddr_t end, struct change *c)
{
    drop_range(v, start, end, DROP_ALL, false, c);
}

void zap_object_pages(struct vma *v, vaddr_t start, vaddr_t end, struct change *c)
{
    drop_range(v, start, end, DROP_AWAY, true, c);
}

/* ---- removal by file page: the removing half of mm/vm/rmap.h ---- */

/* A look without the table's lock comes first, for the many stale ones. */
static always_inline void unmap_hint(struct page *pg, u64 key, struct change *c)
{
    if (backlink_live(pg, key))
        slot_drop_backlink(c, pg, key);
}

struct unmap_ctx {
    struct page *pg;
    struct change *c;
};

static void unmap_logged(u64 key, void *arg)
{
    const struct unmap_ctx *ctx = arg;

    unmap_hint(ctx->pg, key, ctx->c);
}

static noinline void unmap_log(struct object_walk *walk, struct page *pg,
                               struct change *c)
{
    struct unmap_ctx ctx = {pg, c};
    u64 at = 0;

    while (backlink_visit_part(pg, &at, unmap_logged, &ctx)) {
        if (!pause_due())
            continue;
        change_flush(c);
        object_walk_pause_now(walk);
    }
}

static always_inline void unmap_away(struct object_walk *walk, struct page *pg,
                                     const u64 *runs, struct change *c)
{
    REQUIRES(&pg->object->lock);
    for (unsigned s = 0; runs && s < INDEX_WORDS && runs[s]; s++) {
        u64 key = backrun_at(runs[s], pg->index % INDEX_SLOTS);

        if (key)
            unmap_hint(pg, key, c);
    }

    if (unlikely(pg->flags & PG_LOG)) {
        unmap_log(walk, pg, c);
        return;
    }
    for (unsigned s = 0; s < BACKLINKS_INLINE; s++) {
        u64 key = backlink_inline(pg, s);

        if (!key)
            break;
        unmap_hint(pg, key, c);
    }
}

void rmap_unmap_away(struct object_walk *walk, struct page *pg, const u64 *runs,
                     struct change *c)
{
    unmap_away(walk, pg, runs, c);
}

void rmap_unmap_homes(struct object_walk *walk, pgoff_t first, pgoff_t last, u32 copies,
                      struct change *c)
{
    REQUIRES(&walk->object->lock);
    struct vma *v;

    object_for_each_vma (v, walk->object, first, last) {
        pgoff_t low = MAX(first, v->pgoff), high = MIN(last, v->pgoff + vma_npages(v));
        vaddr_t start = v->start + ((low - v->pgoff) << PAGE_SHIFT);
        vaddr_t end = v->start + ((high - v->pgoff) << PAGE_SHIFT);
        unsigned order = vma_order(v);
        struct page *table;

        change_switch(c, v->mm);
        pt_for_each_table(v->mm, slot_level(order), start, end, va, next, table)
        {
            unsigned i = slot_index(va, order);

            /* Not before the lock: a fault that found the page may be about to show it. */
            spin_lock(&table->lock);
            change_look(c, table);
            if (table->present)
                slot_drop(c, v, table, i, i + slot_count(va, next, order), copies);
            change_mark(c, table);
            spin_unlock(&table->lock);
        }
        if (pause_due()) {
            change_flush(c);
            object_walk_pause_now(walk);
        }
    }
}

void rmap_unmap_page(struct object_walk *walk, struct page *pg, const u64 *runs,
                     struct change *c)
{
    REQUIRES(&walk->object->lock);
    struct vma *v;

    object_for_each_vma (v, walk->object, pg->index, (pgoff_t)pg->index + 1) {
        vaddr_t va = v->start + ((pg->index - v->pgoff) << PAGE_SHIFT);
        struct slot s = slot_at(v->mm, va, 0);

        change_switch(c, v->mm);
        if (s.table)
            slot_drop_home(c, v, s, va, pg);
        if (pause_due()) {
            change_flush(c);
            object_walk_pause_now(walk);
        }
    }
    unmap_away(walk, pg, runs, c);
}

/* One table of v, [va, next); from `home` on its homes go. */
static void unmap_beyond(struct change *c, struct vma *v, struct page *table, vaddr_t va,
                         vaddr_t next, vaddr_t home, pgoff_t first)
{
    unsigned order = vma_order(v), i = slot_index(va, order);

    /* Not before the lock, as above. */
    spin_lock(&table->lock);
    change_look(c, table);
    if (!slot_all_home(table)) {
        if (table->present)
            SLOT_CALL(v, slot_drop_beyond, c, v, table, i,
                      i + slot_count(va, next, order), first);
    } else if (home < next && table->present) {
        va = MAX(va, home);
        i = slot_index(va, order);
        slot_drop(c, v, table, i, i + slot_count(va, next, order), DROP_ALL);
    }
    change_mark(c, table);
    spin_unlock(&table->lock);
}

void rmap_unmap_beyond(struct object_walk *walk, pgoff_t first, struct change *c)
{
    REQUIRES(&walk->object->lock);
    struct vma *v;

    object_for_each_vma (v, walk->object, 0, ~0ul) {
        u64 below = first > v->pgoff ? MIN(first - v->pgoff, vma_npages(v)) : 0;
        vaddr_t home = v->start + (below << PAGE_SHIFT);
        vaddr_t start = vma_kind(v) == VMA_SHARED ? v->start : home;
        struct page *table;

        change_switch(c, v->mm);
        pt_for_each_table(v->mm, slot_level(vma_order(v)), start, v->end, va, next, table)
        {
            unmap_beyond(c, v, table, va, next, home, first);
            if (pause_due()) { /* v stays as it is */
                change_flush(c);
                object_walk_pause_now(walk);
            }
        }
    }
}
