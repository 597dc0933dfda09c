/* SPDX-License-Identifier: MIT
 *
 * Removing translations: always legal, never loses data of an object nor its arrangement.
 * Frames of private pages are freed through the batch after the flush.
 */
#pragma once

#include "mm/vm/slot.h"

struct object_walk;

/* Removes the translations of [start, end), which lies in v. M held (shared is enough), no
 * spinlock: a large range pauses. */
void zap_range(struct vma *v, vaddr_t start, vaddr_t end, struct change *c);

/* The same of a range that is short enough to do without a pause. */
void zap_range_at_once(struct vma *v, vaddr_t start, vaddr_t end, struct change *c);

/* As zap_range, but leaves private memory in place: only pages of the object go. */
void zap_object_pages(struct vma *v, vaddr_t start, vaddr_t end, struct change *c);

/* Removes the home translations of file pages [first, last) in every mapping. copies:
 * DROP_COPIES also the private copies at those addresses (truncate), 0 not (a hole punch).
 * The pages have left the index. Pauses between two mappings: O of walk->object held, but given up
 * then; the caller ends the walk. */
void rmap_unmap_homes(struct object_walk *walk, pgoff_t first, pgoff_t last, u32 copies,
                      struct change *c);

/* Removes every translation of pg away from home: pg has left the index, so none is added. `runs`:
 * the words of the leaf where it stood, NULL: it had none. O held, but given up for pauses of the
 * walk; flushes go to the batch. */
void rmap_unmap_away(struct object_walk *walk, struct page *pg, const u64 *runs,
                     struct change *c);

/* Removes every translation of pg, a small page: its homes, but not the private copies there, and
 * the others as above. */
void rmap_unmap_page(struct object_walk *walk, struct page *pg, const u64 *runs,
                     struct change *c);

/* Removes every translation of file pages from `first` on, home or away, private copies too, by a
 * look at each slot of the mappings. The object ends there by now, so that none is added. O of
 * walk->object held, but given up for pauses. */
void rmap_unmap_beyond(struct object_walk *walk, pgoff_t first, struct change *c);
