/* SPDX-License-Identifier: MIT
 *
 * Inside the x86 code: device registers that are needed before kernel ranges exist.
 */
#pragma once

#include "lib/types.h"

/* Text of a VGA, one page. Seen through the direct map from the first instruction of C on. */
#define VGA_TEXT 0xb8000ul

/* Maps the page of registers at `pa` uncached for ever and returns the address of pa.
 * At most 16 calls; after arch_mmu_init. */
volatile void *fixmap_device(paddr_t pa);
