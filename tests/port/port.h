/* SPDX-License-Identifier: MIT
 *
 * What the files of the example kernel share.
 */
#pragma once

#include "tessera-mm.h"

extern pte_t root[]; /* boot.asm: the kernel's root table */

void frames_add(paddr_t start, paddr_t end); /* frames.c, with OWN_FRAMES */
void print(const char *fmt, ...) printf_like(1, 2);
noreturn void end(u8 status); /* leaves QEMU with 2 * status + 1 */
