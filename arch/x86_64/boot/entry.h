/* SPDX-License-Identifier: MIT
 *
 * The first C code, and what every boot protocol's reader may ask of it.
 */
#pragma once

#include "lib/types.h"

struct bootinfo;

/* The bytes [pa, pa + len) of the loader, or panic naming `what` when out of reach. */
const void *boot_bytes(paddr_t pa, u64 len, const char *what);

/* Copies the loader's command line of at most `max` bytes. */
void boot_set_cmdline(struct bootinfo *bi, const char *text, u64 max);

/* Called by start.asm. */
noreturn void boot_main(paddr_t info, u32 protocol, u64 displacement);
