/* SPDX-License-Identifier: MIT
 *
 * Scan codes of set 1 (IBM PC/XT and PS/2; the 8042 translates to it) as HID usages. The
 * pairs are those of the "Keyboard Scan Code Specification" (Microsoft, 1.3a), appendix C.
 */
#pragma once

#include "lib/types.h"

/* Where the decoder stands in a sequence; zero: at its start. */
struct scancode {
    u8 prefix; /* 0xe0 or none */
    u8 skip;   /* bytes of the Pause sequence still to come */
};

/* The next byte. True when it completes a key: its usage, and whether it went down. Pause
 * tells only that it went down, its release is the caller's. */
bool scancode_next(struct scancode *s, u8 byte, u8 *usage, bool *down);
