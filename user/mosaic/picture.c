/* SPDX-License-Identifier: MIT
 *
 * The picture: a floor of stones of 8 x 8 pixels with joints between them, in waves of blue
 * and green, a meander as its border and a name in gold. Or what a PPM file shows.
 */
#include "user/mosaic/mosaic.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STONE    8u
#define BORDER   7u /* stones */
#define SIDE_MAX 16384u

#define JOINT 0x1c1a18u
#define CREAM 0xe8dcc0u
#define RED   0x8c2f24u
#define GOLD  0xe0ac3cu
#define DARK  0x3a2a1cu

/* One unit of the meander, repeated along the border. */
static const char meander[BORDER][9] = {"........", "#######.", "#.....#.", "#.###.#.",
                                        "#.#...#.", "#.#####.", "........"};

static uint32_t hash(uint32_t x, uint32_t y)
{
    uint32_t h = x * 374761393u + y * 668265263u;

    h = (h ^ h >> 13) * 1274126177u;
    return h ^ h >> 16;
}

static uint32_t clamp(int v)
{
    return v < 0 ? 0 : v > 255 ? 255 : (uint32_t)v;
}

static uint32_t lighter(uint32_t colour, int by)
{
    return clamp((int)(colour >> 16 & 255) + by) << 16 |
           clamp((int)(colour >> 8 & 255) + by) << 8 | clamp((int)(colour & 255) + by);
}

static uint32_t waves(uint32_t x, uint32_t y, uint32_t w, uint32_t h)
{
    float fx = (float)x / (float)w - 0.5f, fy = (float)y / (float)h - 0.5f;
    float d = sqrtf(fx * fx * 2 + fy * fy);
    float v = sinf(d * 26) + sinf(fx * 9 + fy * 5) + sinf(fy * 13 - fx * 4);

    return clamp((int)(38 + 14 * v)) << 16 | clamp((int)(112 + 34 * v)) << 8 |
           clamp((int)(150 - 22 * v + 60 * fy));
}

/* Whether the name covers this stone; it is written with `scale` stones a dot. */
static bool in_name(const char *name, uint32_t scale, int x, int y)
{
    size_t n = strlen(name);

    if (x < 0 || y < 0)
        return false;
    x /= (int)scale;
    y /= (int)scale;
    if (y >= 7 || (size_t)x >= n * 6 || x % 6 == 5)
        return false;
    return glyph(name[x / 6])[y] >> (4 - x % 6) & 1;
}

static uint32_t border(uint32_t x, uint32_t y, uint32_t w, uint32_t h)
{
    uint32_t across = y < BORDER ? y : h - 1 - y, along = x;

    if (y >= BORDER && y < h - BORDER) {
        across = x < BORDER ? x : w - 1 - x;
        along = y;
    }
    return meander[across][along % 8] == '#' ? CREAM : RED;
}

static uint32_t stone(uint32_t x, uint32_t y, uint32_t w, uint32_t h)
{
    static const char name[] = "TESSERA";
    uint32_t scale = w >= 100 ? 2 : 1, text_w = (6 * (sizeof(name) - 1) - 1) * scale;
    int tx = (int)x - (int)(w - text_w) / 2, ty = (int)y - (int)(h - 7 * scale) / 2;
    uint32_t colour;

    if (w > 3 * BORDER && h > 3 * BORDER &&
        (x < BORDER || y < BORDER || x >= w - BORDER || y >= h - BORDER))
        colour = border(x, y, w, h);
    else if (in_name(name, scale, tx, ty))
        colour = GOLD;
    else if (in_name(name, scale, tx - 1, ty - 1)) /* its shadow */
        colour = DARK;
    else
        colour = waves(x, y, w, h);
    return lighter(colour, (int)(hash(x, y) % 29) - 14);
}

/* A pixel inside its stone: the joint, a lit and a dark edge. */
static uint32_t pixel(uint32_t colour, uint32_t x, uint32_t y)
{
    if (x == 0 || y == 0)
        return JOINT;
    if (x == 1 || y == 1)
        return lighter(colour, 18);
    if (x == STONE - 1 || y == STONE - 1)
        return lighter(colour, -22);
    return colour;
}

