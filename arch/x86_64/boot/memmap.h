/* SPDX-License-Identifier: MIT
 *
 * Normalises a firmware memory map, however hostile: unsorted, overlapping, empty and
 * wrapping entries, unknown types, more entries than fit. Pure computation without
 * allocation; compiles on the host for its tests.
 */
#pragma once

#include "arch/bootinfo.h"

#define MEMMAP_RAW_MAX 1200

struct boot_map {
    u32 n;
    bool full; /* an entry was lost: then the map must not be used */
    struct boot_range raw[MEMMAP_RAW_MAX];
};

/* Starts an empty map. */
void memmap_init(struct boot_map *m);

/* Adds one entry with its E820 type; types we do not know count as reserved. */
void memmap_add_e820(struct boot_map *m, paddr_t base, u64 len, u32 e820_type);

/* Adds one entry of ours. Of two entries that overlap the stronger type wins: loader,
 * bad, NVS, reserved, ACPI, usable in this order. */
void memmap_add(struct boot_map *m, paddr_t base, u64 len, enum boot_mem type);

/* True when the map says that all of [base, base + len) is usable memory. */
bool memmap_is_ram(const struct boot_map *m, paddr_t base, u64 len);

/* The highest page below 1 MiB that the map calls usable and nothing else, 0: none. Never the
 * first page, which belongs to the BIOS. */
paddr_t memmap_low_page(const struct boot_map *m);

/* Writes the normalised map to bi->ranges. Nothing at or above `limit` and nothing of the
 * first MiB becomes usable. When more ranges result than fit, reserved ones are left out
 * (what is not listed is not used) and then the smallest usable ones. Returns the
 * number of usable bytes. */
u64 memmap_normalise(struct boot_map *m, paddr_t limit, struct bootinfo *bi);
