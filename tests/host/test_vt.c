/* SPDX-License-Identifier: MIT
 *
 * The terminal: what sequences do to the grid, line by line; what it answers; and that no
 * bytes at all lead outside.
 */
#include <stdlib.h>

#include "kernel/term/vt.h"
#include "kernel/term/vt_csi.h"
#include "kernel/term/vt_grid.h"
#include "lib/string.h"
#include "tests/host/harness.h"

#define COLS 10u
#define ROWS 5u

static struct vt vt;
static struct vt_cell cells[COLS * ROWS], other[COLS * ROWS];

static void feed(struct vt *v, const char *bytes)
{
    for (; *bytes; bytes++)
        vt_put(v, (u8)*bytes);
}

static void start(const char *bytes)
{
    vt_init(&vt, COLS, ROWS, cells, other);
    feed(&vt, bytes);
}

/* The line's characters without blanks at its end: ASCII, others as '*', tails as '>'. */
static const char *line(u32 row)
{
    static char text[COLS + 1];
    u32 end = 0;

    for (u32 i = 0; i < COLS; i++) {
        const struct vt_cell *c = &vt_row(&vt, row)[i];

        text[i] = c->attr & VT_TAIL ? '>' : c->ch < 0x7f ? (char)c->ch : '*';
        if (text[i] != ' ')
            end = i + 1;
    }
    text[end] = '\0';
    return text;
}

#define CHECK_LINE(row, wanted)                                                   \
    do {                                                                          \
        if (strcmp(line(row), wanted) != 0)                                       \
            FAIL("line %u is \"%s\", not \"%s\"", (u32)(row), line(row), wanted); \
    } while (0)

#define CHECK_AT(col_, row_)        \
    do {                            \
        CHECK_EQ(vt.now.col, col_); \
        CHECK_EQ(vt.now.row, row_); \
    } while (0)

TEST(vt_writes_wraps_and_scrolls)
{
    start("0123456789ab");
    CHECK_LINE(0, "0123456789");
    CHECK_LINE(1, "ab");
    CHECK_AT(2, 1);
    start("0123456789\r\nx"); /* no empty line: the wrap is still to come */
    CHECK_LINE(1, "x");
    start("a\r\nb\r\nc\r\nd\r\ne\r\nf");
    CHECK_LINE(0, "b");
    CHECK_LINE(4, "f");
    start("\033[?7l0123456789ab");
    CHECK_LINE(0, "012345678b");
    CHECK_LINE(1, "");
}

TEST(vt_moves_the_cursor)
{
    start("\033[3;4H");
    CHECK_AT(3, 2);
    feed(&vt, "\033[99A\033[99D");
    CHECK_AT(0, 0);
    feed(&vt, "\033[2B\033[3C");
    CHECK_AT(3, 2);
    feed(&vt, "\033[99;99H");
    CHECK_AT(9, 4);
    feed(&vt, "\033[2d\033[5G");
    CHECK_AT(4, 1);
    feed(&vt, "\033[E");
    CHECK_AT(0, 2);
    feed(&vt, "\t");
    CHECK_AT(8, 2);
    feed(&vt, "\033[Z");
    CHECK_AT(0, 2);
    feed(&vt, "\033[5C\033H\r\t");
    CHECK_AT(5, 2);
    feed(&vt, "\0337\033[H\0338");
    CHECK_AT(5, 2);
}

TEST(vt_erases_and_edits)
{
    const char *full = "0123456789\033[2;1Habcdefghij";

    start(full);
    feed(&vt, "\033[1;4H\033[K\033[2;4H\033[1K");
    CHECK_LINE(0, "012");
    CHECK_LINE(1, "    efghij");
    start(full);
    feed(&vt, "\033[2;3H\033[2@");
    CHECK_LINE(1, "ab  cdefgh");
    feed(&vt, "\033[3P");
    CHECK_LINE(1, "abdefgh");
    feed(&vt, "\033[2X");
    CHECK_LINE(1, "ab  fgh");
    feed(&vt, "\033[4hXY\033[4l");
    CHECK_LINE(1, "abXY  fgh");
    start(full);
    feed(&vt, "\033[1;5H\033[J");
    CHECK_LINE(0, "0123");
    CHECK_LINE(1, "");
    start(full);
    feed(&vt, "\033[2;3H\033[1J");
    CHECK_LINE(0, "");
    CHECK_LINE(1, "   defghij");
    start("x\033[4b");
    CHECK_LINE(0, "xxxxx");
}

