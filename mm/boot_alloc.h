/* SPDX-License-Identifier: MIT
 *
 * Frames before the buddy allocator exists: taken from the usable ranges of the boot map,
 * never given back one by one. buddy_init takes over what is left.
 */
#pragma once

#include "arch/bootinfo.h"
#include "lib/types.h"

void boot_alloc_init(const struct bootinfo *bi);

/* Physical address of npages contiguous zeroed pages below 4 GiB, aligned to align_pages (a
 * power of two). Panics with one line when there are none: nothing can run without. */
paddr_t boot_alloc_pages(size_t npages, size_t align_pages);

/* Calls visit for each usable range that was not given out. */
void boot_alloc_rest(void (*visit)(paddr_t start, paddr_t end));
