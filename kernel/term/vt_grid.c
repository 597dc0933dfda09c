/* SPDX-License-Identifier: MIT
 *
 * The grid of a terminal: characters, scrolling, erasing, tabs. Every function leaves the
 * cursor inside and a wide character whole or gone.
 */
#include "kernel/term/vt_grid.h"

#include "lib/string.h"

static void touch(struct vt *vt, u32 row, u32 from, u32 to)
{
    struct vt_span *d = &vt->dirty[row];

    if (d->from >= d->to) {
        *d = (struct vt_span){(u16)from, (u16)to};
        return;
    }
    d->from = MIN(d->from, (u16)from);
    d->to = MAX(d->to, (u16)to);
}

static struct vt_cell blank(const struct vt *vt)
{
    u8 back = vt->now.pen.colour & 0xf0;

    return (struct vt_cell){.ch = ' ', .colour = back | (VT_COLOUR_DEFAULT & 0x0f)};
}

/* An edit begins or ends at col: a wide character across that edge becomes blanks. */
static void split_wide(struct vt *vt, u32 row, u32 col)
{
    struct vt_cell *cells = vt_row(vt, row);

    if (col == 0 || col >= vt->cols || !(cells[col].attr & VT_TAIL))
        return;
    for (u32 i = col - 1; i <= col; i++) {
        cells[i].ch = ' ';
        cells[i].attr &= (u8)~VT_TAIL;
    }
    touch(vt, row, col - 1, col + 1);
}

static void clear(struct vt *vt, u32 row, u32 from, u32 to)
{
    struct vt_cell *cells = vt_row(vt, row), empty = blank(vt);

    for (u32 i = from; i < to; i++)
        cells[i] = empty;
    touch(vt, row, from, to);
}

void grid_erase(struct vt *vt, u32 row, u32 from, u32 to)
{
    to = MIN(to, (u32)vt->cols);
    if (from >= to)
        return;
    split_wide(vt, row, from);
    split_wide(vt, row, to);
    clear(vt, row, from, to);
}

void grid_erase_rows(struct vt *vt, u32 from, u32 to)
{
    for (u32 row = from; row < MIN(to, (u32)vt->rows); row++)
        grid_erase(vt, row, 0, vt->cols);
}

static void fill(const struct vt *vt, struct vt_cell *cells, u16 ch)
{
    for (u32 i = 0; i < (u32)vt->cols * vt->rows; i++)
        cells[i] = (struct vt_cell){.ch = ch, .colour = VT_COLOUR_DEFAULT};
}

void grid_fill(struct vt *vt, u16 ch)
{
    fill(vt, vt->screen->cells, ch);
    vt_touch_all(vt);
}

/* ---- scrolling ---- */

/* Turns lines [top, bottom) round so that line top + n comes first. */
static void rotate(struct vt *vt, u32 top, u32 bottom, u32 n)
{
    u16 *line = vt->screen->line, moved[VT_ROWS_MAX];
    u32 rest = bottom - top - n;

    memcpy(moved, line + top, n * sizeof(*line));
    memmove(line + top, line + top + n, rest * sizeof(*line));
    memcpy(line + top + rest, moved, n * sizeof(*line));
    for (u32 row = top; row < bottom; row++)
        vt->dirty[row] = (struct vt_span){0, vt->cols};
    vt->scrolled = true;
}

void grid_scroll_up(struct vt *vt, u32 top, u32 n)
{
    u32 bottom = vt->bottom;

    if (top >= bottom || n == 0)
        return;
    n = MIN(n, bottom - top);
    rotate(vt, top, bottom, n);
    grid_erase_rows(vt, bottom - n, bottom);
}

void grid_scroll_down(struct vt *vt, u32 top, u32 n)
{
    u32 bottom = vt->bottom;

    if (top >= bottom || n == 0)
        return;
    n = MIN(n, bottom - top);
    rotate(vt, top, bottom, bottom - top - n);
    grid_erase_rows(vt, top, top + n);
}

/* ---- the cursor ---- */

void grid_column(struct vt *vt, u32 col)
{
    vt->now.col = (u16)MIN(col, vt->cols - 1u);
    vt->now.wrap = false;
}

void grid_move(struct vt *vt, u32 col, u32 row)
{
    u32 first = vt->now.origin ? vt->top : 0;
    u32 last = vt->now.origin ? vt->bottom - 1u : vt->rows - 1u;

    vt->now.row = (u16)MIN(first + row, last);
    grid_column(vt, col);
}

void grid_up(struct vt *vt, u32 n)
{
    u32 stop = vt->now.row >= vt->top ? vt->top : 0;

    vt->now.row = (u16)(vt->now.row - MIN(n, vt->now.row - stop));
    vt->now.wrap = false;
}

void grid_down(struct vt *vt, u32 n)
{
    u32 stop = (vt->now.row < vt->bottom ? vt->bottom : vt->rows) - 1u;

    vt->now.row = (u16)(vt->now.row + MIN(n, stop - vt->now.row));
    vt->now.wrap = false;
}

void grid_line_feed(struct vt *vt)
{
    if (vt->now.row + 1u == vt->bottom)
        grid_scroll_up(vt, vt->top, 1);
    else if (vt->now.row + 1u < vt->rows)
        vt->now.row++;
    vt->now.wrap = false;
}

void grid_reverse_feed(struct vt *vt)
{
    if (vt->now.row == vt->top)
        grid_scroll_down(vt, vt->top, 1);
    else if (vt->now.row > 0)
        vt->now.row--;
    vt->now.wrap = false;
}

void grid_set_region(struct vt *vt, u32 top, u32 bottom)
{
    bottom = MIN(bottom, (u32)vt->rows);
    if (top + 1 >= bottom)
        return;
    vt->top = (u16)top;
    vt->bottom = (u16)bottom;
    grid_move(vt, 0, 0);
}

