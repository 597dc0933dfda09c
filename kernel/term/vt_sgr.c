/* SPDX-License-Identifier: MIT
 *
 * Colours of a terminal: select graphic rendition (ECMA-48, 8.3.117), with the 256 colours
 * and the direct ones of xterm brought down to the nearest of sixteen.
 */
#include "kernel/term/vt_sgr.h"
#include "kernel/term/vt_grid.h"

const u32 vt_palette[16] = {0x000000, 0xb03030, 0x30a040, 0xb08020, 0x2850b0, 0xa040a0,
                            0x20a0a0, 0xc0c0c0, 0x606060, 0xff6060, 0x60e060, 0xf0e060,
                            0x70a0ff, 0xf070f0, 0x60e8e8, 0xffffff};

static u8 nearest(u32 red, u32 green, u32 blue)
{
    u32 best = ~0u;
    u8 found = 0;

    for (u8 i = 0; i < 16; i++) {
        s32 r = (s32)(vt_palette[i] >> 16 & 0xff) - (s32)red;
        s32 g = (s32)(vt_palette[i] >> 8 & 0xff) - (s32)green;
        s32 b = (s32)(vt_palette[i] & 0xff) - (s32)blue;
        u32 distance = (u32)(r * r + g * g + b * b);

        if (distance < best) {
            best = distance;
            found = i;
        }
    }
    return found;
}

/* xterm's table: 16 named ones, a cube of 6 x 6 x 6, 24 greys. */
static u8 from_256(u32 n)
{
    static const u8 step[6] = {0, 95, 135, 175, 215, 255};
    u32 grey;

    if (n < 16)
        return (u8)n;
    if (n < 232) {
        n -= 16;
        return nearest(step[n / 36], step[n / 6 % 6], step[n % 6]);
    }
    grey = 8 + (MIN(n, 255u) - 232) * 10;
    return nearest(grey, grey, grey);
}

static void set_fore(struct vt *vt, u8 colour)
{
    vt->now.pen.colour = (vt->now.pen.colour & 0xf0) | colour;
}

static void set_back(struct vt *vt, u8 colour)
{
    vt->now.pen.colour = (u8)((vt->now.pen.colour & 0x0f) | colour << 4);
}

/* 38 or 48 at params[i]: ;5;N or ;2;R;G;B. The index of the last parameter used. */
static u32 extended(struct vt *vt, u32 i)
{
    const u16 *p = &vt->params[i];
    u32 left = vt->nparams - i - 1;
    u8 colour;

    if (left >= 2 && p[1] == 5) {
        colour = from_256(p[2]);
        i += 2;
    } else if (left >= 4 && p[1] == 2) {
        colour = nearest(MIN(p[2], (u16)255), MIN(p[3], (u16)255), MIN(p[4], (u16)255));
        i += 4;
    } else {
        return vt->nparams; /* what follows cannot be told apart from its numbers */
    }
    if (p[0] == 38)
        set_fore(vt, colour);
    else
        set_back(vt, colour);
    return i;
}

static void set_attr(struct vt *vt, u8 attr, bool on)
{
    u8 *now = &vt->now.pen.attr;

    *now = on ? *now | attr : *now & (u8)~attr;
}

static void rendition(struct vt *vt, u32 n)
{
    if (n == 0) {
        vt->now.pen.attr = 0;
        vt->now.pen.colour = VT_COLOUR_DEFAULT;
    } else if (n == 1) {
        set_attr(vt, VT_BOLD, true);
    } else if (n == 4 || n == 21 || n == 24) {
        set_attr(vt, VT_UNDERLINE, n != 24);
    } else if (n == 7 || n == 27) {
        set_attr(vt, VT_REVERSE, n == 7);
    } else if (n == 22) {
        set_attr(vt, VT_BOLD, false);
    } else if (n >= 30 && n <= 37) {
        set_fore(vt, (u8)(n - 30));
    } else if (n == 39) {
        set_fore(vt, VT_COLOUR_DEFAULT & 0x0f);
    } else if (n >= 40 && n <= 47) {
        set_back(vt, (u8)(n - 40));
    } else if (n == 49) {
        set_back(vt, VT_COLOUR_DEFAULT >> 4);
    } else if (n >= 90 && n <= 97) {
        set_fore(vt, (u8)(n - 90 + 8));
    } else if (n >= 100 && n <= 107) {
        set_back(vt, (u8)(n - 100 + 8));
    }
}

void vt_select_rendition(struct vt *vt)
{
    if (vt->nparams == 0)
        rendition(vt, 0);
    for (u32 i = 0; i < vt->nparams; i++) {
        u16 n = vt->params[i];

        if (n == 38 || n == 48)
            i = extended(vt, i);
        else
            rendition(vt, n);
    }
}
