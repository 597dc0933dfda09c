/* SPDX-License-Identifier: MIT
 *
 * The linear framebuffer that a loader or the display's driver set up: where it is and what
 * its pixels look like. Drawing is the business of those who call.
 */
#pragma once

#include "arch/bootinfo.h"

/* Geometry of the framebuffer in use, checked: 24 or 32 bits a pixel, lines within the pitch,
 * colours within the pixel. NULL: none, or switched off by fb=off. Constant after boot. */
const struct boot_framebuffer *framebuffer_info(void);

/* Its first byte. Mapped from the first line of C on; write-combining once the final page
 * tables stand. To be written, never read: reading is a hundred times slower. NULL: none. */
volatile u8 *framebuffer_memory(void);
