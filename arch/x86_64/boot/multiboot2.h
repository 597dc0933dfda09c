/* SPDX-License-Identifier: MIT
 *
 * The multiboot2 boot protocol.
 */
#pragma once

#include "lib/types.h"

struct boot_map;
struct bootinfo;

/* As pvh_read, of a multiboot2 block. */
void multiboot2_read(paddr_t info, struct bootinfo *bi, struct boot_map *map);
