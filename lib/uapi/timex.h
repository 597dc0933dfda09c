/* SPDX-License-Identifier: MIT
 *
 * The record of adjtimex(2), Linux x86-64.
 */
#pragma once

#include "lib/types.h"
#include "lib/uapi/time.h"

struct timex {
    u32 modes, pad1;
    s64 offset, freq, maxerror, esterror;
    s32 status, pad2;
    s64 constant, precision, tolerance;
    struct timeval time;
    s64 tick, ppsfreq, jitter;
    s32 shift, pad3;
    s64 stabil, jitcnt, calcnt, errcnt, stbcnt;
    s32 tai, pad4[11];
};

_Static_assert(sizeof(struct timex) == 208, "as programs have it");

#define ADJ_OFFSET         0x0001u
#define ADJ_SETOFFSET      0x0100u
#define ADJ_NANO           0x2000u
#define ADJ_ADJTIME        0x8000u /* adjtime(3)'s, with ADJ_OFFSET */
#define ADJ_OFFSET_SS_READ 0xa001u

#define STA_UNSYNC 0x40
#define TIME_ERROR 5
