/* SPDX-License-Identifier: MIT
 *
 * What is free, always merged: power-of-two blocks of GROUP pages and more in buddy lists, split on
 * demand, merged with their buddy when freed; below that, for each group of GROUP neighbours the set
 * of those that are free. What lies above is mm/phys/page_stack.h and mm/phys/buddy.c.
 */
#pragma once

#include "lib/list.h"
#include "mm/phys/buddy.h"

#define GROUP_ORDER 6u
#define GROUP       PAGE_GROUP

STATIC_ASSERT(1u << GROUP_ORDER == GROUP);

/* GROUP frames, the first at a multiple of that. If all are free they are a block: free is 0. */
struct group {
    struct list
        link; /* of those with some free, in the list of the largest block in them */
    u64 free; /* a bit for each frame */
};

/* In the order in which a CPU that takes pages meets it: few lines travel to it. */
struct buddy_lists {
    spinlock_t lock;
    u64 nfree;                      /* in groups and blocks; per-CPU stacks excluded */
    struct group *groups;           /* [c], of all frames, by number / GROUP */
    struct list free[BUDDY_ORDERS]; /* groups; from GROUP_ORDER on blocks */
    u64 blocks[BUDDY_ORDERS];       /* in the lists of blocks */
} __attribute__((aligned(64)));

extern struct buddy_lists buddy;

/* Read at each allocation, written rarely. */
struct page_levels {
    u64 total;
    u64 reserve; /* atomic, written under buddy.lock: programs leave so many to root and the kernel */
    bool low; /* a single page more, and less than the reserve is left */
} __attribute__((aligned(64)));

extern struct page_levels page_levels;

/* Instead of spin_unlock() after a change of nfree: says whether memory is low. */
void buddy_unlock(void);

/* Frees a block; its first frame has none of the types in use. buddy.lock held. */
void block_free(pfn_t pfn, unsigned order);

/* Takes a block of `order`, splitting a larger one. NULL: there is none. buddy.lock held. */
struct page *block_take(unsigned order);

/* Frees pages of a group, by its number and a bit for each; nfree is the caller's to add to: of
 * many groups, once. Their frames have none of the types in use. buddy.lock held. */
void group_free(u64 group, u64 pages);

/* Takes all free pages of a group, of the most broken one: a bit for each from *first on, nfree is
 * the caller's. 0: none are free. buddy.lock held. */
u64 group_take(pfn_t *first);

/* Adds the largest blocks that a set of free pages makes, not a whole group. */
void group_count(u64 free, u64 n[GROUP_ORDER]);

/* A range of RAM, by frame numbers; false: empty, or one too many. buddy.lock held. */
bool region_remember(pfn_t start, pfn_t end);
void regions_forget(void);

/* Whether a frame is RAM, and the first number above all RAM. */
bool page_exists(pfn_t pfn);
pfn_t page_limit(void);
