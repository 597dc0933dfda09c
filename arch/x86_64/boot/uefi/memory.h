/* SPDX-License-Identifier: MIT
 *
 * Memory of the firmware, and the memory map that ends its services.
 */
#pragma once

#include "arch/x86_64/boot/uefi/loader.h"

struct handover;
struct handover_range;

/* memory.c: zeroed pages below 4 GiB, aligned to `align` (a power of two of pages or more). 0:
 * there are none, which has been said, with `what` they were for. */
u64 pages_get(const char *what, EFI_MEMORY_TYPE type, u64 nbytes, u64 align);
void pages_free(u64 address);
/* Gives back everything that pages_get took. */
void pages_free_all(void);

/* Reserves what memory_leave needs. */
EFI_STATUS memory_prepare(void);

/* Ends the boot services and writes the map, with `keep` (nkeep ranges) behind it. After
 * EFI_SUCCESS nothing of the firmware may be called any more. */
EFI_STATUS memory_leave(struct handover *h, const struct handover_range *keep, u32 nkeep);