TEST(vt_scrolls_regions)
{
    const char *full = "a\r\nb\r\nc\r\nd\r\ne";

    start(full);
    feed(&vt, "\033[2;4r\033[4;1H\n");
    CHECK_LINE(0, "a");
    CHECK_LINE(1, "c");
    CHECK_LINE(3, "");
    CHECK_LINE(4, "e");
    feed(&vt, "\033[2;1H\033M");
    CHECK_LINE(1, "");
    CHECK_LINE(2, "c");
    start(full);
    feed(&vt, "\033[2;1H\033[L");
    CHECK_LINE(1, "");
    CHECK_LINE(2, "b");
    CHECK_LINE(4, "d");
    feed(&vt, "\033[2M");
    CHECK_LINE(1, "c");
    CHECK_LINE(2, "d");
    CHECK_LINE(3, "");
    start(full);
    feed(&vt, "\033[2;4r\033[?6h\033[1;1Hx\033[99;1Hy");
    CHECK_LINE(1, "x");
    CHECK_LINE(3, "y");
    CHECK_LINE(4, "e");
}

TEST(vt_colours)
{
    start("\033[1;4;7;31;44mx\033[0my\033[38;5;196mz\033[48;2;0;0;0m\033[97;102mw");
    CHECK_EQ(cells[0].attr, VT_BOLD | VT_UNDERLINE | VT_REVERSE);
    CHECK_EQ(cells[0].colour, 0x41);
    CHECK_EQ(cells[1].attr, 0);
    CHECK_EQ(cells[1].colour, VT_COLOUR_DEFAULT);
    CHECK_EQ(cells[2].colour, 0x01); /* ff0000 is nearest to plain red */
    CHECK_EQ(cells[3].colour, 0xaf);
    feed(&vt, "\033[44m\033[K");
    CHECK_EQ(cells[5].colour >> 4, 4); /* erased cells keep the background */
}

TEST(vt_decodes_utf8)
{
    start("\xc3\xa9\xe2\x94\x80z");
    CHECK_EQ(cells[0].ch, 0xe9);
    CHECK_EQ(cells[1].ch, 0x2500);
    CHECK_EQ(cells[2].ch, 'z');
    /* a lone continuation, a long form, a surrogate's head, a cut character */
    start("\x80\xc0\xe2\x94\n");
    CHECK_EQ(cells[0].ch, UTF8_REPLACEMENT);
    CHECK_EQ(cells[1].ch, UTF8_REPLACEMENT);
    CHECK_EQ(cells[2].ch, UTF8_REPLACEMENT);
    CHECK_EQ(cells[3].ch, ' ');
    CHECK_EQ(vt.now.row, 1);
    start("\xed\xa0\x80x"); /* a surrogate: no byte of it is good */
    CHECK_LINE(0, "***x");
    start("\xf4\x90\x80\x80x"); /* beyond the last character */
    CHECK_LINE(0, "****x");
    start("\xf0\x9f\x98\x80x"); /* above U+FFFF, two columns */
    CHECK_EQ(cells[0].ch, UTF8_REPLACEMENT);
    CHECK_LINE(0, "*>x");
    start("e\xcc\x81x"); /* a combining mark is left out */
    CHECK_LINE(0, "ex");
    start("\033(0qx\033(Bq");
    CHECK_EQ(cells[0].ch, 0x2500);
    CHECK_EQ(cells[1].ch, 0x2502);
    CHECK_EQ(cells[2].ch, 'q');
}

TEST(vt_keeps_wide_characters_whole)
{
    start("\xe4\xb8\xad\xe4\xb8\xad\033[1;2Hx"); /* over the right half of the first */
    CHECK_LINE(0, " x*>");
    start("\xe4\xb8\xad\033[1;1Hx"); /* over the left half */
    CHECK_LINE(0, "x");
    CHECK_EQ(cells[1].attr, 0);
    start("012345678\xe4\xb8\xad");
    CHECK_LINE(0, "012345678");
    CHECK_LINE(1, "*>");
    start("\xe4\xb8\xad"
          "ab\033[1;2H\033[P");
    CHECK_LINE(0, " ab");
}

