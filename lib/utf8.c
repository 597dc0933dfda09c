/* SPDX-License-Identifier: MIT
 *
 * UTF-8 decoding and column widths, see lib/utf8.h. The second byte has a narrower range
 * after e0, ed, f0 and f4; that alone excludes long forms, surrogates and too large codes.
 */
#include "lib/utf8.h"

static bool begin(struct utf8 *u, u8 byte)
{
    u->low = 0x80;
    u->high = 0xbf;
    if (byte >= 0xc2 && byte <= 0xdf) {
        u->missing = 1;
        u->code = byte & 0x1f;
    } else if (byte >= 0xe0 && byte <= 0xef) {
        u->missing = 2;
        u->code = byte & 0x0f;
        u->low = byte == 0xe0 ? 0xa0 : 0x80;
        u->high = byte == 0xed ? 0x9f : 0xbf;
    } else if (byte >= 0xf0 && byte <= 0xf4) {
        u->missing = 3;
        u->code = byte & 0x07;
        u->low = byte == 0xf0 ? 0x90 : 0x80;
        u->high = byte == 0xf4 ? 0x8f : 0xbf;
    } else {
        return false;
    }
    return true;
}

enum utf8_result utf8_feed(struct utf8 *u, u8 byte, u32 *code)
{
    if (u->missing == 0) {
        if (byte < 0x80) {
            *code = byte;
            return UTF8_DONE;
        }
        return begin(u, byte) ? UTF8_MORE : UTF8_BAD;
    }
    if (byte < u->low || byte > u->high) {
        u->missing = 0;
        return UTF8_BAD_AGAIN;
    }
    u->code = u->code << 6 | (byte & 0x3f);
    u->low = 0x80;
    u->high = 0xbf;
    if (--u->missing)
        return UTF8_MORE;
    *code = u->code;
    return UTF8_DONE;
}

struct range {
    u32 first, last;
};

/* Blocks of the Unicode charts (combining marks, format characters). */
static const struct range invisible[] = {
    {0x0080, 0x009f}, {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd},
    {0x0610, 0x061a}, {0x064b, 0x065f}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},
    {0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x206f}, {0x20d0, 0x20ff},
    {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xe0000, 0xe01ef},
};

/* Those of East Asian width W or F (UAX 11), by block, and the emoji. */
static const struct range wide[] = {
    {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xa960, 0xa97f},
    {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff01, 0xff60},
    {0xffe0, 0xffe6},   {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff},
    {0x20000, 0x3fffd},
};

static bool within(u32 code, const struct range *r, size_t n)
{
    for (size_t i = 0; i < n && code >= r[i].first; i++)
        if (code <= r[i].last)
            return true;
    return false;
}

u32 utf8_columns(u32 code)
{
    if (within(code, invisible, ARRAY_SIZE(invisible)))
        return 0;
    return within(code, wide, ARRAY_SIZE(wide)) ? 2 : 1;
}
