/* SPDX-License-Identifier: MIT
 *
 * The firmware's memory map (UEFI 2.10, 7.2.3 GetMemoryMap) as ranges of the hand-over.
 * Pure computation: compiles on the host for its tests.
 */
#pragma once

#include "arch/x86_64/boot/handover.h"
#include "lib/types.h"

/* The part of EFI_MEMORY_DESCRIPTOR that all versions have; real ones may be larger. */
struct efimap_descriptor {
    u32 type, pad;
    u64 start, virtual_start, pages, attribute;
};

/* Converts `nbytes` of descriptors, `step` bytes apart, to at most `max` ranges and returns
 * their number; neighbours of one type become one. `max` of nbytes / step always suffices;
 * with less, the last ranges are left out. A step below the size of a descriptor gives 0. */
u32 efimap_convert(const void *map, size_t nbytes, size_t step,
                   struct handover_range *out, u32 max);
