/* SPDX-License-Identifier: MIT
 *
 * The PVH boot protocol.
 */
#pragma once

#include "lib/types.h"

struct boot_map;
struct bootinfo;

/* Fill `bi` and `map` from the loader's block at `info`; panic with one line when the
 * block is not what the protocol promises. */
void pvh_read(paddr_t info, struct bootinfo *bi, struct boot_map *map);
