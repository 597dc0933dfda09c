/* SPDX-License-Identifier: MIT
 *
 * Drawing characters, see fbdraw.h. A row of a glyph becomes 8 or 16 pixels in a buffer of
 * words, two pixels a word for 32 bits, and goes out in stores of 8 bytes, which write
 * combining turns into bursts.
 */
#include "arch/x86_64/drivers/display/fbdraw.h"

#include "kernel/term/font.h"

#define SCALE_2_FROM  2560u /* pixels a line: smaller dots can hardly be read */
#define LINE_WORDS    (FONT_WIDTH * 2 / 2)
#define UNDERLINE_ROW (FONT_HEIGHT - 2)

/* Words of a framebuffer may lie anywhere: pitches need not be even. */
struct unaligned {
    u64 word;
} __attribute__((packed, may_alias));

static void store(volatile u8 *at, u64 word)
{
    ((volatile struct unaligned *)at)->word = word;
}

/* An 8-bit part of a colour in a field of `size` bits at `pos`. */
static u32 field(u32 part, u32 size, u32 pos)
{
    part = size >= 8 ? part << (size - 8) : part >> (8 - size);
    return part << pos;
}

bool fbdraw_init(struct fbdraw *d, const struct boot_framebuffer *fb, volatile u8 *memory,
                 u32 max_cells)
{
    *d = (struct fbdraw){.memory = memory,
                         .pitch = fb->pitch,
                         .width = fb->width,
                         .height = fb->height,
                         .bytes = fb->bpp / 8u,
                         .scale = fb->width >= SCALE_2_FROM ? 2 : 1,
                         .pen.key = ~0u};
    d->cols = MIN(fb->width / (FONT_WIDTH * d->scale), VT_COLS_MAX);
    d->rows = MIN(fb->height / (FONT_HEIGHT * d->scale), VT_ROWS_MAX);
    if (d->cols == 0 || d->rows == 0 || max_cells < d->cols)
        return false;
    d->rows = MIN(d->rows, max_cells / d->cols);
    d->left = (fb->width - d->cols * FONT_WIDTH * d->scale) / 2;
    d->top = (fb->height - d->rows * FONT_HEIGHT * d->scale) / 2;
    for (u32 i = 0; i < ARRAY_SIZE(d->colour); i++) {
        u32 rgb = vt_palette[i];

        d->colour[i] = field(rgb >> 16 & 0xff, fb->red_size, fb->red_pos) |
                       field(rgb >> 8 & 0xff, fb->green_size, fb->green_pos) |
                       field(rgb & 0xff, fb->blue_size, fb->blue_pos);
    }
    return true;
}

void fbdraw_clear(const struct fbdraw *d)
{
    for (u32 y = 0; y < d->height; y++) {
        volatile u8 *at = d->memory + (size_t)y * d->pitch;
        size_t words = (size_t)d->width * d->bytes / 8, left = d->width * d->bytes % 8;

        __asm__ volatile("rep stosq" : "+D"(at), "+c"(words) : "a"(0) : "memory");
        while (left--)
            *at++ = 0;
    }
}

/* ---- one row of a glyph ---- */

/* Four pixels of 24 bits in two words become 12 bytes; eight become three words. */
static u32 pack24(u64 *line, u32 pairs)
{
    u32 words = 0;

    for (u32 i = 0; i < pairs; i += 4) {
        u64 p[8];

        for (u32 k = 0; k < 4; k++) {
            p[2 * k] = line[i + k] & 0xffffff;
            p[2 * k + 1] = line[i + k] >> 32 & 0xffffff;
        }
        line[words++] = p[0] | p[1] << 24 | p[2] << 48;
        line[words++] = p[2] >> 16 | p[3] << 8 | p[4] << 32 | p[5] << 56;
        line[words++] = p[5] >> 8 | p[6] << 16 | p[7] << 40;
    }
    return words;
}

