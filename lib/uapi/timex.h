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
#define ADJ_FREQUENCY      0x0002u
#define ADJ_MAXERROR       0x0004u
#define ADJ_ESTERROR       0x0008u
#define ADJ_STATUS         0x0010u
#define ADJ_TIMECONST      0x0020u
#define ADJ_TAI            0x0080u
#define ADJ_SETOFFSET      0x0100u
#define ADJ_MICRO          0x1000u
#define ADJ_NANO           0x2000u
#define ADJ_TICK           0x4000u
#define ADJ_ADJTIME        0x8000u /* adjtime(3)'s, with ADJ_OFFSET */
#define ADJ_OFFSET_SS_READ 0xa001u

#define STA_PLL       0x0001
#define STA_INS       0x0010
#define STA_DEL       0x0020
#define STA_UNSYNC    0x0040
#define STA_CLOCKERR  0x1000
#define STA_NANO      0x2000
#define STA_READ_ONLY 0xff00 /* the PPS signal's, CLOCKERR, NANO, MODE, CLK */

#define TIME_OK    0
#define TIME_ERROR 5
