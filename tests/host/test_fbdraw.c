/* SPDX-License-Identifier: MIT
 *
 * Drawing into memory that looks like a framebuffer: every pixel of a grid of characters at
 * 24 and 32 bits, odd pitches, several orders of colours, both scales; and not one byte
 * beside the picture.
 */
#include <stdlib.h>

#include "arch/x86_64/drivers/display/fbdraw.h"
#include "kernel/term/font.h"
#include "lib/string.h"
#include "tests/host/harness.h"

#define UNTOUCHED 0xa5

static u32 pixel(const u8 *memory, const struct boot_framebuffer *fb, u32 x, u32 y)
{
    u32 value = 0;

    memcpy(&value, memory + (size_t)y * fb->pitch + (size_t)x * (fb->bpp / 8),
           fb->bpp / 8);
    return value;
}

static u32 colour_of(const struct boot_framebuffer *fb, u32 rgb)
{
    return (rgb >> 16 & 0xff) >> (8 - fb->red_size) << fb->red_pos |
           (rgb >> 8 & 0xff) >> (8 - fb->green_size) << fb->green_pos |
           (rgb & 0xff) >> (8 - fb->blue_size) << fb->blue_pos;
}

/* What pixel (x, y) must be, from the cells and the font, by itself. */
static u32 expected(const struct boot_framebuffer *fb, const struct fbdraw *d,
                    const struct vt_cell *cells, u32 x, u32 y)
{
    u32 w = 8 * d->scale, h = 16 * d->scale;
    const struct vt_cell *c;
    u32 fore, back, dx, dy;
    bool on;

    if (x < d->left || y < d->top || x >= d->left + d->cols * w ||
        y >= d->top + d->rows * h)
        return 0;
    x -= d->left;
    y -= d->top;
    c = &cells[y / h * d->cols + x / w];
    fore = vt_palette[(c->colour & 15) | (c->attr & VT_BOLD ? 8 : 0)];
    back = vt_palette[c->colour >> 4];
    dx = x % w / d->scale;
    dy = y % h / d->scale;
    on = font_glyph(c->attr & VT_TAIL ? ' ' : c->ch)[dy] >> (7 - dx) & 1;
    on |= c->attr & VT_UNDERLINE && dy == 14;
    on ^= (c->attr & VT_REVERSE) != 0;
    on ^= (c->attr & VT_CURSOR) != 0;
    return colour_of(fb, on ? fore : back);
}

static void check_picture(const struct boot_framebuffer *fb, const struct fbdraw *d,
                          const struct vt_cell *cells, const u8 *memory)
{
    u32 mask = fb->bpp == 24 ? 0xffffff : 0xffffffff;

    for (u32 y = 0; y < fb->height; y++) {
        for (u32 x = 0; x < fb->width; x++) {
            u32 is = pixel(memory, fb, x, y) & mask, want = expected(fb, d, cells, x, y);

            if (is != want)
                FAIL("pixel %u,%u is %#x, not %#x", x, y, is, want);
        }
        for (u32 at = fb->width * fb->bpp / 8; y + 1 < fb->height && at < fb->pitch; at++)
            CHECK_EQ(memory[(size_t)y * fb->pitch + at], UNTOUCHED);
    }
}

static void draw_and_check(const struct boot_framebuffer *fb)
{
    /* Ends with the last pixel: the sanitizer watches. */
    size_t nbytes = (size_t)fb->pitch * (fb->height - 1) + fb->width * fb->bpp / 8;
    u8 *memory = malloc(nbytes);
    struct vt_cell *cells = malloc(sizeof(*cells) * 20480);
    struct fbdraw d;

    memset(memory, UNTOUCHED, nbytes);
    CHECK(fbdraw_init(&d, fb, memory, 20480));
    fbdraw_clear(&d);
    for (u32 i = 0; i < d.cols * d.rows; i++)
        cells[i] = (struct vt_cell){
            .ch = (u16)(test_rand() % 3 ? ' ' + test_rand() % 95 : test_rand() % 0x2600),
            .colour = (u8)test_rand(),
            .attr = (u8)(test_rand() % 32)};
    for (u32 row = 0; row < d.rows; row++) {
        u32 half = d.cols / 2;

        fbdraw_cells(&d, 0, row, &cells[row * d.cols], half);
        fbdraw_cells(&d, half, row, &cells[row * d.cols + half], d.cols - half);
    }
    check_picture(fb, &d, cells, memory);
    free(cells);
    free(memory);
}

TEST(fbdraw_32_bits)
{
    struct boot_framebuffer fb = {1, 644 * 4, 643, 241, 32, 16, 8, 8, 8, 0, 8, 0};

    draw_and_check(&fb);
    fb.pitch = 643 * 4 + 13; /* no multiple of anything */
    draw_and_check(&fb);
}

TEST(fbdraw_24_bits)
{
    struct boot_framebuffer fb = {1, 643 * 3, 643, 241, 24, 16, 8, 8, 8, 0, 8, 0};

    draw_and_check(&fb);
    fb.pitch = 643 * 3 + 5;
    draw_and_check(&fb);
}

TEST(fbdraw_other_colours)
{
    struct boot_framebuffer fb = {1, 320 * 4, 320, 200, 32, 0, 8, 8, 8, 16, 8, 0};

    draw_and_check(&fb); /* blue in the high byte */
    fb = (struct boot_framebuffer){1, 320 * 4, 320, 200, 32, 11, 5, 5, 6, 0, 5, 0};
    draw_and_check(&fb);
}

TEST(fbdraw_twice_as_large)
{
    struct boot_framebuffer fb = {1, 2565 * 4, 2565, 100, 32, 16, 8, 8, 8, 0, 8, 0};

    draw_and_check(&fb);
    fb.bpp = 24;
    fb.pitch = 2565 * 3 + 1;
    draw_and_check(&fb);
}

TEST(fbdraw_sizes)
{
    struct boot_framebuffer fb = {1, 4096 * 4, 7, 16, 32, 16, 8, 8, 8, 0, 8, 0};
    static u8 dot;
    struct fbdraw d;

    CHECK(!fbdraw_init(&d, &fb, &dot, 20480)); /* narrower than a character */
    fb.width = 2048;
    fb.height = 1536;
    CHECK(fbdraw_init(&d, &fb, &dot, 20480));
    CHECK_EQ(d.cols, 256);
    CHECK_EQ(d.rows, 80); /* as many as there are cells for, in the middle */
    CHECK_EQ(d.top, (1536 - 80 * 16) / 2);
}

TEST(font_has_what_it_must)
{
    const u8 *missing = font_glyph(0xfffd);

    for (u16 ch = 0x20; ch < 0x180; ch++)
        if ((ch < 0x7f || ch >= 0xa0) && ch < 0x100 && font_glyph(ch) == missing)
            FAIL("no glyph for U+%04X", ch);
    for (u16 ch = 0x2500; ch < 0x25a0; ch++)
        if (font_glyph(ch) == missing)
            FAIL("no glyph for U+%04X", ch);
    CHECK(font_glyph(0x4e2d) == missing);
    for (u32 i = 1; i < font_ncodes; i++)
        CHECK(font_codes[i - 1].ch < font_codes[i].ch);
    CHECK_EQ(font_glyph(0x2588)[0], 0xff); /* full block, upper half */
    CHECK_EQ(font_glyph(0x2580)[8], 0);
}
