/* SPDX-License-Identifier: MIT
 *
 * See mm/table/pt_trim.h.
 */
#include "mm/table/pt_trim.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "mm/table/change.h"
#include "mm/table/pagetable.h"

/* What pt_trim may free, and how. */
struct trim {
    struct mm *mm;
    vaddr_t floor, ceiling;
    struct change *b;
    bool pauses;
};

/* Whether what an entry of `level` for va covers is nobody else's. */
static inline bool is_inside(const struct trim *t, vaddr_t va, unsigned level)
{
    u64 span = pt_span(level);
    vaddr_t low = va & ~(span - 1);

    return t->floor <= low && low + span <= t->ceiling;
}

/* Frees `child`, the table at va below entry e of `table` (of `level`), if it is empty and
 * nobody else's. */
static bool trim_child(const struct trim *t, struct page *table, pte_t *e,
                       struct page *child, unsigned level, vaddr_t va)
{
    if (child->present || child->naway || child->pins || !is_inside(t, va, level))
        return false;
    ASSERT(!child->away);
    spin_lock(&table->lock); /* truncate drops huge pages from a table of level 1 */
    pte_store(e, 0);
    table->present--;
    spin_unlock(&table->lock);
    pt_retire(t->mm, child);
    change_note_all(t->b);
    change_free_any(t->b, child);
    return true;
}

/* The table below entry e, or NULL: none, or a huge page. */
static inline struct page *table_of(const pte_t *e)
{
    pte_t pte = pte_load(e);

    return (pte & (PTE_PRESENT | PTE_LARGE)) == PTE_PRESENT ? pfn_to_page(pte_pfn(pte))
                                                            : NULL;
}

/* Frees the empty children of `table` (of `level`) in the range, children first. */
static void trim_level(const struct trim *t, struct page *table, unsigned level,
                       vaddr_t start, vaddr_t end)
{
    unsigned i = pt_index(start, level), stop = pt_index(end - 1, level) + 1;
    u64 span = pt_span(level);
    vaddr_t low = start & ~(pt_table_span(level) - 1);

    for (; (i = pt_next_used(table, i, stop)) < stop; i++) {
        vaddr_t va = MAX(start, low + i * span), next = MIN(low + (i + 1) * span, end);
        pte_t *e = pt_entries(table) + i;
        struct page *child = table_of(e);

        if (!child)
            continue;
        if (level > 1)
            trim_level(t, child, level - 1, va, next);
        trim_child(t, table, e, child, level, va);
        if (t->pauses)
            change_pause(t->b);
    }
}

/* The same for the lowest table that has the whole range below it, and then for those above. */
static noinline void trim_path(const struct trim *t, vaddr_t start, vaddr_t end)
{
    pte_t *path[PT_LEVELS], *table = t->mm->root; /* [level]: the entry for it */
    unsigned level = PT_LEVELS - 1;

    for (; level && (start ^ (end - 1)) < pt_span(level); level--) {
        pte_t *e = &table[pt_index(start, level)], pte = pte_load(e);

        if ((pte & (PTE_PRESENT | PTE_LARGE)) != PTE_PRESENT)
            break;
        path[level - 1] = e;
        table = phys_to_virt(pte & PTE_ADDR);
    }
    if (level && (start ^ (end - 1)) >= pt_span(level))
        trim_level(t, virt_to_page(table), level, start, end);
    for (; level < PT_LEVELS - 1; level++) {
        pte_t *e = path[level];

        if (!is_inside(t, start, level + 1) ||
            !trim_child(t, virt_to_page(e), e, table_of(e), level + 1, start))
            return;
    }
}

static inline void trim(const struct trim *t, vaddr_t start, vaddr_t end)
{
    if ((start ^ (end - 1)) >= LEAF_SPAN ||
        (is_inside(t, start, 1) && (pt_leaf(t->mm, start) || is_inside(t, start, 2))))
        trim_path(t, start, end); /* else there is none, or those above are needed */
}

void pt_trim(struct mm *mm, vaddr_t start, vaddr_t end, vaddr_t floor, vaddr_t ceiling,
             struct change *b)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    const struct trim t = {mm, floor, ceiling, b, true};

    trim(&t, start, end);
}

void pt_trim_locked(struct mm *mm, vaddr_t start, vaddr_t end, vaddr_t floor,
                    vaddr_t ceiling, spinlock_t *lock)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    struct change b;
    const struct trim t = {mm, floor, ceiling, &b, false};

    for (vaddr_t va = start, next; va < end; va = next) {
        next = MIN((va | (pt_span(2) - 1)) + 1, end);
        spin_lock(lock);
        change_begin(&b, mm);
        trim(&t, va, next);
        change_end(&b);
        spin_unlock(lock);
        pause_anyway();
    }
}
