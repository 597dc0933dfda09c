/* SPDX-License-Identifier: MIT
 *
 * Between the screen's text (screen.c) and what shows it: a framebuffer or the VGA in
 * text mode.
 */
#pragma once

#include "kernel/term/vt.h"

/* Two grids of this many cells lie in the image: 240 x 75 (1920 x 1200), 256 x 80. */
#define SCREEN_CELLS 20480u

struct screen_driver {
    void (*draw)(u32 col, u32 row, const struct vt_cell *cells, u32 n);
    /* Blanks all of it, also what no cell covers. NULL: cells cover all. */
    void (*clear)(void);
    /* NULL: the cursor comes as a cell with VT_CURSOR. */
    void (*cursor)(u32 col, u32 row, bool visible);
};

/* For console.c: whether there is a screen; a byte of text for it; the tick. */
extern bool screen_present;
void screen_put(u8 byte);
void screen_tick(void);
