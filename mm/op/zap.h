/* SPDX-License-Identifier: MIT
 *
 * Removing translations: always legal, never loses data of an object nor its arrangement.
 * Frames of private pages are freed through the batch after the flush.
 */
#pragma once

#include "mm/vm/slot.h"

/* Removes the translations of [start, end), which lies in v. M held (shared is enough), no
 * spinlock: a large range pauses. */
void zap_range(struct vma *v, vaddr_t start, vaddr_t end, struct change *c);

/* The same of a range that is short enough to do without a pause. */
void zap_range_at_once(struct vma *v, vaddr_t start, vaddr_t end, struct change *c);

/* As zap_range, but leaves private memory in place: only pages of the object go. */
void zap_object_pages(struct vma *v, vaddr_t start, vaddr_t end, struct change *c);
