/* SPDX-License-Identifier: MIT
 *
 * Where there is room in an address space.
 */
#pragma once

#include "mm/vm/vma.h"

/* The highest free range of `len` bytes in [low, high), len a multiple of the page. One path
 * of the tree is walked, whatever it holds. -ENOMEM. */
int vma_find_gap(const struct mm *mm, u64 len, vaddr_t low, vaddr_t high, vaddr_t *out);
/* The same, the lowest. */
int vma_find_gap_low(const struct mm *mm, u64 len, vaddr_t low, vaddr_t high,
                     vaddr_t *out);
