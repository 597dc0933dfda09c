/* SPDX-License-Identifier: MIT
 *
 * A terminal: bytes in, a grid of characters with colours out. What it understands is what
 * terminfo calls "linux" (console_codes(4)) plus the common part of xterm: ECMA-48 with
 * DEC's private modes. Pure computation on memory the caller gave: no locks, no hardware, no
 * allocation; whatever comes, nothing outside the grid is touched.
 *
 *   screen line y  ->  line[y]  ->  cells[line[y] * cols .. + cols)
 *
 * Scrolling turns the numbers in line[] round; cells stay where they are.
 */
#pragma once

#include "lib/types.h"
#include "lib/utf8.h"

#define VT_ROWS_MAX   135u
#define VT_COLS_MAX   256u
#define VT_PARAMS_MAX 16u
#define VT_ANSWER_MAX 64u

#define VT_COLOUR_DEFAULT 0x07 /* light grey on black */

enum {
    VT_BOLD = 0x01,
    VT_UNDERLINE = 0x02,
    VT_REVERSE = 0x04,
    VT_TAIL = 0x08,   /* right half of a wide character */
    VT_CURSOR = 0x10, /* never in the grid: for those who draw */
};

struct vt_cell {
    u16 ch;    /* Unicode; U+FFFD for what lies above U+FFFF */
    u8 colour; /* background << 4 | foreground, numbers of vt_palette */
    u8 attr;
} __attribute__((aligned(4)));

/* Changed cells [from, to) of a line; from >= to: none. */
struct vt_span {
    u16 from, to;
};

struct vt_screen {
    struct vt_cell *cells; /* NULL: there is no such screen */
    u16 line[VT_ROWS_MAX];
};

struct vt_cursor {
    u16 col, row;
    bool wrap;          /* behind the last column: the next character begins a line */
    bool origin;        /* rows count from the top of the scroll region */
    u8 shift;           /* which of the two character sets is in use */
    bool drawing[2];    /* character set is line drawing */
    struct vt_cell pen; /* a blank in the present colours */
};

struct vt {
    u16 cols, rows;
    u16 top, bottom; /* scroll region [top, bottom) */
    struct vt_screen *screen;
    struct vt_screen screens[2];       /* the usual one, the alternate one */
    struct vt_cursor now, saved, left; /* left: when the alternate screen was entered */
    bool autowrap, insert, newline, visible;
    u8 tabs[VT_COLS_MAX / 8];

    u8 state;  /* of the escape parser */
    u8 marker; /* ? > = < behind CSI, or what spoils the sequence */
    u8 nparams;
    u16 params[VT_PARAMS_MAX];
    u32 skip; /* bytes of a palette sequence to come */
    struct utf8 utf8;
    u16 last; /* character to repeat */

    struct vt_span dirty[VT_ROWS_MAX];
    bool scrolled; /* lines moved since the last vt_clean */
    u8 answer[VT_ANSWER_MAX];
    u8 answer_len;
};

/* Colours as 0xRRGGBB: black red green yellow blue magenta cyan white, then the bright ones. */
extern const u32 vt_palette[16];

void vt_put(struct vt *vt, u8 byte);

static inline struct vt_cell *vt_row(const struct vt *vt, u32 row)
{
    return vt->screen->cells + (size_t)vt->screen->line[row] * vt->cols;
}
