/* SPDX-License-Identifier: MIT
 *
 * Counters of known rate that the TSC is measured against. Each may be missing, standing or
 * lying: who reads one bounds the number of reads.
 */
#pragma once

#include "lib/types.h"

struct reference_clock {
    const char *name;
    u64 hz;
    u64 mask; /* the counter wraps here */
    u64 (*read)(void);
    void (*stop)(void); /* NULL: it may run on */
};

#define RATES_AGREE 20000u /* one part in so many */

/* A rate measured up to `most` times: the first that the one before agrees with, else the one whose
 * readings were disturbed least. sample: 0 when the counter stands; *doubt: how long its readings
 * took. 0: none came. */
static inline u64
measured_rate(u32 most, u64 (*sample)(const struct reference_clock *y, u64 *doubt),
              const struct reference_clock *y)
{
    u64 best = 0, least = ~0ull, last = 0, doubt = 0;

    for (u32 i = 0; i < most; i++) {
        u64 rate = sample(y, &doubt), apart = rate > last ? rate - last : last - rate;

        if (rate == 0)
            break;
        if (apart < rate / RATES_AGREE)
            return rate;
        if (doubt < least) {
            least = doubt;
            best = rate;
        }
        last = rate;
    }
    return best;
}
