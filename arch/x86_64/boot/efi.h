/* SPDX-License-Identifier: MIT
 *
 * The boot protocol of our own UEFI loader.
 */
#pragma once

#include "lib/types.h"

struct boot_map;
struct bootinfo;

/* As pvh_read, of our loader's block. */
void efi_read(paddr_t info, struct bootinfo *bi, struct boot_map *map);
