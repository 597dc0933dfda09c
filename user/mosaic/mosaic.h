/* SPDX-License-Identifier: MIT
 *
 * The parts of the mosaic: the window of pages (window.c), the picture in it (picture.c), the
 * screen (screen.c) or letters instead of it (text.c), and the game with the pages
 * (mosaic.c). A tile is one page: 32 x 32 pixels 0x00RRGGBB.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TILE       32u
#define TILE_BYTES 4096u

/* ---- window.c ---- */

struct window {
    uint8_t *bytes;
    uint32_t n;      /* places, and pages of the file */
    uint32_t *shows; /* by place: the file page it shows */
    uint32_t *place; /* by file page: where it is */
    uint64_t *sums;  /* by file page: of its contents */
    uint64_t remaps, remap_ns;
};

uint64_t now_ns(void); /* monotonic */
/* Maps a file of n pages that nobody else sees. false: errno says why not. */
bool window_open(struct window *w, uint32_t n);
void window_close(struct window *w); /* also after window_open failed */
/* The pages are filled and in order. */
void window_begin(struct window *w);
/* Exchanges what two places show; false with errno when a call failed. */
bool window_swap(struct window *w, uint32_t a, uint32_t b);
/* Every place shows the page that it should, bit by bit. */
bool window_right(const struct window *w);
/* Areas of /proc/self/maps that lie in the window. */
unsigned window_areas(const struct window *w);

/* ---- picture.c ---- */

/* Fills cols * rows tiles with our own picture: a floor of small stones with a name on it. */
void picture_draw(uint32_t *tiles, uint32_t cols, uint32_t rows);

/* The same from a PPM file (P6, 8 bits a colour), scaled to fit. NULL, or what is wrong. */
const char *picture_load(const char *path, uint32_t *tiles, uint32_t cols, uint32_t rows);

/* ---- text.c ---- */

/* Prints the tiles as letters, two for each. */
void text_picture(const uint32_t *tiles, uint32_t cols, uint32_t rows);

/* ---- screen.c ---- */

struct screen {
    uint8_t *memory;
    size_t nbytes;
    uint32_t width, height, line, bytes; /* line: bytes of a line; bytes: of a pixel */
    uint32_t red, green, blue;           /* positions in a pixel */
    uint32_t left, top;                  /* of the picture */
    int fd;
    int tty; /* whose text makes room, or -1 */
};

/* Opens /dev/fb0, black, and takes it from the console. NULL, or what is wrong. */
const char *screen_open(struct screen *s);
/* Shows at once what was drawn; else it shows a moment later. */
void screen_flush(const struct screen *s);
/* Gives the screen back to the text. */
void screen_close(struct screen *s);
/* Largest grid of tiles below the line of text. */
void screen_grid(const struct screen *s, uint32_t *cols, uint32_t *rows);
void screen_tile(const struct screen *s, uint32_t col, uint32_t row,
                 const uint32_t *tile);
/* One line of text above the picture. */
void screen_text(const struct screen *s, const char *text);

/* Rows of a character of the small font, 5 bits each from the top; those it lacks are blank. */
const uint8_t *glyph(char c);
