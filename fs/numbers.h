/* SPDX-License-Identifier: MIT
 *
 * Numbers that no two things have, and counts of all things: each CPU takes a range of numbers
 * and keeps a part of a count, so that who opens and makes files at the same time elsewhere
 * is not waited for.
 */
#pragma once

#include "lib/percpu.h"
#include "lib/types.h"

#define NUMBERS_AT_ONCE 64u
#define TALLY_AT_ONCE   32

/* A CPU's range; the last number given out by all is in a u64 of its own, atomic. */
struct numbers {
    u64 last, end;
};

/* The next number, from 1 on. `mine` is the running CPU's. Not for interrupt handlers. */
static inline u64 number_next(struct numbers *mine, u64 *last)
{
    if (mine->last == mine->end) {
        mine->last = __atomic_fetch_add(last, NUMBERS_AT_ONCE, __ATOMIC_RELAXED);
        mine->end = mine->last + NUMBERS_AT_ONCE;
    }
    return ++mine->last;
}

/* Counts n (1 or -1): in the running CPU's part, and in `all` now and then. */
static inline void tally_add(s32 *mine, s64 *all, s32 n)
{
    s32 now = *mine + n;

    if (now >= TALLY_AT_ONCE || now <= -TALLY_AT_ONCE) {
        __atomic_fetch_add(all, now, __ATOMIC_RELAXED);
        now = 0;
    }
    WRITE_ONCE(*mine, now);
}
