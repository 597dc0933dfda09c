/* SPDX-License-Identifier: MIT
 *
 * The framebuffer /dev/fb0, mapped: tiles, and a line of text in a font of 5 x 7 dots.
 */
#include "user/include/fb.h"
#include "user/mosaic/mosaic.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEAD   TILE /* height of the line of text */
#define SCALE  2u
#define CELL_W (6 * SCALE)
#define PAPER  0x101418u
#define INK    0xe8dcc0u

static const struct {
    char c;
    uint8_t rows[7];
} font[] = {
    {' ', {0}},
    {'A', {0x0e, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11}},
    {'B', {0x1e, 0x11, 0x11, 0x1e, 0x11, 0x11, 0x1e}},
    {'C', {0x0e, 0x11, 0x10, 0x10, 0x10, 0x11, 0x0e}},
    {'D', {0x1e, 0x11, 0x11, 0x11, 0x11, 0x11, 0x1e}},
    {'E', {0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x1f}},
    {'F', {0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x10}},
    {'G', {0x0e, 0x11, 0x10, 0x17, 0x11, 0x11, 0x0f}},
    {'H', {0x11, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11}},
    {'I', {0x0e, 0x04, 0x04, 0x04, 0x04, 0x04, 0x0e}},
    {'J', {0x07, 0x02, 0x02, 0x02, 0x02, 0x12, 0x0c}},
    {'K', {0x11, 0x12, 0x14, 0x18, 0x14, 0x12, 0x11}},
    {'L', {0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x1f}},
    {'M', {0x11, 0x1b, 0x15, 0x15, 0x11, 0x11, 0x11}},
    {'N', {0x11, 0x11, 0x19, 0x15, 0x13, 0x11, 0x11}},
    {'O', {0x0e, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e}},
    {'P', {0x1e, 0x11, 0x11, 0x1e, 0x10, 0x10, 0x10}},
    {'Q', {0x0e, 0x11, 0x11, 0x11, 0x15, 0x12, 0x0d}},
    {'R', {0x1e, 0x11, 0x11, 0x1e, 0x14, 0x12, 0x11}},
    {'S', {0x0f, 0x10, 0x10, 0x0e, 0x01, 0x01, 0x1e}},
    {'T', {0x1f, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04}},
    {'U', {0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e}},
    {'V', {0x11, 0x11, 0x11, 0x11, 0x11, 0x0a, 0x04}},
    {'W', {0x11, 0x11, 0x11, 0x15, 0x15, 0x15, 0x0a}},
    {'X', {0x11, 0x11, 0x0a, 0x04, 0x0a, 0x11, 0x11}},
    {'Y', {0x11, 0x11, 0x0a, 0x04, 0x04, 0x04, 0x04}},
    {'Z', {0x1f, 0x01, 0x02, 0x04, 0x08, 0x10, 0x1f}},
    {'0', {0x0e, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0e}},
    {'1', {0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e}},
    {'2', {0x0e, 0x11, 0x01, 0x02, 0x04, 0x08, 0x1f}},
    {'3', {0x1f, 0x02, 0x04, 0x02, 0x01, 0x11, 0x0e}},
    {'4', {0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02}},
    {'5', {0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e}},
    {'6', {0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e}},
    {'7', {0x1f, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08}},
    {'8', {0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e}},
    {'9', {0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c}},
    {'.', {0x00, 0x00, 0x00, 0x00, 0x00, 0x0c, 0x0c}},
    {',', {0x00, 0x00, 0x00, 0x00, 0x0c, 0x04, 0x08}},
    {'/', {0x00, 0x01, 0x02, 0x04, 0x08, 0x10, 0x00}},
    {':', {0x00, 0x0c, 0x0c, 0x00, 0x0c, 0x0c, 0x00}},
    {'-', {0x00, 0x00, 0x00, 0x1f, 0x00, 0x00, 0x00}},
};