TEST(vt_answers)
{
    u8 out[VT_ANSWER_MAX];

    start("\033[3;4H\033[6n\033[5n\033[c");
    CHECK_EQ(vt_take_answer(&vt, out), 6 + 4 + 5);
    CHECK(memcmp(out, "\033[3;4R\033[0n\033[?6c", 15) == 0);
    for (u32 i = 0; i < 100; i++)
        feed(&vt, "\033[6n");
    CHECK(vt_take_answer(&vt, out) <= VT_ANSWER_MAX);
    CHECK_EQ(vt_take_answer(&vt, out), 0);
}

TEST(vt_alternate_screen)
{
    start("abc\033[?1049h");
    CHECK_LINE(0, "");
    feed(&vt, "\033[Hxyz\033[?1049l");
    CHECK_LINE(0, "abc");
    CHECK_AT(3, 0);
    vt_init(&vt, COLS, ROWS, cells, NULL);
    feed(&vt, "abc\033[?1049hx\033[?1049l");
    CHECK_AT(3, 0);
    feed(&vt, "\033[?25l");
    CHECK(!vt.visible);
    feed(&vt, "\033cq");
    CHECK(vt.visible);
    CHECK_LINE(0, "q");
}

TEST(vt_reads_foreign_sequences_to_their_end)
{
    start("\033]0;title\aA\033]P1ff0000B\033]RC\033Pdata\033\\D\033[>5;1mE\033[1$zF\033%"
          "GG");
    CHECK_LINE(0, "ABCDEFG");
    start("\033[1;2;3;4;5;6;7;8;9;1;2;3;4;5;6;7;8;9HX\033[99999999999999AY");
    CHECK_LINE(0, "XY");
    start("\033[12\030Z\033[1\033[2CY"); /* cancelled; begun anew */
    CHECK_LINE(0, "Z  Y");
}

TEST(vt_marks_what_changed)
{
    start("");
    vt_clean(&vt);
    feed(&vt, "\033[2;3Hab");
    CHECK(vt.dirty[0].from >= vt.dirty[0].to);
    CHECK_EQ(vt.dirty[1].from, 2);
    CHECK_EQ(vt.dirty[1].to, 4);
    CHECK(!vt.scrolled);
    feed(&vt, "\033[5;1H\n");
    CHECK(vt.scrolled);
    CHECK_EQ(vt.dirty[0].to, COLS);
}

static void check_inside(const struct vt *v)
{
    bool seen[VT_ROWS_MAX] = {false};

    CHECK(v->now.col < v->cols && v->now.row < v->rows);
    CHECK(v->top < v->bottom && v->bottom <= v->rows);
    for (u32 row = 0; row < v->rows; row++) {
        CHECK(v->screen->line[row] < v->rows && !seen[v->screen->line[row]]);
        seen[v->screen->line[row]] = true;
        CHECK(v->dirty[row].to <= v->cols);
        CHECK(!(vt_row(v, row)[0].attr & VT_TAIL));
    }
}

/* Mostly pieces of sequences, so that the parser gets somewhere. */
static u8 random_byte(void)
{
    static const char likely_bytes[] =
        "\033\033[[[;;0123456789?ABCDHJKLMPSTXZ@bdfghlmnrsu78()0c"
        "DEM\n\r\b\t\xe4\xb8\xad\xf0\x9f\x98\x80\xc3 ab]P";
    u64 r = test_rand();

    return r % 4 ? (u8)likely_bytes[r / 4 % (sizeof(likely_bytes) - 1)] : (u8)(r >> 32);
}

static void run_random(u32 cols, u32 rows, u32 n)
{
    /* Exactly as large as they must be: the sanitizer watches their ends. */
    struct vt_cell *a = malloc(sizeof(*a) * cols * rows);
    struct vt_cell *b = test_rand() % 2 ? malloc(sizeof(*b) * cols * rows) : NULL;
    struct vt *v = malloc(sizeof(*v));
    u8 out[VT_ANSWER_MAX];

    vt_init(v, cols, rows, a, b);
    for (u32 i = 0; i < n; i++) {
        vt_put(v, random_byte());
        if (i % 64 == 0) {
            check_inside(v);
            vt_take_answer(v, out);
            vt_clean(v);
        }
    }
    free(a);
    free(b);
    free(v);
}

TEST(vt_survives_random_bytes)
{
    static const u32 sizes[][2] = {{1, 1},   {1, 3},    {2, 1},   {3, 2},
                                   {80, 25}, {256, 80}, {20, 135}};

    for (u32 i = 0; i < ARRAY_SIZE(sizes); i++)
        run_random(sizes[i][0], sizes[i][1], 60000);
}
