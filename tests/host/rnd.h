/* SPDX-License-Identifier: MIT
 *
 * Short names for random numbers of the run's seed.
 */
#pragma once

#include "tests/host/harness.h"

static inline u64 rnd(void)
{
    return test_rand();
}

static inline u64 rnd_below(u64 n)
{
    return test_rand() % n;
}

static inline bool one_in(u64 n)
{
    return test_rand() % n == 0;
}
