/* SPDX-License-Identifier: MIT
 *
 * Instructions that may fault, and where to go on; the places that open user memory.
 */
#pragma once

#include "lib/types.h"

/* Fix-up address for a fault at `ip`, 0: none. */
uintptr_t extable_find(uintptr_t ip);

/* Turns the reserved sites into STAC and CLAC. Before text is made read-only. */
void smap_patch(void);
