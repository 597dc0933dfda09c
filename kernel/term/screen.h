/* SPDX-License-Identifier: MIT
 *
 * The screen of the machine: a terminal of characters, and a sink of the console.
 */
#pragma once

#include "lib/types.h"

/* Finds the screen, shows the log so far on it; after framebuffer_init and cmdline_init, takes
 * no memory. Whether there is one. Then memory for its second grid, once there is any. */
bool screen_init(void);
void screen_alternate(void);

/* Size in characters; false: there is none. */
bool screen_size(u32 *cols, u32 *rows);

/* Draws what was put off, hands on what the terminal answered; without a screen nothing. */
void screen_tick(void);

/* A program draws on the screen by itself: text is kept but not shown until it is off again.
 * The report of a panic shows all the same. No effect without a screen. */
void screen_set_graphics(bool on);

/* For the report of a panic: takes the screen away from its user, and clears it.
 * From now on only screen_put_seized() writes there, and no lock is taken. Size as
 * screen_size(). */
bool screen_seize(u32 *cols, u32 *rows);
void screen_put_seized(u8 byte);
