/* SPDX-License-Identifier: MIT
 *
 * Backlinks: hints from a page of an object to the page-table entries that show it away from
 * home. A hint proves itself: it is live exactly when the frame it points into is a leaf
 * table whose entry is present and names this page. The rule is one-sided: every live
 * translation at an away address has a backlink on its page; a backlink may be stale, never
 * missing. So removing translations needs no work here.
 *
 * Four hints fit in the page's descriptor (a permutation never needs more than two); a page
 * with more gets a log, mm/vm/backlink_log.h. The pages with one stand in a list of their object.
 *
 * All calls: the lock of the page's leaf of the index (N) is held, or the page has left the
 * index, so that no hint is added, and the object's lock (O) is.
 */
#pragma once

#include "lib/lock.h"
#include "mm/vm/object_tree.h"

/* Physical address of an entry of a leaf table, divided by 8: 40 bits. Never 0. */
STATIC_ASSERT(PHYS_LIMIT >> 3 <= 1ull << 40);
static inline u64 backlink_key(const pte_t *entry)
{
    return virt_to_phys(entry) >> 3;
}

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

/* Any case of backlink_add(). */
int must_check backlink_add_any(struct page *pg, u64 key);

/* Makes sure that `entry` is among the hints of pg; call before the entry is stored, with the
 * table (T) and then N locked. 0, or -ENOMEM: then the translation must not be installed. Inline hints stand
 * without a gap; this finds one that is there, puts it behind the
 * last, or in the place of the first where that is stale. */
static always_inline int must_check backlink_add(struct page *pg, const pte_t *entry)
{
    REQUIRES(&virt_to_page(entry)->lock);
    REQUIRES(object_node_lock(pg));
    struct backlinks *b = &pg->links;
    u64 key = backlink_key(entry);

    if (unlikely(pg->flags & PG_LOG))
        return backlink_add_any(pg, key);
#pragma GCC unroll 4
    for (unsigned s = 0; s < BACKLINKS_INLINE; s++) {
        u32 low = b->low[s];

        if (likely(!low) && likely(!b->high[s])) {
            b->low[s] = (u32)key;
            b->high[s] = (u8)(key >> 32);
            return 0;
        }
        if (unlikely(low == (u32)key) && b->high[s] == (u8)(key >> 32))
            return 0;
    }
    if (backlink_live(pg, backlink_inline(pg, 0)))
        return backlink_add_any(pg, key);
    b->low[0] = (u32)key;
    b->high[0] = (u8)(key >> 32);
    return 0;
}

/* Calls visit for each hint, live or not, once. visit must not add hints to pg. */
typedef void (*backlink_fn)(u64 key, void *arg);

/* Visits the hints of pg, without runs (mm/vm/backrun.h), in parts of at most 511: *at says where
 * to go on, 0 first; false: that was the last part. Between two parts the locks may be given up:
 * hints that stay are visited, those that come or go meanwhile may be. visit may take T: the page
 * left the index. */
bool backlink_visit_part(const struct page *pg, u64 *at, backlink_fn visit, void *arg);

/* The same of a page that is in the index, O held and N not, with what runs say of it: each part
 * is copied under N, and visited without it. */
bool backlink_visit_copy(const struct page *pg, u64 *at, backlink_fn visit, void *arg);

/* Drops all hints: the page leaves its object, which keeps the log for backlink_free_part(). O held,
 * or nobody has the object. */
void backlink_clear(struct page *pg);

/* Frees a part of the logs of pages that left, about one table; true: there is more. The same. */
bool backlink_free_part(struct vm_object *o);

/* Whether pg has hints of its own. Inline ones stand without a gap. */
static inline bool backlink_any(const struct page *pg)
{
    return (pg->flags & PG_LOG) || backlink_inline(pg, 0);
}

/* Whether there may be any for pg, which is in the index; O held. */
bool backlink_hinted(const struct page *pg);

/* Nothing maps the object any more: every hint is stale, so its logs are given back, a part of
 * them each time. False: that was the last. O held. */
bool backlink_drop_logs(struct vm_object *o);

/* Bytes of all logs. */
u64 backlink_bytes(void);
