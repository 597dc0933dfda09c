/* SPDX-License-Identifier: MIT
 *
 * The screen on a linear framebuffer.
 */
#pragma once

#include "lib/types.h"

struct screen_driver;

/* The driver, with the size of its grid, all of it blank; NULL: no such screen. */
const struct screen_driver *screen_framebuffer(u32 *cols, u32 *rows);
