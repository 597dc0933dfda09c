/* SPDX-License-Identifier: MIT
 *
 * The slots (mm/vm/slot.h) that show one page of an object lose it: that page has left the index, so
 * that none is added.
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
