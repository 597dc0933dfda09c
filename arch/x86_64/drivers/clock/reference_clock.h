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
