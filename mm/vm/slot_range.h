/* SPDX-License-Identifier: MIT
 *
 * What becomes of the away numbers of a range when it is unmapped, moved or forked; slot by slot
 * they are mm/vm/slot.h's.
 */
#pragma once

#include "mm/vm/slot.h"

/* Forgets the numbers of [start, end) of v: the addresses are unmapped, by c. Pauses. M exclusive. */
void slot_forget(const struct vma *v, vaddr_t start, vaddr_t end, struct change *c);

/* The same of a range without a VMA, whose pages have this order. */
void slot_forget_range(struct mm *mm, vaddr_t start, vaddr_t end, unsigned order);

/* Copies the numbers of [start, end) of v to the same addresses shifted by `delta` bytes in
 * `to`, whose tables and arrays are made as needed, after away_redeem(). -ENOMEM, -EINTR: a part
 * may be copied; the caller clears the target range. M exclusive on both. */
int must_check slot_copy_numbers(struct mm *to, const struct vma *v, vaddr_t start,
                                 vaddr_t end, u64 delta);

/* Pages of v that are away (smaps "Nonlinear"). M held. */
u64 slot_count_away(const struct vma *v);
