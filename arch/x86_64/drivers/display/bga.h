/* SPDX-License-Identifier: MIT
 *
 * The display adapter of Bochs and QEMU.
 */
#pragma once

#include "lib/types.h"

struct bootinfo;

/* Where bi has no framebuffer yet: switches the adapter to 1024x768 or the mode of the switch
 * video=WxH, 32 bits a pixel, and fills bi->fb. Does nothing without an adapter with addresses
 * assigned by firmware, or with fb=off. Before the final page tables, after cmdline_init. */
void bga_init(struct bootinfo *bi);
