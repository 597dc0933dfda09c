/* SPDX-License-Identifier: MIT
 *
 * Slots next to one another set at once: the steps of mm/vm/slot.h without a note for each.
 */
#pragma once

#include "mm/vm/slot.h"

/* Makes n slots of a table from s on (up to INDEX_SLOTS with `pages`) show the file page pgoff, away,
 * and those that follow it, or all their homes. `pages`: those pages, whose translations are put in place (NULL in it: the
 * one there goes), with `rights` as slot_show(), their backlinks made before; NULL: all go. What
 * is right already stays. T held, N of the pages too. False: a page was not there. *live is not 0
 * after it if something went that a TLB may have. */
static always_inline bool slot_show_run(struct slot s, unsigned n, bool home,
                                        pgoff_t pgoff, void *const *pages, pte_t rights,
                                        struct tally *t, pte_t *live)
{
    REQUIRES(&s.table->lock);
    u32 *numbers = slot_numbers(s.table, s.i, home);
    struct tally sum = {0, 0}; /* in registers */
    pte_t *entry = s.entry, gone = 0;
    bool all = true;

#pragma GCC unroll 4
    for (u64 k = 0; k < n; k++) {
        bool moved = slot_move(numbers, k, home, pgoff + k, &sum);
        pte_t old, pte = 0;

        if (unlikely(!moved) && (!pages || pte_load(&entry[k])))
            continue;
        old = pte_load(&entry[k]);
        if (pages && likely(pages[k])) {
            pte = rights | page_to_phys(pages[k]);
            sum.present += !old;
        } else {
            all &= !pages;
            sum.present -= old != 0;
        }
        slot_replace(NULL, &entry[k], 0, old, pte);
        gone |= old;
    }
    t->present += sum.present;
    t->naway += sum.naway;
    *live |= gone;
    return all;
}
