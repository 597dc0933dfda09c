/* SPDX-License-Identifier: MIT
 *
 * The screen on a VGA in text mode: 80 x 25 cells of a code of page 437 and colours at
 * 0xb8000, and the card's own cursor. Registers: IBM VGA technical reference (graphics
 * controller 6, CRT controller 0x0a, 0x0e, 0x0f, miscellaneous output).
 */
#include "arch/x86_64/drivers/display/screen_vga.h"
#include "arch/mmu.h"
#include "arch/screen.h"
#include "arch/x86_64/cpu/cpu.h"
#include "arch/x86_64/mmu/mmu.h"
#include "kernel/term/vt.h"

#define COLS 80u
#define ROWS 25u

#define MISC_READ     0x3cc
#define MISC_COLOUR   0x01 /* the CRT controller is at 0x3d4 */
#define GRAPHICS      0x3ce
#define GRAPHICS_MISC 6
#define TEXT_AT_B8000 0x0c
#define TEXT_MASK     0x0d /* memory map, and bit 0: graphics */
#define CRTC          0x3d4
#define CURSOR_START  0x0a
#define CURSOR_OFF    0x20
#define CURSOR_HIGH   0x0e
#define CURSOR_LOW    0x0f
#define SUBSTITUTE    '?'

/* Code page 437, codes 0x80 to 0xff. */
static const u16 upper_half[128] = {
    0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea, 0x00eb,
    0x00e8, 0x00ef, 0x00ee, 0x00ec, 0x00c4, 0x00c5, 0x00c9, 0x00e6, 0x00c6, 0x00f4,
    0x00f6, 0x00f2, 0x00fb, 0x00f9, 0x00ff, 0x00d6, 0x00dc, 0x00a2, 0x00a3, 0x00a5,
    0x20a7, 0x0192, 0x00e1, 0x00ed, 0x00f3, 0x00fa, 0x00f1, 0x00d1, 0x00aa, 0x00ba,
    0x00bf, 0x2310, 0x00ac, 0x00bd, 0x00bc, 0x00a1, 0x00ab, 0x00bb, 0x2591, 0x2592,
    0x2593, 0x2502, 0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557,
    0x255d, 0x255c, 0x255b, 0x2510, 0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c,
    0x255e, 0x255f, 0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256c, 0x2567,
    0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b, 0x256a, 0x2518,
    0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580, 0x03b1, 0x00df, 0x0393, 0x03c0,
    0x03a3, 0x03c3, 0x00b5, 0x03c4, 0x03a6, 0x0398, 0x03a9, 0x03b4, 0x221e, 0x03c6,
    0x03b5, 0x2229, 0x2261, 0x00b1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00f7, 0x2248,
    0x00b0, 0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, 0x00a0};

static u8 code_of(const struct vt_cell *cell)
{
    if (cell->attr & VT_TAIL)
        return ' ';
    if (cell->ch >= ' ' && cell->ch <= '~')
        return (u8)cell->ch;
    for (u32 i = 0; i < ARRAY_SIZE(upper_half); i++)
        if (upper_half[i] == cell->ch)
            return (u8)(0x80 + i);
    return SUBSTITUTE;
}

/* Red and blue stand the other way round than in the terminal's numbers. */
static u32 swap_red_blue(u32 colour)
{
    return (colour & 0xa) | (colour & 1) << 2 | (colour >> 2 & 1);
}

static u16 picture(const struct vt_cell *cell)
{
    u32 fore = swap_red_blue(cell->colour & 0x0f),
        back = swap_red_blue(cell->colour >> 4);

    if (cell->attr & VT_BOLD)
        fore |= 8;
    if (cell->attr & VT_REVERSE) {
        u32 kept = fore;

        fore = back;
        back = kept;
    }
    return (u16)(code_of(cell) | fore << 8 | (back & 7) << 12); /* bit 15 would blink */
}

static void vga_draw(u32 col, u32 row, const struct vt_cell *cells, u32 n)
{
    volatile u16 *at = (volatile u16 *)phys_to_virt(VGA_TEXT) + row * COLS + col;

    for (u32 i = 0; i < n; i++)
        at[i] = picture(&cells[i]);
}

static u8 read_register(u16 port, u8 index)
{
    outb(port, index);
    return inb(port + 1);
}

static void write_register(u16 port, u8 index, u8 value)
{
    outb(port, index);
    outb(port + 1, value);
}

static void vga_cursor(u32 col, u32 row, bool visible)
{
    u32 at = row * COLS + col;
    u8 start = read_register(CRTC, CURSOR_START) & (u8)~CURSOR_OFF;

    write_register(CRTC, CURSOR_START, visible ? start : start | CURSOR_OFF);
    write_register(CRTC, CURSOR_HIGH, (u8)(at >> 8));
    write_register(CRTC, CURSOR_LOW, (u8)at);
}

static const struct screen_driver vga_driver = {.draw = vga_draw, .cursor = vga_cursor};

/* The registers tell honestly: all ones where there is no VGA, graphics where a loader or
 * the firmware made a picture. */
const struct screen_driver *screen_vga_text(u32 *cols, u32 *rows)
{
    static const struct vt_cell blank = {.ch = ' ', .colour = VT_COLOUR_DEFAULT};
    u8 misc = inb(MISC_READ);

    if (misc == 0xff || !(misc & MISC_COLOUR) ||
        (read_register(GRAPHICS, GRAPHICS_MISC) & TEXT_MASK) != TEXT_AT_B8000)
        return NULL;
    for (u32 i = 0; i < COLS * ROWS; i++)
        vga_draw(i % COLS, i / COLS, &blank, 1);
    *cols = COLS;
    *rows = ROWS;
    return &vga_driver;
}
