/* SPDX-License-Identifier: MIT
 *
 * Inside the x86 code: device registers that are needed before kernel ranges exist.
 */
#pragma once

#include "lib/types.h"

/* Everything the running CPU remembers of translations, the kernel's too. */
void tlb_flush_everything(void);

/* Text of a VGA, one page. Seen through the direct map from the first instruction of C on. */
#define VGA_TEXT 0xb8000ul

/* Maps the page of registers at `pa` uncached for ever and returns the address of pa.
 * At most 16 calls; after arch_mmu_init. */
volatile void *fixmap_device(paddr_t pa);

/* Maps [pa, pa + nbytes) as memory, for reading, until the next call: one window of 1 MiB for
 * tables of the firmware, wherever they lie. NULL: too long, or beyond what the CPU
 * addresses. After arch_mmu_init. */
const void *fixmap_window(paddr_t pa, size_t nbytes);
