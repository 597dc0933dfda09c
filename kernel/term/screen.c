/* SPDX-License-Identifier: MIT
 *
 * The screen: a terminal (kernel/term/vt.h) and a copy of what is shown, both in ordinary memory;
 * only cells that differ are drawn, and video memory is never read. Text that scrolls faster
 * than it can be drawn is drawn less often: after each such picture the screen rests four
 * times as long as that took, so drawing never takes more than a fifth of the machine.
 */
#include "kernel/term/screen.h"
#include "arch/screen.h"
#include "arch/trap.h"
#include "kernel/printk.h"
#include "kernel/term/console.h"
#include "kernel/term/vt_csi.h"
#include "kernel/term/vt_grid.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "mm/phys/slab.h"

#define REST_FACTOR 4u

static bool present;
static spinlock_t lock; /* everything below; not taken any more once seized */
static bool seized;     /* by the report of a panic */
static const struct screen_driver *driver;
static struct vt vt;
static struct vt_cell text[ARCH_SCREEN_CELLS], shown[ARCH_SCREEN_CELLS];
static u32 cursor_col, cursor_row; /* where the cursor was last shown */
static bool graphics;              /* a program draws, not we */
static bool waiting;               /* something is to be drawn by the tick */
static bool ticking;               /* there are ticks */
static u64 rest_until;             /* in cycles */

static irqflags_t enter(void)
{
    irqflags_t flags = irq_save();

    if (!seized)
        spin_lock(&lock);
    return flags;
}

static void leave(irqflags_t flags)
{
    if (!seized)
        spin_unlock(&lock);
    irq_restore(flags);
}

/* ---- drawing ---- */

/* As words: a cell is four bytes without holes. */
static bool same(const struct vt_cell *a, const struct vt_cell *b)
{
    return *(const u32 *)a == *(const u32 *)b;
}

static void touch_cursor(u32 col, u32 row)
{
    struct vt_span *d = &vt.dirty[row];
    bool empty = d->from >= d->to;

    d->from = (u16)(empty ? col : MIN(d->from, col));
    d->to = (u16)(empty ? col + 1 : MAX(d->to, col + 1));
}

/* Draws those of cells [from, to) of a line that differ from what is shown. */
static void draw_span(u32 row, u32 from, u32 to)
{
    const struct vt_cell *now = vt_row(&vt, row);
    struct vt_cell *old = shown + (size_t)row * vt.cols;

    while (from < to) {
        u32 first;

        while (from < to && same(&now[from], &old[from]))
            from++;
        first = from;
        while (from < to && !same(&now[from], &old[from])) {
            old[from] = now[from];
            from++;
        }
        if (first < from)
            driver->draw(first, row, &now[first], from - first);
    }
}

/* The cursor's cell once more, marked; its shown copy differs from any text's, so that it is
 * drawn again when the cursor leaves. */
static void draw_cursor(void)
{
    struct vt_cell cell = vt_row(&vt, cursor_row)[cursor_col];

    cell.attr |= VT_CURSOR;
    shown[(size_t)cursor_row * vt.cols + cursor_col] = cell;
    driver->draw(cursor_col, cursor_row, &cell, 1);
}

static void draw(void)
{
    u64 from = cpu_cycles();

    if (!driver->cursor)
        touch_cursor(cursor_col, cursor_row);
    for (u32 row = 0; row < vt.rows; row++)
        draw_span(row, vt.dirty[row].from, vt.dirty[row].to);
    cursor_col = vt.now.col;
    cursor_row = vt.now.row;
    if (driver->cursor)
        driver->cursor(cursor_col, cursor_row, vt.visible);
    else if (vt.visible)
        draw_cursor();
    if (vt.scrolled)
        rest_until = cpu_cycles() + REST_FACTOR * (cpu_cycles() - from);
    vt_clean(&vt);
    waiting = false;
}

/* ---- as a sink of the console ---- */

static void put(u8 byte)
{
    irqflags_t flags = irq_save();

    /* The report of a panic writes by itself. */
    if (!seized) {
        spin_lock(&lock);
        vt_put(&vt, byte);
        waiting = true;
        spin_unlock(&lock);
    }
    irq_restore(flags);
}

static void flush(void)
{
    irqflags_t flags = enter();

    if (waiting && !(graphics && !seized) &&
        !(ticking && vt.scrolled && !seized && cpu_cycles() < rest_until))
        draw();
    leave(flags);
}

void screen_tick(void)
{
    u8 answer[VT_ANSWER_MAX];
    irqflags_t flags;
    size_t n;

    if (!present)
        return;
    ticking = true;
    flush();
    flags = enter();
    n = vt_take_answer(&vt, answer);
    leave(flags);
    for (size_t i = 0; i < n; i++)
        console_input(answer[i]);
}

bool screen_size(u32 *cols, u32 *rows)
{
    *cols = vt.cols;
    *rows = vt.rows;
    return present;
}

/* Whatever the program left on the screen: all is drawn again. */
void screen_set_graphics(bool on)
{
    irqflags_t flags;

    if (!present)
        return;
    flags = enter();
    if (graphics && !on) {
        if (driver->clear)
            driver->clear();
        memset(shown, 0, sizeof(shown));
        vt_touch_all(&vt);
        waiting = true;
    }
    graphics = on;
    leave(flags);
    flush();
}

/* ---- beginning ---- */

bool screen_init(void)
{
    static struct console_sink sink = {.put = put, .flush = flush};
    u32 cols, rows;
    u64 end;

    driver = arch_screen(&cols, &rows);
    if (!driver)
        return false;
    vt_init(&vt, cols, rows, text, NULL);
    memcpy(shown, text, sizeof(shown));
    /* The lines before this one. */
    end = printk_end();
    for (u64 at = end - MIN(end, PRINTK_RING); at < end; at++) {
        u8 byte = (u8)printk_byte(at);

        if (byte & LEVEL_MARK)
            continue;
        if (byte == '\n')
            vt_put(&vt, '\r');
        vt_put(&vt, byte);
    }
    draw();
    present = true;
    console_add(&sink);
    return true;
}

void screen_alternate(void)
{
    size_t nbytes = (size_t)vt.cols * vt.rows * sizeof(struct vt_cell);
    struct vt_cell *cells = present ? kmalloc(nbytes) : NULL;
    irqflags_t flags;

    if (!cells)
        return; /* programs then use the one there is */
    flags = enter();
    vt_set_alternate(&vt, cells);
    leave(flags);
}

/* ---- the report of a panic ---- */

bool screen_seize(u32 *cols, u32 *rows)
{
    seized = true;
    if (!present && !screen_init()) /* a panic before that was due */
        return false;
    vt_init(&vt, vt.cols, vt.rows, text, NULL);
    memset(shown, 0, sizeof(shown)); /* whatever was being drawn: all is drawn again */
    return screen_size(cols, rows);
}

void screen_put_seized(u8 byte)
{
    vt_put(&vt, byte);
    waiting = true;
}
