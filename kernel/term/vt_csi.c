/* SPDX-License-Identifier: MIT
 *
 * Control sequences of a terminal, complete: what their final byte and parameters mean, and
 * the answers to those that ask.
 */
#include "kernel/term/vt_csi.h"
#include "kernel/term/vt_grid.h"
#include "kernel/term/vt_sgr.h"
#include "lib/fmt.h"
#include "lib/string.h"

/* ---- answers ---- */

void vt_answer(struct vt *vt, const char *text)
{
    size_t n = strlen(text);

    if (n > sizeof(vt->answer) - vt->answer_len)
        return; /* nobody reads: the oldest are worth more */
    memcpy(vt->answer + vt->answer_len, text, n);
    vt->answer_len = (u8)(vt->answer_len + n);
}

size_t vt_take_answer(struct vt *vt, u8 out[VT_ANSWER_MAX])
{
    size_t n = vt->answer_len;

    memcpy(out, vt->answer, n);
    vt->answer_len = 0;
    return n;
}

static void report_status(struct vt *vt, u32 what)
{
    char text[24];
    u32 first = vt->now.origin ? vt->top : 0,
        row = vt->now.row - MIN(first, (u32)vt->now.row);

    if (what == 5)
        vt_answer(vt, "\033[0n");
    if (what != 6)
        return;
    fmt_snprintf(text, sizeof(text), "\033[%u;%uR", row + 1, vt->now.col + 1u);
    vt_answer(vt, text);
}

/* ---- the cursor kept aside ---- */

static void switch_screen(struct vt *vt, u32 mode, bool on)
{
    if (mode == 1049 && on)
        vt->left = vt->now;
    grid_use_screen(vt, on ? 1 : 0);
    if (on && mode != 47)
        grid_erase_rows(vt, 0, vt->rows);
    if (mode == 1049 && !on)
        vt->now = vt->left;
}

/* ---- control sequences ---- */

/* Parameter i; `preset` when it is absent or 0. */
static u32 param(const struct vt *vt, u32 i, u32 preset)
{
    return i < vt->nparams && vt->params[i] ? vt->params[i] : preset;
}

static void set_mode(struct vt *vt, u32 mode, bool on)
{
    if (mode == 4)
        vt->insert = on;
    else if (mode == 20)
        vt->newline = on;
}

static void set_private_mode(struct vt *vt, u32 mode, bool on)
{
    switch (mode) {
    case 6:
        vt->now.origin = on;
        grid_move(vt, 0, 0);
        break;
    case 7:
        vt->autowrap = on;
        break;
    case 25:
        vt->visible = on;
        break;
    case 47:
    case 1047:
    case 1049:
        switch_screen(vt, mode, on);
        break;
    case 1048:
        if (on)
            vt->saved = vt->now;
        else
            vt->now = vt->saved;
        break;
    }
}

static void set_modes(struct vt *vt, bool on)
{
    for (u32 i = 0; i < vt->nparams; i++) {
        if (vt->marker == '?')
            set_private_mode(vt, vt->params[i], on);
        else
            set_mode(vt, vt->params[i], on);
    }
}

static void erase_screen(struct vt *vt, u32 what)
{
    u32 row = vt->now.row;

    if (what == 0) {
        grid_erase(vt, row, vt->now.col, vt->cols);
        grid_erase_rows(vt, row + 1, vt->rows);
    } else if (what == 1) {
        grid_erase_rows(vt, 0, row);
        grid_erase(vt, row, 0, vt->now.col + 1u);
    } else if (what == 2 || what == 3) {
        grid_erase_rows(vt, 0, vt->rows);
    }
}

static void erase_line(struct vt *vt, u32 what)
{
    u32 from = what == 0 ? vt->now.col : 0;
    u32 to = what == 1 ? vt->now.col + 1u : vt->cols;

    if (what <= 2)
        grid_erase(vt, vt->now.row, from, to);
}

