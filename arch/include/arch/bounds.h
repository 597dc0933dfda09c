/* SPDX-License-Identifier: MIT
 *
 * Sizes and places that the memory system takes from the machine. A port to another kernel
 * brings its own (docs/porting.md); the values here are Tessera's. Numbers only: assembly and
 * lib/types.h read this.
 */
#pragma once

/* User addresses are [0, USER_END). The last page of the canonical lower half is never
 * mappable: a SYSCALL instruction at its end would return to a non-canonical address. */
#define USER_END 0x00007ffffffff000ul

/* Level 0: leaf tables of 4 KiB pages; the highest: the root. */
#define PT_LEVELS 4

/* All physical memory, one after the other. */
#define DIRECT_BASE 0xffff800000000000ul

/* Descriptors of the frames, struct page, by frame number; present where there is RAM. */
#define MEMMAP_BASE 0xffffd00000000000ul

/* Kernel ranges: guarded stacks, MMIO. */
#define KSPACE_BASE 0xffffe00000000000ul
#define KSPACE_END  0xfffff00000000000ul

/* Memory above is not used: a backlink (mm/vm/backlink.h) has 40 bits for an address divided by
 * 8, and frames have 31-bit numbers. */
#define PHYS_LIMIT (8ul << 40)
