/* SPDX-License-Identifier: MIT
 *
 * Which addresses show a file page other than their home. The numbers stand in the "away
 * array" of the leaf table that covers the address: 512 numbers parallel to its 512 entries,
 * 0 for an address at home, else file page + 1. An array without numbers is freed, so a page
 * put back home leaves no trace. Arrays exist only under shared mappings of objects.
 *
 * mm_offset is the one answer to "which file page is at this address"; every path asks it.
 */
#pragma once

#include "lib/lock.h"
#include "mm/huge.h"
#include "mm/object.h"
#include "mm/pagetable.h"
#include "mm/vma.h"

#define AWAY_BYTES (PT_ENTRIES * sizeof(u32))

/* The file page at entry i of `leaf` (may be NULL: no table, all at home), whose address
 * lies in v. T held, or M in a mode that excludes remaps. */
static inline pgoff_t away_offset(const struct page *leaf, const struct vma *v,
                                  vaddr_t va)
{
    REQUIRES_EITHER(&v->mm->lock, &leaf->lock);
    if (leaf && leaf->away) {
        u32 n = leaf->away[pt_index(va, 0)];

        if (n)
            return n - 1;
    }
    return vma_home(v, va);
}

/* The file page at va. M held. */
static inline pgoff_t mm_offset(const struct mm *mm, const struct vma *v, vaddr_t va)
{
    REQUIRES(&mm->lock);
    if (unlikely(vma_huge(v)))
        return huge_offset(mm, v, va);
    return away_offset(pt_leaf(mm, va), v, va);
}

/* Gives `leaf` an (empty) array if it has none. 0 or -ENOMEM. M exclusive. */
int must_check away_reserve(struct page *leaf);

/* Frees the array when it holds no number. M exclusive, or T with nobody reserving. */
void away_trim(struct page *leaf);

/* Sets entry i to show file page `pgoff` away, or home (value 0). T held; array reserved. */
static inline void away_set(struct page *leaf, unsigned i, u32 value)
{
    REQUIRES(&leaf->lock);
    leaf->naway += (u16)((value != 0) - (leaf->away[i] != 0));
    leaf->away[i] = value;
}

/* Forgets the numbers of [start, end): the addresses are unmapped. M exclusive. */
void away_clear(struct mm *mm, vaddr_t start, vaddr_t end);

/* The same for all of v, whatever its kind. */
static inline void away_forget(const struct vma *v)
{
    if (vma_kind(v) == VMA_SHARED && unlikely(vma_huge(v)))
        huge_away_clear(v->mm, v->start, v->end);
    else if (vma_kind(v) == VMA_SHARED)
        away_clear(v->mm, v->start, v->end);
}

/* Copies the numbers of [start, end) of `from` to the same addresses shifted by `delta` bytes
 * in `to`, whose tables and arrays are made as needed. -ENOMEM: a part may be copied; the
 * caller clears the target range. M exclusive on both. */
int must_check away_copy(struct mm *to, const struct mm *from, vaddr_t start, vaddr_t end,
                         u64 delta);

/* Pages of v that are away (smaps "Nonlinear"). M held. */
u64 mm_count_away(const struct mm *mm, const struct vma *v);

/* Bytes of all arrays, for /proc and checks. */
u64 away_bytes(void);