/* Inserts or deletes lines at the cursor, inside the scroll region. */
static void edit_lines(struct vt *vt, bool insert)
{
    u32 row = vt->now.row, n = param(vt, 0, 1);

    if (row < vt->top || row >= vt->bottom)
        return;
    if (insert)
        grid_scroll_down(vt, row, n);
    else
        grid_scroll_up(vt, row, n);
    grid_column(vt, 0);
}

static void repeat(struct vt *vt)
{
    u32 n = MIN(param(vt, 0, 1), (u32)vt->cols * vt->rows);
    u16 ch = vt->last;

    while (n--)
        grid_put(vt, ch);
}

/* Sequences that move the cursor; false: it was none. */
static bool move_sequence(struct vt *vt, u8 final)
{
    u32 n = param(vt, 0, 1);

    switch (final) {
    case 'A':
        grid_up(vt, n);
        return true;
    case 'B':
    case 'e':
        grid_down(vt, n);
        return true;
    case 'C':
    case 'a':
        grid_column(vt, vt->now.col + n);
        return true;
    case 'D':
        grid_column(vt, vt->now.col - MIN(n, (u32)vt->now.col));
        return true;
    case 'E':
    case 'F':
        if (final == 'E')
            grid_down(vt, n);
        else
            grid_up(vt, n);
        grid_column(vt, 0);
        return true;
    case 'G':
    case '`':
        grid_column(vt, n - 1);
        return true;
    case 'd':
        grid_move(vt, vt->now.col, n - 1);
        return true;
    case 'H':
    case 'f':
        grid_move(vt, param(vt, 1, 1) - 1, n - 1);
        return true;
    case 'I':
        grid_tab(vt, n);
        return true;
    case 'Z':
        grid_back_tab(vt, n);
        return true;
    default:
        return false;
    }
}

/* Sequences that change cells; false: it was none. */
static bool edit_sequence(struct vt *vt, u8 final)
{
    u32 n = param(vt, 0, 1);

    switch (final) {
    case 'J':
        erase_screen(vt, param(vt, 0, 0));
        return true;
    case 'K':
        erase_line(vt, param(vt, 0, 0));
        return true;
    case 'L':
    case 'M':
        edit_lines(vt, final == 'L');
        return true;
    case '@':
        grid_insert_cells(vt, n);
        return true;
    case 'P':
        grid_delete_cells(vt, n);
        return true;
    case 'X':
        grid_erase(vt, vt->now.row, vt->now.col, vt->now.col + n);
        return true;
    case 'S':
        grid_scroll_up(vt, vt->top, n);
        return true;
    case 'T':
        grid_scroll_down(vt, vt->top, n);
        return true;
    case 'b':
        repeat(vt);
        return true;
    default:
        return false;
    }
}

static void other_sequence(struct vt *vt, u8 final)
{
    switch (final) {
    case 'c':
        if (param(vt, 0, 0) == 0)
            vt_answer(vt, "\033[?6c");
        break;
    case 'g':
        if (param(vt, 0, 0) == 0)
            grid_set_tab(vt, false);
        else if (param(vt, 0, 0) == 3)
            grid_default_tabs(vt, false);
        break;
    case 'h':
    case 'l':
        set_modes(vt, final == 'h');
        break;
    case 'm':
        vt_select_rendition(vt);
        break;
    case 'n':
        report_status(vt, param(vt, 0, 0));
        break;
    case 'r':
        grid_set_region(vt, param(vt, 0, 1) - 1, param(vt, 1, vt->rows));
        break;
    case 's':
        vt->saved = vt->now;
        break;
    case 'u':
        vt->now = vt->saved;
        break;
    }
}

void vt_control_sequence(struct vt *vt, u8 final)
{
    if (vt->marker == 0 && !move_sequence(vt, final) && !edit_sequence(vt, final))
        other_sequence(vt, final);
    else if (vt->marker == '?' && (final == 'h' || final == 'l'))
        set_modes(vt, final == 'h');
}
