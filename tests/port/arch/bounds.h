/* SPDX-License-Identifier: MIT
 *
 * The example kernel's sizes and places, where they differ from Tessera's on purpose: less
 * room for programs, the frames' descriptors elsewhere. boot.asm maps these.
 */
#pragma once

#define USER_END    0x00003ffffffff000ul
#define PT_LEVELS   4
#define DIRECT_BASE 0xffff800000000000ul
#define MEMMAP_BASE 0xffffa00000000000ul
#define KSPACE_BASE 0xffffe00000000000ul
#define KSPACE_END  0xfffff00000000000ul
#define PHYS_LIMIT  (8ul << 40)