/* Pixels of the row `bits` as they lie in memory; the number of words. */
static u32 make_line(const struct fbdraw *d, u64 *line, u32 bits)
{
    const struct fbdraw_pen *pen = &d->pen;
    u32 n = 0;

    if (d->scale == 1) {
        line[0] = pen->quad[bits >> 4][0];
        line[1] = pen->quad[bits >> 4][1];
        line[2] = pen->quad[bits & 15][0];
        line[3] = pen->quad[bits & 15][1];
        n = 4;
    } else {
        for (u32 i = 0; i < FONT_WIDTH; i++)
            line[n++] = pen->quad[bits >> (FONT_WIDTH - 1 - i) & 1 ? 15 : 0][0];
    }
    return d->bytes == 3 ? pack24(line, n) : n;
}

static void put_line(const struct fbdraw *d, volatile u8 *at, const u64 *line, u32 n)
{
    for (u32 copy = 0; copy < d->scale; copy++, at += d->pitch)
        for (u32 i = 0; i < n; i++)
            store(at + 8 * i, line[i]);
}

static void put_glyph(const struct fbdraw *d, volatile u8 *at, const u8 *glyph,
                      u32 underline)
{
    u64 line[LINE_WORDS];
    u32 made = 0x100, n = 0;

    for (u32 y = 0; y < FONT_HEIGHT; y++, at += d->pitch * d->scale) {
        u32 bits = y == underline ? 0xffu : glyph[y];

        if (bits != made) /* neighbouring rows are often the same */
            n = make_line(d, line, bits);
        made = bits;
        put_line(d, at, line, n);
    }
}

/* The usual case in the fewest instructions: 32 bits, one pixel a dot. */
static void put_plain(volatile u8 *at, u32 pitch, const u8 *glyph,
                      const struct fbdraw_pen *pen)
{
    u64 blank = pen->quad[0][0];

    for (u32 y = 0; y < FONT_HEIGHT; y++, at += pitch) {
        const u64 *left = pen->quad[glyph[y] >> 4], *right = pen->quad[glyph[y] & 15];

        if (glyph[y] == 0) {
            store(at, blank);
            store(at + 8, blank);
            store(at + 16, blank);
            store(at + 24, blank);
            continue;
        }
        store(at, left[0]);
        store(at + 8, left[1]);
        store(at + 16, right[0]);
        store(at + 24, right[1]);
    }
}

static void choose_pen(struct fbdraw *d, const struct vt_cell *cell, u32 key)
{
    u32 fore = cell->colour & 0x0f, back = cell->colour >> 4;
    struct fbdraw_pen *pen = &d->pen;
    u64 dot[2];

    if (cell->attr & VT_BOLD)
        fore |= 8;
    if (!(cell->attr & VT_REVERSE) != !(cell->attr & VT_CURSOR)) {
        u32 kept = fore;

        fore = back;
        back = kept;
    }
    dot[0] = d->colour[back];
    dot[1] = d->colour[fore];
    for (u32 i = 0; i < 16; i++) {
        pen->quad[i][0] = dot[i >> 3] | dot[i >> 2 & 1] << 32;
        pen->quad[i][1] = dot[i >> 1 & 1] | dot[i & 1] << 32;
    }
    pen->key = key;
}

void fbdraw_cells(struct fbdraw *d, u32 col, u32 row, const struct vt_cell *cells, u32 n)
{
    u32 width = FONT_WIDTH * d->scale * d->bytes;
    bool plain = d->bytes == 4 && d->scale == 1;
    volatile u8 *at = d->memory +
                      (size_t)(d->top + row * FONT_HEIGHT * d->scale) * d->pitch +
                      (size_t)d->left * d->bytes + (size_t)col * width;

    for (u32 i = 0; i < n; i++, at += width) {
        const struct vt_cell *cell = &cells[i];
        const u8 *glyph = font_glyph(cell->attr & VT_TAIL ? ' ' : cell->ch);
        u32 key = cell->colour | (u32)cell->attr << 8;

        if (key != d->pen.key)
            choose_pen(d, cell, key);
        if (plain && !(cell->attr & VT_UNDERLINE))
            put_plain(at, d->pitch, glyph, &d->pen);
        else
            put_glyph(d, at, glyph,
                      cell->attr & VT_UNDERLINE ? UNDERLINE_ROW : FONT_HEIGHT);
    }
}
