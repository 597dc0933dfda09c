/* SPDX-License-Identifier: MIT
 *
 * Boot's side of the framebuffer: checked and mapped before anything can fail, so that the
 * first failure is seen. What others may know is in arch/framebuffer.h.
 */
#pragma once

#include "arch/framebuffer.h"
#include "lib/types.h"

/* Makes PAT entry 1 (PTE_PWT alone) mean write-combining; the others keep their meaning of
 * reset (Intel SDM 3, 11.12). CPUs without PAT: writes go through, uncombined. */
void pat_init(void);

/* Takes over bi->fb when it is one that can be drawn to, else clears it and says why.
 * `limit`: end of the physical addresses of this CPU. Maps it in the early tables. */
void framebuffer_init(struct bootinfo *bi, paddr_t limit);

/* First byte to map, number of bytes and where: whole pages. 0 bytes: no framebuffer. */
struct framebuffer_window {
    paddr_t pa;
    vaddr_t va;
    u64 nbytes;
};
struct framebuffer_window framebuffer_window(void);
