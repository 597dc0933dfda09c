/* SPDX-License-Identifier: MIT
 *
 * The slots (mm/vm/slot.h) that show pages of an object which leave lose them: a page that has left
 * the index, or all behind the object's new end. So none is added meanwhile.
 */
#pragma once

#include "mm/vm/slot.h"

/* Removes pg, a small page of the object that v shows, from its home at va, if it is there. O
 * held. */
static always_inline void slot_drop_home(struct change *c, const struct vma *v,
                                         struct slot s, vaddr_t va, const struct page *pg)
{
    REQUIRES(&v->object->lock);
    pte_t old;

    spin_lock(&s.table->lock); /* not before it: a fault may be about to show the page */
    change_look(c, s.table);
    old = pte_load(s.entry);
    if (old && pte_any_pfn(old) == page_to_pfn(pg) && !slot_number(s.table, s.i)) {
        slot_replace(c, s.entry, va, old, 0);
        s.table->present--;
        c->resident[vma_kind(v) == VMA_SHARED ? RESIDENT_SHMEM : RESIDENT_FILE]--;
        mm_count(pte_zapped);
    }
    change_mark(c, s.table);
    spin_unlock(&s.table->lock);
}

/* Removes what the backlink `key` of pg leads to, if that is alive. O held. */
static always_inline void slot_drop_backlink(struct change *c, struct page *pg, u64 key)
{
    REQUIRES(&pg->object->lock);
    struct page *table = phys_to_page(key << 3);
    unsigned i = (unsigned)(key % PT_ENTRIES);

    spin_lock(&table->lock);
    if (backlink_live(pg, key)) { /* still a table, and it shows this page */
        pte_t old;

        change_switch(c, table->mm);
        old = pte_exchange(pt_entries(table) + i, 0);
        table->present--;
        /* away pages are in shared mappings only */
        c->resident[RESIDENT_SHMEM] -= 1 << pg->order;
        if (pte_used(old)) {
            change_note(c, pt_address(table, i));
            change_look_and_mark(c, table);
        }
        mm_count(pte_zapped);
    }
    spin_unlock(&table->lock);
}

/* Of the entries [i, stop) of a table with numbers those go that show file pages from `first` on.
 * T held. */
static always_inline void slot_drop_beyond(struct change *c, const struct vma *v,
                                           struct page *table, unsigned i, unsigned stop,
                                           pgoff_t first, unsigned order)
{
    REQUIRES(&table->lock);
    pte_t *e = pt_entries(table);
    vaddr_t va = pt_address(table, i);
    u32 removed = 0;

    for (; i < stop; i++, va += slot_size(order)) {
        if (slot_number_page(slot_number(table, i), v, va) < first || !pte_load(&e[i]))
            continue;
        slot_empty(&e[i]);
        change_note(c, va);
        removed++;
    }
    table->present = (u16)(table->present - removed);
    c->resident[RESIDENT_SHMEM] -= (s32)(removed << order);
    mm_count_n(pte_zapped, removed);
}
