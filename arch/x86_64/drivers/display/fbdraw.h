/* SPDX-License-Identifier: MIT
 *
 * Characters into the pixels of a linear framebuffer. Pure: draws into memory it is given,
 * writes only, a whole row of a glyph at a time.
 */
#pragma once

#include "arch/bootinfo.h"
#include "kernel/term/vt.h"

/* What four dots of a glyph look like in the colours of a cell: two pixels a word, the left
 * one low. */
struct fbdraw_pen {
    u32 key; /* colours and attributes it was made for */
    u64 quad[16][2];
};

struct fbdraw {
    volatile u8 *memory;
    u32 pitch, width, height; /* bytes, pixels, pixels */
    u32 bytes;                /* of a pixel: 3 or 4 */
    u32 scale;                /* 1 or 2: pixels of a font's dot, each way */
    u32 cols, rows;           /* characters that fit */
    u32 left, top;            /* pixels of margin: the grid stands in the middle */
    u32 colour[16];           /* vt_palette in this framebuffer's pixels */
    struct fbdraw_pen pen;    /* the last one used */
};

/* Prepares for the framebuffer `fb`, checked by the caller, seen at `memory`; at most max_cells
 * characters and VT_COLS_MAX x VT_ROWS_MAX. False: not even one character fits. */
bool fbdraw_init(struct fbdraw *d, const struct boot_framebuffer *fb, volatile u8 *memory,
                 u32 max_cells);

/* All pixels black. */
void fbdraw_clear(const struct fbdraw *d);

/* n cells at (col, row), which lie inside the grid. */
void fbdraw_cells(struct fbdraw *d, u32 col, u32 row, const struct vt_cell *cells, u32 n);
