/* SPDX-License-Identifier: MIT
 *
 * Backlinks: hints from a page of an object to the page-table entries that show it away from
 * home. A hint proves itself: it is live exactly when the frame it points into is a leaf
 * table whose entry is present and names this page. The rule is one-sided: every live
 * translation at an away address has a backlink on its page; a backlink may be stale, never
 * missing. So removing translations needs no work here.
 *
 * Four hints fit in the page's descriptor (a permutation never needs more than two); beyond
 * that a log grows by doubling, after stale and double entries were thrown out.
 *
 * All calls: the object's lock (O) is held.
 */
#pragma once

#include "mm/page.h"

/* Physical address of an entry of a leaf table, divided by 8. Never 0. */
static inline u64 backlink_key(const pte_t *entry)
{
    return virt_to_phys(entry) >> 3;
}

/* Makes sure that `entry` is among the hints of pg; call before the entry is stored, with the
 * table locked. 0, or -ENOMEM: then the translation must not be installed. */
int must_check backlink_add(struct page *pg, const pte_t *entry);

/* Whether the entry behind `key` shows pg now. */
static inline bool backlink_live(const struct page *pg, u64 key)
{
    const struct page *table = phys_to_page(key << 3);
    pte_t pte;

    if (table->type != PAGE_TABLE || table->level > 1) /* 1: of a huge page */
        return false;
    pte = pte_load((const pte_t *)phys_to_virt(key << 3));
    return pte_present(pte) && pte_pfn(pte) == page_to_pfn(pg);
}

/* Inline hint s (0: none); only without PG_LOG. */
static inline u64 backlink_inline(const struct page *pg, unsigned s)
{
    return (u64)pg->links.high[s] << 32 | pg->links.low[s];
}

/* Calls visit for each hint, live or not. visit must not add hints to pg. */
void backlink_visit(const struct page *pg, void (*visit)(u64 key, void *arg), void *arg);

/* An address that showed pg, then another page, then pg again may have two hints: afterwards
 * each has one. */
void backlink_unique(const struct page *pg);

/* Drops all hints and the log: the page leaves its object. */
void backlink_clear(struct page *pg);

static inline bool backlink_any(const struct page *pg)
{
    const struct backlinks *b = &pg->links;

    return b->low[0] | b->low[1] | b->low[2] | b->low[3];
}

/* Nothing maps the object any more: every hint is stale, so its logs are given back. */
void backlink_drop_logs(struct vm_object *o);

/* Bytes of all logs. */
u64 backlink_bytes(void);
