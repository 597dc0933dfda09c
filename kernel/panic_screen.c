/* SPDX-License-Identifier: MIT
 *
 * The panic screen: cause and backtrace at a fixed place, so that they fit 80 x 25, then
 * registers and the last lines of the log as far as there is room. Lines that are too long
 * are cut.
 */
#include "kernel/panic_screen.h"
#include "arch/console.h"
#include "kernel/printk.h"
#include "kernel/term/console.h"
#include "kernel/term/screen.h"
#include "lib/fmt.h"

#define CAUSE_ROWS    2u
#define WHERE_ROWS    2u
#define FRAMES_SMALL  9u  /* with the title, on a screen of less than ROWS_LARGE rows */
#define FRAMES_LARGE  17u /* on a larger one */
#define ROWS_LARGE    40u
#define REGISTER_ROWS 8u
#define LOG_ROWS      20u
#define STAMP_END     ']'

#define ON_RED  "\033[0;97;41m"
#define ON_BLUE "\033[0;97;44m"
#define PLAIN   "\033[0;37;44m"
#define TITLE   "\033[0;93;44m"

struct canvas {
    u32 cols, rows, row; /* row: the next free one, from 0 */
};

static void put(const char *text)
{
    for (; *text; text++)
        screen_put_seized((u8)*text);
}

/* The cursor to the beginning of the next free row. */
static void next_row(struct canvas *c)
{
    char text[24];

    c->row++;
    fmt_snprintf(text, sizeof(text), "\033[%u;1H", c->row);
    put(text);
}

static void heading(struct canvas *c, const char *colours, const char *text)
{
    if (c->row + 1 >= c->rows)
        return;
    next_row(c);
    put(colours);
    put(text);
    put("\033[K");
}

static void show_cause(struct canvas *c, const char *text)
{
    put(ON_BLUE);
    for (u32 i = 0; i < CAUSE_ROWS; i++) {
        next_row(c);
        for (u32 col = 0; col < c->cols && *text; col++, text++)
            screen_put_seized((u8)(*text >= ' ' && *text <= '~' ? *text : '.'));
    }
}

/* One line of the log from `at` on, at most up to `end`; the position behind it. */
static u64 show_line(struct canvas *c, u64 at, u64 end, bool stamped)
{
    u32 col = 0;

    if (!stamped)
        while (at < end && printk_byte(at++) != STAMP_END)
            ;
    next_row(c);
    for (; at < end; at++) {
        char byte = printk_byte(at);

        if (byte == '\n')
            return at + 1;
        if ((byte == ' ' && col == 0) || (u8)byte & LEVEL_MARK)
            continue;
        if (col++ < c->cols)
            screen_put_seized((u8)(byte >= ' ' && byte <= '~' ? byte : '.'));
    }
    return at;
}

static void show_part(struct canvas *c, u64 at, u64 end, u32 most)
{
    for (u32 n = 0; n < most && at < end && c->row + 1 < c->rows; n++)
        at = show_line(c, at, end, false);
}

/* The last lines before `end`, as many as fit. */
static void show_log(struct canvas *c, u64 end)
{
    u64 oldest = end - MIN(end, (u64)PRINTK_RING / 2), at = end;
    u32 want = c->rows > c->row + 2 ? MIN(c->rows - c->row - 2, LOG_ROWS) : 0;
    u32 lines = 0;

    if (want == 0)
        return;
    heading(c, TITLE, "last lines of the log:");
    put(PLAIN);
    while (at > oldest) {
        if (printk_byte(at - 1) == '\n' && at != end && ++lines == want)
            break;
        at--;
    }
    while (at < end && c->row + 1 < c->rows)
        at = show_line(c, at, end, true);
}

void panic_screen(const struct panic_text *t)
{
    struct canvas c = {0};

    if (!screen_seize(&c.cols, &c.rows))
        return;
    put("\033[?7l\033[?25l" ON_BLUE "\033[2J");
    heading(&c, ON_RED, " Tessera stopped: kernel panic. A photograph of this helps.");
    show_cause(&c, t->cause);
    put(PLAIN);
    show_part(&c, t->where, t->registers, WHERE_ROWS);
    c.row = 1 + CAUSE_ROWS + WHERE_ROWS;
    put(ON_BLUE);
    show_part(&c, t->backtrace, t->end,
              c.rows < ROWS_LARGE ? FRAMES_SMALL : FRAMES_LARGE);
    put(PLAIN);
    show_part(&c, t->registers, t->backtrace, REGISTER_ROWS);
    show_log(&c, t->log_end);
    console_flush();
}
