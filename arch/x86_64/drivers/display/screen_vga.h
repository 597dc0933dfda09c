/* SPDX-License-Identifier: MIT
 *
 * The screen on a VGA in text mode.
 */
#pragma once

#include "lib/types.h"

struct screen_driver;

/* As screen_framebuffer. */
const struct screen_driver *screen_vga_text(u32 *cols, u32 *rows);
