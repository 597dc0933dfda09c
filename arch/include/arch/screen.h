/* SPDX-License-Identifier: MIT
 *
 * What shows the cells of kernel/term/screen.c: a framebuffer, or a VGA in text mode.
 */
#pragma once

#include "lib/types.h"

/* No screen has more cells: 240 x 75 (1920 x 1200), 256 x 80. */
#define ARCH_SCREEN_CELLS 20480u

struct vt_cell; /* kernel/term/vt.h */

struct screen_driver {
    void (*draw)(u32 col, u32 row, const struct vt_cell *cells, u32 n);
    /* Blanks all of it, also what no cell covers. NULL: cells cover all. */
    void (*clear)(void);
    /* NULL: the cursor comes as a cell with VT_CURSOR. */
    void (*cursor)(u32 col, u32 row, bool visible);
};

/* The driver, with the size of its grid, all of it blank; NULL: no screen. Takes no memory. */
const struct screen_driver *arch_screen(u32 *cols, u32 *rows);
