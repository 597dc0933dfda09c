/* SPDX-License-Identifier: MIT
 *
 * Frames before the buddy allocator exists: taken from the usable ranges of the boot map,
 * never given back one by one. buddy_init takes over what is left.
 */
#pragma once

#include "arch/bootinfo.h"
#include "lib/types.h"

void boot_alloc_init(const struct bootinfo *bi);

/* Physical address of npages contiguous zeroed pages, aligned to align_pages (a power of two);
 * below 4 GiB, as far as the first tables reach, until boot_alloc_reach_all. 0: none. */
paddr_t must_check boot_alloc_try(size_t npages, size_t align_pages);
/* The same; panics with one line when there are none: nothing can run without. */
paddr_t boot_alloc_pages(size_t npages, size_t align_pages);
/* All usable memory is in the direct map from now on. */
void boot_alloc_reach_all(void);

/* The end of the highest range of RAM that is usable, or was in use at boot. */
paddr_t boot_alloc_top(void);

/* Calls visit for each usable range that was not given out. */
void boot_alloc_rest(void (*visit)(paddr_t start, paddr_t end));
