/* SPDX-License-Identifier: MIT
 *
 * Inside the boot code: the boot protocols fill a bootinfo and a raw memory map, entry.c checks
 * and normalises them. All physical addresses of the loader lie below 4 GiB, where the
 * early direct map reaches; BOOT_REACH is its end.
 */
#pragma once

#include "arch/bootinfo.h"
#include "arch/x86_64/boot/memmap.h"

#define BOOT_REACH (1ull << 32)

enum boot_protocol { PROTOCOL_PVH = 0, PROTOCOL_MULTIBOOT2 = 1, PROTOCOL_EFI = 2 };

/* Fill `bi` and `map` from the loader's block at `info`; panic with one line when the
 * block is not what the protocol promises. */
void pvh_read(paddr_t info, struct bootinfo *bi, struct boot_map *map);
void multiboot2_read(paddr_t info, struct bootinfo *bi, struct boot_map *map);
void efi_read(paddr_t info, struct bootinfo *bi, struct boot_map *map);

/* Takes usable memory that does not hold what is written to it out of the normalised map,
 * with a line for each piece. Destroys contents. Returns the number of usable bytes left. */
u64 probe_memory(struct bootinfo *bi);
