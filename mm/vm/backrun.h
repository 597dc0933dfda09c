/* SPDX-License-Identifier: MIT
 *
 * Backlinks of many pages at once: a run says that file pages next to one another, of one leaf of
 * the object's index, may be shown by entries next to one another of one leaf table. One word in
 * the leaf stands for up to 64 backlinks: where a call shows a stretch of pages, their descriptors
 * are not touched. A run is a hint like a backlink (mm/vm/backlink.h): each page in it proves
 * itself, and what is shown at an away address has a run over it or a backlink.
 *
 *      leaf of the index  | 0 1 2 3 4 5 6 7 8 ...          run: first 2, count 4,
 *                             | | | |                           key of the entry that shows 2
 *      a leaf table       ... e e e e ...
 *
 * A leaf has room for eight, oldest first. When all are taken a stale one of the three oldest
 * goes; if there is none each page gets a backlink of its own.
 */
#pragma once

#include "mm/vm/backlink.h"

#define BACKRUN_MIN 4u /* shorter ones cost more than they save */

/* Bits 0..39: key of the first entry; 40..45: place of its page in the leaf; 46..51: pages - 1. */
static inline u64 backrun_key(u64 run)
{
    return run & ((1ull << 40) - 1);
}

static inline unsigned backrun_first(u64 run)
{
    return (unsigned)(run >> 40) % INDEX_SLOTS;
}

static inline unsigned backrun_count(u64 run)
{
    return (unsigned)(run >> 46) % INDEX_SLOTS + 1;
}

/* The key of the entry that may show the page at place i of the leaf; 0: the run is not over it. */
static inline u64 backrun_at(u64 run, unsigned i)
{
    unsigned k = i - backrun_first(run);

    return k < backrun_count(run) ? backrun_key(run) + k : 0;
}

/* Makes sure that a run stands over the n pages from place `first` of the leaf, and the n
 * entries from `entry`, in one table; before they are stored, with T and N locked. False: there is
 * no room, nothing has changed. */
bool must_check backrun_add(struct index_node *leaf, const pte_t *entry, unsigned first,
                            unsigned n);

/* Whether the leaf has runs. */
static inline bool backrun_any(const struct index_node *leaf)
{
    return leaf->word[0];
}
