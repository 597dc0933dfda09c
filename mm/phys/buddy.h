/* SPDX-License-Identifier: MIT
 *
 * Physical page allocator: power-of-two blocks, split on demand, merged with their buddy
 * when freed. Single pages go through a per-CPU list.
 */
#pragma once

#include "mm/phys/page.h"

#define BUDDY_ORDERS 19 /* largest block: 2^18 pages = 1 GiB */

#define PA_ZERO 1u /* clear the memory */
#define PA_USER \
    2u /* memory of programs or files: the first that may not be had any more */

/* Takes over what boot_alloc has left. */
void buddy_init(void);

/* Gives [start, end) of RAM that was in use at boot (the initramfs) to the allocator. Once per
 * range; whole pages inside it count. Its frames have descriptors. */
void buddy_add(paddr_t start, paddr_t end);

/* 2^order pages of type PAGE_KERNEL, refs 1 in the first; NULL when there are none. */
struct page *page_alloc(unsigned order, u32 flags);

/* A page of 4 KiB or, with HUGE_ORDER, a block of 2 MiB for programs and files, type KERNEL. A
 * block is had only from what is free above the kernel's reserve. flags: PA_ZERO or 0. */
static inline struct page *page_alloc_user(unsigned order, u32 flags)
{
    return order ? page_alloc_block(flags) : page_alloc(0, flags | PA_USER);
}

/* Gives back a block from page_alloc, whatever type it has been given since. */
void page_free(struct page *pg, unsigned order);

/* Frames free (per-CPU lists included), and all frames the allocator ever owned. */
u64 page_count_free(void);
u64 page_count_total(void);
/* Frames that only root and the kernel may use, each a part of them (mm/phys/account.h, ranks). */
u64 page_count_reserve(void);
/* /proc/sys/vm/min_free_kbytes. -EINVAL: too few for the kernel, or more than a quarter of all. */
int page_set_reserve(u64 npages);
/* Frames the running thread may have for programs and files. */
u64 page_count_room(void);
/* Blocks free of an order from 6 on; and of each order, counted now, with pauses. */
u64 page_count_order(unsigned order);
void page_count_orders(u64 n[BUDDY_ORDERS]);

/* Test hook: the n-th allocation from now fails once (0: none). Counts pages and slab
 * objects alike. Only in TESSERA_HOST and TESSERA_DEBUG builds. */
#if defined(TESSERA_HOST) || defined(TESSERA_DEBUG)
void alloc_fail_at(u64 n);
u64 alloc_fail_left(void); /* allocations still to go; 0: it fired or was off */
bool alloc_should_fail(void);
#else
static inline bool alloc_should_fail(void)
{
    return false;
}
#endif
