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

/* Moves *first up to the first file page from which on a private mapping has a table at the
 * page's home. False: none has. O held, but given up for pauses, before which c is flushed. */
bool rmap_next_home(struct vm_object *o, pgoff_t *first, struct change *c);
