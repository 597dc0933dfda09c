/* SPDX-License-Identifier: MIT
 *
 * Kernel virtual ranges outside the direct map: stacks with guard pages, device registers.
 */
#pragma once

#include "lib/types.h"

void kspace_init(void);

/* npages of zeroed memory, mapped RW NX between two unmapped guard pages. NULL: no memory. */
void *kspace_alloc(size_t npages);
/* With several CPUs this one keeps a few ranges, until kspace_drain(). */
void kspace_free(void *va, size_t npages);
void kspace_drain(void);

/* Maps a physical range of a device, uncached. The address of `pa` itself, or NULL. */
void *kspace_map_device(paddr_t pa, size_t nbytes);

/* Whether `va` lies in a guard page of a live allocation (names a stack overflow). */
bool kspace_is_guard(vaddr_t va);
