/* SPDX-License-Identifier: MIT
 *
 * Inside the terminal: operations on the grid, for the parser (kernel/term/vt.c). Positions are
 * cells counted from 0; numbers larger than the grid mean its edge.
 */
#pragma once

#include "kernel/term/vt.h"

/* Writes a character at the cursor; wraps and scrolls as the modes say. */
void grid_put(struct vt *vt, u32 code);

/* Moves the cursor; rows count from the scroll region in origin mode. */
void grid_move(struct vt *vt, u32 col, u32 row);
/* Relative moves stop at the edge, and vertical ones at that of the scroll region. */
void grid_up(struct vt *vt, u32 n);
void grid_down(struct vt *vt, u32 n);
void grid_column(struct vt *vt, u32 col);

void grid_line_feed(struct vt *vt);
void grid_reverse_feed(struct vt *vt);
/* The scroll region moves by n lines, or the part of it from line `top` on. */
void grid_scroll_up(struct vt *vt, u32 top, u32 n);
void grid_scroll_down(struct vt *vt, u32 top, u32 n);

/* Blanks cells [from, to) of a line, or lines [from, to). */
void grid_erase(struct vt *vt, u32 row, u32 from, u32 to);
void grid_erase_rows(struct vt *vt, u32 from, u32 to);
void grid_fill(struct vt *vt, u16 ch);
/* In the cursor's line, from the cursor on. */
void grid_insert_cells(struct vt *vt, u32 n);
void grid_delete_cells(struct vt *vt, u32 n);

void grid_tab(struct vt *vt, u32 n);
void grid_back_tab(struct vt *vt, u32 n);
void grid_set_tab(struct vt *vt, bool on);
void grid_default_tabs(struct vt *vt, bool on);

void grid_set_region(struct vt *vt, u32 top, u32 bottom);
void grid_use_screen(struct vt *vt, u32 which);

/* A clear terminal of cols x rows (each at least 1, at most the limits above). cells, and
 * other for the alternate screen (may be NULL), hold cols * rows and stay the caller's. */
void vt_init(struct vt *vt, u32 cols, u32 rows, struct vt_cell *cells,
             struct vt_cell *other);

/* Gives a terminal without an alternate screen one. */
void vt_set_alternate(struct vt *vt, struct vt_cell *cells);

/* Back to the state after vt_init. */
void vt_reset(struct vt *vt);

/* Everything shown: forgets the dirty spans. */
void vt_clean(struct vt *vt);
void vt_touch_all(struct vt *vt);
