/* SPDX-License-Identifier: MIT
 *
 * UTF-8 a byte at a time (RFC 3629: shortest forms only, no surrogates, up to U+10FFFF),
 * and how many columns of a terminal a character takes.
 */
#pragma once

#include "lib/types.h"

#define UTF8_REPLACEMENT 0xfffdu

/* Zero: at the start of a character. */
struct utf8 {
    u32 code;
    u8 missing;   /* bytes still to come */
    u8 low, high; /* what the next byte may be */
};

enum utf8_result {
    UTF8_MORE,      /* the character goes on */
    UTF8_DONE,      /* *code is complete */
    UTF8_BAD,       /* the byte begins nothing */
    UTF8_BAD_AGAIN, /* what came before was cut; the byte is to be fed again */
};

enum utf8_result utf8_feed(struct utf8 *u, u8 byte, u32 *code);

/* Columns: 0 for combining marks and other invisible characters, 2 for East Asian wide
 * ones and emoji, else 1. */
u32 utf8_columns(u32 code);
