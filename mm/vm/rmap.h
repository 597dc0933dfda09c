/* SPDX-License-Identifier: MIT
 *
 * Exact reverse mapping: from a page of an object to every translation that shows it. Homes
 * by arithmetic through the object's VMA tree, the others through backlinks.
 */
#pragma once

#include "mm/table/change.h"
#include "mm/vm/object.h"

struct vma;
struct object_walk;

/* Where a page is shown: entry i of `leaf` (table locked during the visit; of level 1 for a
 * huge page). */
typedef void (*rmap_fn)(struct page *leaf, unsigned i, void *arg);

/* Visits each live translation of pg, once. O held. */
void rmap_visit(struct page *pg, rmap_fn visit, void *arg);

/* How many translations show pg (each counted once). O held. */
u64 rmap_count(struct page *pg);

/* Removes every translation of pg away from home: pg has left the index, so none is added. `runs`:
 * the words of the leaf where it stood, NULL: it had none. O held, but given up for pauses of the
 * walk; flushes go to the batch. */
void rmap_unmap_away(struct object_walk *walk, struct page *pg, const u64 *runs,
                     struct change *c);

/* Removes every translation of pg, a small page: its homes, but not the private copies there, and
 * the others as above. */
void rmap_unmap_page(struct object_walk *walk, struct page *pg, const u64 *runs,
                     struct change *c);

/* Moves *first up to the first file page from which on a private mapping has a table at the
 * page's home. False: none has. O held, but given up for pauses. */
bool rmap_next_home(struct vm_object *o, pgoff_t *first);

/* Removes every translation of file pages from `first` on, home or away, private copies too, by a
 * look at each slot of the mappings. The object ends there by now, so that none is added. O of
 * walk->object held, but given up for pauses. */
void rmap_unmap_beyond(struct object_walk *walk, pgoff_t first, struct change *c);

/* Removes the home translations of file pages [first, last) in every mapping. copies:
 * DROP_COPIES also the private copies at those addresses (truncate), 0 not (a hole punch).
 * The pages have left the index. Pauses between two mappings: O of walk->object held, but given up
 * then; the caller ends the walk. */
void rmap_unmap_homes(struct object_walk *walk, pgoff_t first, pgoff_t last, u32 copies,
                      struct change *c);
