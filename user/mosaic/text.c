/* SPDX-License-Identifier: MIT
 *
 * The picture as letters, from dark to bright, for a terminal without pictures.
 */
#include "user/mosaic/mosaic.h"
#include <stdio.h>

#define HALF (TILE / 2) /* pixels of one letter's width */

/* Brightness of half a tile, 0 to 255. */
static unsigned brightness(const uint32_t *tile, uint32_t x0)
{
    uint64_t sum = 0;

    for (uint32_t y = 0; y < TILE; y++)
        for (uint32_t x = x0; x < x0 + HALF; x++) {
            uint32_t p = tile[y * TILE + x];

            sum += (p >> 16 & 255) * 3 + (p >> 8 & 255) * 6 + (p & 255);
        }
    return (unsigned)(sum / (TILE * HALF * 10));
}

void text_picture(const uint32_t *tiles, uint32_t cols, uint32_t rows)
{
    static const char ramp[] = " .:-=+*#%@";
    unsigned low = 255, high = 0;

    for (uint32_t i = 0; i < cols * rows * 2; i++) {
        unsigned b = brightness(tiles + (size_t)(i / 2) * TILE * TILE, i % 2 * HALF);

        low = b < low ? b : low;
        high = b > high ? b : high;
    }
    for (uint32_t i = 0; i < cols * rows * 2; i++) {
        unsigned b = brightness(tiles + (size_t)(i / 2) * TILE * TILE, i % 2 * HALF);

        putchar(ramp[(b - low) * (sizeof(ramp) - 2) / (high > low ? high - low : 1)]);
        if (i % (cols * 2) == cols * 2 - 1)
            putchar('\n');
    }
}
