/* SPDX-License-Identifier: MIT
 *
 * Page tables that have become empty are freed, and those above them.
 */
#pragma once

#include "lib/lock.h"
#include "mm/table/mm_types.h"

struct change;

/* Frees tables that lie wholly in [floor, ceiling) and are empty (no entry, no away entry),
 * visiting those over [start, end), through the batch: CPUs cache upper entries as well, so
 * the frames are freed after a full flush. Exclusive mm lock; pauses. */
void pt_trim(struct mm *mm, vaddr_t start, vaddr_t end, vaddr_t floor, vaddr_t ceiling,
             struct change *b);

/* The same below a mapping that its object still knows: `lock`, the object's, is taken and
 * given up piece by piece, because truncate may walk the tables under it. */
void pt_trim_locked(struct mm *mm, vaddr_t start, vaddr_t end, vaddr_t floor,
                    vaddr_t ceiling, spinlock_t *lock);
