/* SPDX-License-Identifier: MIT
 *
 * The buddy lists: power-of-two blocks, split on demand, merged with their buddy when freed. What
 * lies above is mm/phys/page_stack.h and mm/phys/buddy.c.
 */
#pragma once

#include "mm/phys/buddy.h"

/* In the order in which a CPU that takes pages meets it: few lines travel to it. */
struct buddy_lists {
    spinlock_t lock;
    u64 nfree; /* in the lists and in `lazy`; per-CPU stacks excluded */
    u64 nlazy;
    /* Single pages not merged yet (mm/phys/page_stack.c), chained by link.next: as they came; then
     * by groups of 64 neighbours, one page of each group that has some, and for each group of the
     * machine the set of those in it. */
    struct page *lazy, *lazy_groups;
    u64 *lazy_sets; /* [c] */
    struct list free[BUDDY_ORDERS];
    u64 blocks[BUDDY_ORDERS];
} __attribute__((aligned(64)));

extern struct buddy_lists buddy;

/* Read at each allocation, written rarely. */
struct page_levels {
    u64 total;
    u64 reserve; /* programs leave so many to root and the kernel */
    bool low;    /* a single page more, and less than the reserve is left */
} __attribute__((aligned(64)));

extern struct page_levels page_levels;

/* Instead of spin_unlock() after a change of nfree: says whether memory is low. */
void buddy_unlock(void);

/* Frees a block, merged; its first frame has none of the types in use. buddy.lock held. */
void block_free(pfn_t pfn, unsigned order);

/* Takes a block of `order`, splitting a larger one. NULL: there is none. buddy.lock held. */
struct page *block_take(unsigned order);

/* A range of RAM, by frame numbers; false: empty, or one too many. buddy.lock held. */
bool region_remember(pfn_t start, pfn_t end);
void regions_forget(void);

/* Whether a frame is RAM, and the first number above all RAM. */
bool page_exists(pfn_t pfn);
pfn_t page_limit(void);
