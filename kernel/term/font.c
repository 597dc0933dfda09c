/* SPDX-License-Identifier: MIT
 *
 * From a character to its picture.
 */
#include "kernel/term/font.h"

const u8 *font_glyph(u16 ch)
{
    u32 low = 0, high = font_ncodes;

    if (ch >= ' ' && ch <= '~')
        return font_bits[ch - ' '];
    while (low < high) {
        u32 mid = low + (high - low) / 2;

        if (font_codes[mid].ch == ch)
            return font_bits[font_codes[mid].glyph];
        if (font_codes[mid].ch < ch)
            low = mid + 1;
        else
            high = mid;
    }
    return font_bits[FONT_MISSING];
}
