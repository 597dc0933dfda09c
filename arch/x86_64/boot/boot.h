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
