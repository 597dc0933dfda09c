/* SPDX-License-Identifier: MIT
 *
 * Tables under addresses where nothing is mapped any more. M exclusive.
 */
#pragma once

#include "mm/vm/vma.h"

/* Frees the empty tables that lie under [start, end), where nothing is mapped, and under no
 * VMA beside it. */
void area_trim(struct mm *mm, vaddr_t start, vaddr_t end);
/* The same of what munmap has emptied, between `floor`, the end of the area before, and `next`, the one
 * behind (NULL: none); but for the last leaf table of a small area among others: mm->spare_leaf.
 * Not `leaf`: there is no leaf table. */
void area_trim_between(struct mm *mm, vaddr_t start, vaddr_t end, vaddr_t floor,
                       const struct vma *next, bool leaf);
/* Frees that one. */
void area_drop_spare(struct mm *mm);
/* As area_trim(), for a part of v, which stays: its object may walk the tables, and is locked
 * piece by piece. */
void area_trim_inside(struct vma *v, vaddr_t start, vaddr_t end);

/* Makes [start, end), where nothing is mapped, ready for huge pages: tables left by calls that
 * failed go. */
void area_clear_way(struct mm *mm, vaddr_t start, vaddr_t end);
