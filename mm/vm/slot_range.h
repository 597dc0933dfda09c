/* SPDX-License-Identifier: MIT
 *
 * What becomes of the away numbers of a range when it is unmapped, moved or forked, and what goes
 * by them; slot by slot they are mm/vm/slot.h's.
 */
#pragma once

#include "mm/vm/slot.h"

/* Forgets the numbers of [start, end) of v: the addresses are unmapped. M exclusive. */
void slot_forget(const struct vma *v, vaddr_t start, vaddr_t end);

/* The same of a range without a VMA, whose pages have this order. */
void slot_forget_range(struct mm *mm, vaddr_t start, vaddr_t end, unsigned order);

/* Copies the numbers of [start, end) of v to the same addresses shifted by `delta` bytes in
 * `to`, whose tables and arrays are made as needed, after away_redeem(). -ENOMEM, -EINTR: a part
 * may be copied; the caller clears the target range. M exclusive on both. */
int must_check slot_copy_numbers(struct mm *to, const struct vma *v, vaddr_t start,
                                 vaddr_t end, u64 delta);

/* Removes the translations of file pages from `first` on of the entries [i, stop) of a table with
 * numbers, under v. T held. */
void slot_drop_beyond(struct change *c, const struct vma *v, struct page *table,
                      unsigned i, unsigned stop, pgoff_t first);

/* Pages of v that are away (smaps "Nonlinear"). M held. */
u64 slot_count_away(const struct vma *v);
