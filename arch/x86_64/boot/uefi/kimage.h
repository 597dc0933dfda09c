/* SPDX-License-Identifier: MIT
 *
 * The kernel's ELF file as the loader sees it: checks every field of the headers against the
 * file's size, finds the 64-bit entry in the notes (arch/x86_64/boot/handover.h), and copies
 * the segments. Pure functions over bytes: compile on the host for their tests.
 */
#pragma once

#include "lib/types.h"

#define KIMAGE_ALIGN 0x200000ull   /* of the place the image is loaded at */
#define KIMAGE_MAX   0x10000000ull /* bytes in memory: 256 MiB */

struct kimage {
    const u8 *file;
    u64 phoff; /* of the program headers, 8-byte aligned in the file */
    u32 phnum;
    u64 low, size; /* physical addresses as linked: [low, low + size), whole pages */
    u64 entry;     /* as linked, inside an executable segment */
};

/* Checks `n` bytes at `file` (8-byte aligned). NULL, and *img filled, when the image can be
 * loaded; else what is wrong with the file, as text that follows its name. */
const char *kimage_check(const void *file, size_t n, struct kimage *img);

/* Writes all img->size bytes at `dst`: segments, and zeros between and behind them. */
void kimage_place(const struct kimage *img, u8 *dst);
