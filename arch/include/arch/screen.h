/* SPDX-License-Identifier: MIT
 *
 * The screen of the machine: a terminal of characters.
 */
#pragma once

#include "lib/types.h"

/* Draws what was written. Text that scrolls faster than it can be drawn may be put off to a
 * later tick. To be called at the end of a line or of a write. */
void console_flush(void);

/* Finds the screen, shows the log so far on it; after framebuffer_init and cmdline_init, takes
 * no memory. Then memory for its second grid, once there is any. */
void console_screen_init(void);
void console_screen_alternate(void);

/* Size of the screen in characters; false: there is none. */
bool console_size(u32 *cols, u32 *rows);

/* A program draws on the screen by itself: text is kept but not shown until it is off again.
 * The report of a panic shows all the same. No effect without a screen. */
void console_set_graphics(bool on);

/* For the report of a panic: takes the screen away from its user, and clears it.
 * From now on only console_put_seized() writes there, and no lock is taken. Size as
 * console_size(). */
bool console_seize(u32 *cols, u32 *rows);
void console_put_seized(u8 byte);