static void put_pixel(uint32_t *tiles, uint32_t cols, uint32_t x, uint32_t y,
                      uint32_t colour)
{
    uint32_t tile = y / TILE * cols + x / TILE;

    tiles[tile * TILE * TILE + y % TILE * TILE + x % TILE] = colour;
}

void picture_draw(uint32_t *tiles, uint32_t cols, uint32_t rows)
{
    uint32_t w = cols * TILE, h = rows * TILE;

    for (uint32_t sy = 0; sy < h / STONE; sy++) {
        for (uint32_t sx = 0; sx < w / STONE; sx++) {
            uint32_t colour = stone(sx, sy, w / STONE, h / STONE);

            for (uint32_t i = 0; i < STONE * STONE; i++)
                put_pixel(tiles, cols, sx * STONE + i % STONE, sy * STONE + i / STONE,
                          pixel(colour, i % STONE, i / STONE));
        }
    }
}

/* ---- PPM ---- */

/* A number of a PPM header with the blanks and comments before it; -1: there is none. */
static long header_number(FILE *f)
{
    long n = 0;
    int c = getc(f);

    while (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '#') {
        if (c == '#')
            while (c != '\n' && c != EOF)
                c = getc(f);
        if (c != EOF)
            c = getc(f);
    }
    if (c < '0' || c > '9')
        return -1;
    for (; c >= '0' && c <= '9'; c = getc(f)) {
        if (n > 100000)
            return -1;
        n = n * 10 + c - '0';
    }
    return n; /* the one blank behind it is eaten, as the format wants it */
}

/* Scales rgb (w x h) into the middle of the tiles. */
static void scale_into(const uint8_t *rgb, uint32_t w, uint32_t h, uint32_t max,
                       uint32_t *tiles, uint32_t cols, uint32_t rows)
{
    uint64_t to_w = cols * TILE, to_h = rows * TILE;
    uint64_t fit_w = to_w, fit_h = to_w * h / w, left, top;

    if (fit_h > to_h) {
        fit_h = to_h;
        fit_w = to_h * w / h;
    }
    left = (to_w - fit_w) / 2;
    top = (to_h - fit_h) / 2;
    for (uint64_t y = 0; y < fit_h; y++) {
        for (uint64_t x = 0; x < fit_w; x++) {
            const uint8_t *p = rgb + (y * h / fit_h * w + x * w / fit_w) * 3;

            put_pixel(tiles, cols, (uint32_t)(left + x), (uint32_t)(top + y),
                      clamp((int)(p[0] * 255u / max)) << 16 |
                          clamp((int)(p[1] * 255u / max)) << 8 |
                          clamp((int)(p[2] * 255u / max)));
        }
    }
}

static const char *load(FILE *f, uint32_t *tiles, uint32_t cols, uint32_t rows)
{
    long w, h, max;
    uint8_t *rgb;
    size_t n;

    if (getc(f) != 'P' || getc(f) != '6')
        return "not a PPM picture of type P6";
    w = header_number(f);
    h = header_number(f);
    max = header_number(f);
    if (w < 1 || h < 1 || w > (long)SIDE_MAX || h > (long)SIDE_MAX)
        return "a picture of an impossible size";
    if (max < 1 || max > 255)
        return "only 8 bits a colour are known here";
    n = (size_t)w * (size_t)h * 3;
    rgb = malloc(n);
    if (!rgb)
        return "too large for the memory";
    if (fread(rgb, 1, n, f) != n) {
        free(rgb);
        return "the file ends too early";
    }
    scale_into(rgb, (uint32_t)w, (uint32_t)h, (uint32_t)max, tiles, cols, rows);
    free(rgb);
    return NULL;
}

const char *picture_load(const char *path, uint32_t *tiles, uint32_t cols, uint32_t rows)
{
    FILE *f = fopen(path, "rb");
    const char *wrong;

    if (!f)
        return strerror(errno);
    wrong = load(f, tiles, cols, rows);
    fclose(f);
    return wrong;
}
