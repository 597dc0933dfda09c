/* SPDX-License-Identifier: MIT
 *
 * Away arrays: which table has which. What the numbers in them say, and who reads and writes
 * them, is in mm/vm/slot.h.
 *
 * A table without numbers has no array. fork shares arrays: an array that several tables have is
 * frozen in each, and who wants to change a number in it gets a copy, or the array, as its
 * last user. The child has no table over such a span yet: the entry of level 1 that would lead
 * to one (its way) holds the array alone (pte_numbers in arch/pte.h) until a table is made there.
 *
 * Locks: M exclusive for all that changes who has what, but that a fault may make the table for an
 * array alone; T too where a table's array is replaced, since truncate reads under that.
 */
#pragma once

#include "mm/table/pagetable.h"

#define AWAY_BYTES (PT_ENTRIES * sizeof(u32))

/* Whether the numbers can be written: there is an array, and it is not frozen. M held. */
static inline bool away_writable(const struct page *table)
{
    return table && table->away && !table->frozen;
}

/* Makes them so: `table` gets an array of zeros if it has none, or its own instead of one that it
 * shares. 0 or -ENOMEM. M exclusive. */
int must_check away_reserve(struct page *table);

/* The same if the array is frozen; else there may be none. */
static inline int must_check away_thaw(struct page *table)
{
    return likely(!table->frozen) ? 0 : away_reserve(table);
}

/* Takes the array away with the numbers that may be in it. M exclusive. */
void away_drop(struct page *table);
/* Frees the array when it holds no number. M exclusive, or T with nobody reserving. */
void away_trim(struct page *table);

/* fork: the child `to` has the numbers of v as well; it has none there yet. Mostly it gets no table.
 * 0, -ENOMEM or -EINTR (killed): a part may be there. M exclusive on both; pauses. */
int must_check away_inherit(struct mm *to, const struct vma *v);

/* The numbers that the way of va holds alone; NULL: none, or there is a table. M held. */
const u32 *away_alone(const struct mm *mm, vaddr_t va);

/* Makes tables where there are arrays alone, in [start, end). 0, -ENOMEM or -EINTR (killed): some
 * may be made, which nobody can see. M exclusive; pauses. */
int must_check away_redeem(struct mm *mm, vaddr_t start, vaddr_t end);
/* Forgets the arrays alone in [start, end). M exclusive; pauses. */
void away_forget_alone(struct mm *mm, vaddr_t start, vaddr_t end);

/* Bytes of all arrays, for /proc and checks. */
u64 away_bytes(void);
