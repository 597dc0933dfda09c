/* SPDX-License-Identifier: MIT
 *
 * The life of an address space: made, copied, made current, taken apart.
 */
#pragma once

#include "lib/uapi/capability.h"
#include "mm/phys/account.h"
#include "mm/table/resident.h"

/* vm.mmap_min_addr, MMAP_MIN_ADDR at first, a page at least: below it maps only who has
 * CAP_SYS_RAWIO, and asks for that place. */
extern u64 mm_min_addr;

/* vm.max_map_count: VMAs an address space may have; remapping never makes any. */
#define MM_MAX_MAP_COUNT_DEFAULT 65530u
extern u32 mm_max_map_count;

static inline bool mm_too_low(vaddr_t va)
{
    return va < READ_ONCE(mm_min_addr) && !caller_may(CAP_SYS_RAWIO);
}

/* An empty address space with one reference, limits unlimited. NULL: no memory. */
struct mm *mm_create(void);
void mm_get(struct mm *mm);
/* The last reference unmaps and frees everything. */
void mm_put(struct mm *mm);
/* Keep the record itself, so that mm_tryget() can be asked whether there still is a reference, which
 * it then takes. */
void mm_hold(struct mm *mm);
void mm_unhold(struct mm *mm);
bool must_check mm_tryget(struct mm *mm);
/* Whether somebody is doing that just now, with pauses: memory is on its way back. */
bool mm_any_dying(void);

/* Makes mm (NULL: none) the running CPU's address space. */
void mm_activate(struct mm *mm);

/* What the kernel keeps for it: tables, records of areas, arrays of away entries; bytes. */
u64 mm_kernel_bytes(const struct mm *mm);

/* The next of all address spaces, NULL: the first, or there is none. For checks: nothing may
 * run that makes or ends one. */
struct mm *mm_after(const struct mm *mm);

/* Visits all address spaces, with the lock of their list held. */
void mm_for_each(void (*visit)(struct mm *mm, void *arg), void *arg);
