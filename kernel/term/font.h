/* SPDX-License-Identifier: MIT
 *
 * The screen's font. tools/mkfont.py makes the tables from a Debian package at build time:
 * glyphs 0 to 94 are U+0020 to U+007E, glyph 95 stands for what is missing.
 */
#pragma once

#include "lib/types.h"

#define FONT_WIDTH   8u
#define FONT_HEIGHT  16u
#define FONT_MISSING 95u

struct font_code {
    u16 ch, glyph;
};

extern const u8 font_bits[][FONT_HEIGHT];
extern const struct font_code font_codes[]; /* ascending */
extern const u32 font_ncodes;
extern const char font_credit[]; /* of the font's maker, as the licence asks */

/* FONT_HEIGHT rows, the highest bit on the left. Never NULL. */
const u8 *font_glyph(u16 ch);