const uint8_t *glyph(char c)
{
    if (c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    for (size_t i = 0; i < sizeof(font) / sizeof(font[0]); i++)
        if (font[i].c == c)
            return font[i].rows;
    return font[0].rows;
}

static void put(const struct screen *s, uint32_t x, uint32_t y, uint32_t colour)
{
    uint8_t *at = s->memory + (size_t)y * s->line + (size_t)x * s->bytes;
    uint32_t v = (colour >> 16 & 255) << s->red | (colour >> 8 & 255) << s->green |
                 (colour & 255) << s->blue;

    for (uint32_t i = 0; i < s->bytes; i++)
        at[i] = (uint8_t)(v >> 8 * i);
}

void screen_tile(const struct screen *s, uint32_t col, uint32_t row, const uint32_t *tile)
{
    uint32_t x0 = s->left + col * TILE, y0 = s->top + row * TILE;
    bool same = s->bytes == 4 && s->red == 16 && s->green == 8 && s->blue == 0;

    for (uint32_t y = 0; y < TILE; y++, tile += TILE) {
        if (same) {
            memcpy(s->memory + (size_t)(y0 + y) * s->line + x0 * 4u, tile, TILE * 4);
            continue;
        }
        for (uint32_t x = 0; x < TILE; x++)
            put(s, x0 + x, y0 + y, tile[x]);
    }
}

void screen_text(const struct screen *s, const char *text)
{
    for (uint32_t cell = 0; cell < s->width / CELL_W; cell++) {
        const uint8_t *rows = glyph(*text ? *text++ : ' ');

        for (uint32_t y = 0; y < 7 * SCALE; y++)
            for (uint32_t x = 0; x < CELL_W; x++) {
                bool ink = x / SCALE < 5 && rows[y / SCALE] >> (4 - x / SCALE) & 1;

                put(s, cell * CELL_W + x, (HEAD - 7 * SCALE) / 2 + y, ink ? INK : PAPER);
            }
    }
}

void screen_grid(const struct screen *s, uint32_t *cols, uint32_t *rows)
{
    *cols = s->width / TILE;
    *rows = s->height > HEAD ? (s->height - HEAD) / TILE : 0;
}

void screen_flush(const struct screen *s)
{
    struct fb_var_screeninfo var;

    if (ioctl(s->fd, FBIOGET_VSCREENINFO, &var) == 0)
        ioctl(s->fd, FBIOPAN_DISPLAY, &var);
}

static const char *describe(struct screen *s, int fd)
{
    struct fb_var_screeninfo var;
    struct fb_fix_screeninfo fix;

    if (ioctl(fd, FBIOGET_VSCREENINFO, &var) != 0 ||
        ioctl(fd, FBIOGET_FSCREENINFO, &fix) != 0)
        return strerror(errno);
    if (fix.type != FB_TYPE_PACKED_PIXELS || fix.visual != FB_VISUAL_TRUECOLOR ||
        (var.bits_per_pixel != 24 && var.bits_per_pixel != 32) || var.red.length != 8 ||
        var.green.length != 8 || var.blue.length != 8)
        return "a framebuffer of another kind than 24 or 32 bits of direct colour";
    s->width = var.xres;
    s->height = var.yres;
    s->line = fix.line_length;
    s->bytes = var.bits_per_pixel / 8;
    s->red = var.red.offset;
    s->green = var.green.offset;
    s->blue = var.blue.offset;
    s->nbytes = fix.smem_len;
    if (s->nbytes < (size_t)s->line * s->height || s->line < s->width * s->bytes)
        return "a framebuffer that contradicts itself";
    return NULL;
}

const char *screen_open(struct screen *s)
{
    int fd = open("/dev/fb0", O_RDWR | O_CLOEXEC);
    const char *wrong;
    uint32_t cols, rows;

    if (fd < 0)
        return errno == ENOENT ? "there is no framebuffer here" : strerror(errno);
    wrong = describe(s, fd);
    if (!wrong) {
        s->memory = mmap(NULL, s->nbytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (s->memory == MAP_FAILED)
            wrong = strerror(errno);
    }
    if (wrong) {
        close(fd);
        return wrong;
    }
    s->fd = fd;
    screen_grid(s, &cols, &rows);
    s->left = (s->width - cols * TILE) / 2;
    s->top = HEAD;
    s->tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (s->tty >= 0)
        ioctl(s->tty, KDSETMODE, KD_GRAPHICS);
    for (uint32_t y = 0; y < s->height; y++)
        for (uint32_t x = 0; x < s->width; x++)
            put(s, x, y, PAPER);
    return NULL;
}

void screen_close(struct screen *s)
{
    munmap(s->memory, s->nbytes);
    close(s->fd);
    if (s->tty < 0)
        return;
    ioctl(s->tty, KDSETMODE, KD_TEXT);
    close(s->tty);
}