/* ---- characters ---- */

static void wrap_line(struct vt *vt)
{
    vt->now.col = 0;
    grid_line_feed(vt);
}

static void put_cell(struct vt *vt, u16 ch, u32 width)
{
    u32 row = vt->now.row, col = vt->now.col;
    struct vt_cell *cell = vt_row(vt, row) + col;

    split_wide(vt, row, col);
    split_wide(vt, row, col + width);
    cell[0] = vt->now.pen;
    cell[0].ch = ch;
    if (width == 2) {
        cell[1] = vt->now.pen;
        cell[1].attr |= VT_TAIL;
    }
    touch(vt, row, col, col + width);
    if (col + width < vt->cols) {
        vt->now.col = (u16)(col + width);
    } else {
        vt->now.col = (u16)(vt->cols - 1u);
        vt->now.wrap = true;
    }
}

void grid_put(struct vt *vt, u32 code)
{
    u32 width = code < 0x80 ? 1 : utf8_columns(code);

    if (width == 0)
        return; /* a mark for the character before: that one is shown without */
    if (vt->cols < width)
        width = 1;
    if (vt->now.wrap && vt->autowrap)
        wrap_line(vt);
    vt->now.wrap = false;
    if (vt->now.col + width > vt->cols) {
        if (vt->autowrap)
            wrap_line(vt);
        else
            vt->now.col = (u16)(vt->cols - width);
    }
    if (vt->insert)
        grid_insert_cells(vt, width);
    vt->last = (u16)(code > 0xffff ? UTF8_REPLACEMENT : code);
    put_cell(vt, vt->last, width);
}

void grid_insert_cells(struct vt *vt, u32 n)
{
    u32 row = vt->now.row, col = vt->now.col;
    struct vt_cell *cells = vt_row(vt, row);

    n = MIN(n, (u32)vt->cols - col);
    split_wide(vt, row, col);
    split_wide(vt, row, vt->cols - n);
    memmove(cells + col + n, cells + col, (vt->cols - col - n) * sizeof(*cells));
    clear(vt, row, col, col + n);
    touch(vt, row, col, vt->cols);
}

void grid_delete_cells(struct vt *vt, u32 n)
{
    u32 row = vt->now.row, col = vt->now.col;
    struct vt_cell *cells = vt_row(vt, row);

    n = MIN(n, (u32)vt->cols - col);
    split_wide(vt, row, col);
    split_wide(vt, row, col + n);
    memmove(cells + col, cells + col + n, (vt->cols - col - n) * sizeof(*cells));
    clear(vt, row, vt->cols - n, vt->cols);
    touch(vt, row, col, vt->cols);
}

/* ---- tabs ---- */

static bool is_tab(const struct vt *vt, u32 col)
{
    return vt->tabs[col / 8] >> col % 8 & 1;
}

void grid_tab(struct vt *vt, u32 n)
{
    u32 col = vt->now.col;

    for (; n && col + 1 < vt->cols; n--)
        do
            col++;
        while (col + 1 < vt->cols && !is_tab(vt, col));
    grid_column(vt, col);
}

void grid_back_tab(struct vt *vt, u32 n)
{
    u32 col = vt->now.col;

    for (; n && col; n--)
        do
            col--;
        while (col && !is_tab(vt, col));
    grid_column(vt, col);
}

void grid_set_tab(struct vt *vt, bool on)
{
    u32 col = vt->now.col;

    vt->tabs[col / 8] = (u8)((vt->tabs[col / 8] & ~(1u << col % 8)) | (u32)on << col % 8);
}

void grid_default_tabs(struct vt *vt, bool on)
{
    memset(vt->tabs, on ? 1 : 0, sizeof(vt->tabs)); /* each eighth column */
}

/* ---- screens ---- */

void grid_use_screen(struct vt *vt, u32 which)
{
    if (!vt->screens[which].cells || vt->screen == &vt->screens[which])
        return;
    vt->screen = &vt->screens[which];
    vt_touch_all(vt);
}

void vt_touch_all(struct vt *vt)
{
    for (u32 row = 0; row < vt->rows; row++)
        vt->dirty[row] = (struct vt_span){0, vt->cols};
}

void vt_clean(struct vt *vt)
{
    memset(vt->dirty, 0, sizeof(vt->dirty));
    vt->scrolled = false;
}

void vt_reset(struct vt *vt)
{
    struct vt_cell *cells = vt->screens[0].cells, *other = vt->screens[1].cells;

    vt_init(vt, vt->cols, vt->rows, cells, other);
}

void vt_init(struct vt *vt, u32 cols, u32 rows, struct vt_cell *cells,
             struct vt_cell *other)
{
    memset(vt, 0, sizeof(*vt));
    vt->cols = (u16)MIN(cols, VT_COLS_MAX);
    vt->rows = (u16)MIN(rows, VT_ROWS_MAX);
    vt->screens[0].cells = cells;
    vt->screens[1].cells = other;
    for (u32 i = 0; i < 2; i++)
        for (u32 row = 0; row < vt->rows; row++)
            vt->screens[i].line[row] = (u16)row;
    vt->now.pen = (struct vt_cell){.ch = ' ', .colour = VT_COLOUR_DEFAULT};
    vt->saved = vt->left = vt->now;
    vt->bottom = vt->rows;
    vt->autowrap = vt->visible = true;
    vt->last = ' ';
    grid_default_tabs(vt, true);
    vt->screen = &vt->screens[0];
    grid_fill(vt, ' ');
    if (other)
        fill(vt, other, ' ');
}

void vt_set_alternate(struct vt *vt, struct vt_cell *cells)
{
    fill(vt, cells, ' ');
    vt->screens[1].cells = cells;
}
