/* SPDX-License-Identifier: MIT
 *
 * The time of day: what the machine's clock said at boot, what has passed since, and by how much
 * somebody has set it. One for programs, files and /proc.
 */
#pragma once

#include "arch/time.h"
#include "lib/types.h"

#define WALL_SECOND_NS 1000000000ull

/* The time of day in nanoseconds since 1970 when clock_monotonic_ns() was 0, as it is set now. Atomic;
 * in fs/inode.c, changed by the two below only. */
extern u64 wall_at_boot;

/* At boot, before a file is made. */
static inline void wall_start(void)
{
    __atomic_store_n(&wall_at_boot, clock_boot_epoch() * WALL_SECOND_NS,
                     __ATOMIC_RELAXED);
}

/* Nanoseconds since 1970 at a moment of clock_monotonic_ns(). */
static inline u64 wall_ns_at(u64 monotonic)
{
    return __atomic_load_n(&wall_at_boot, __ATOMIC_RELAXED) + monotonic;
}

static inline u64 wall_ns(void)
{
    return wall_ns_at(clock_monotonic_ns());
}

/* It is `ns` now. */
static inline void wall_set(u64 ns)
{
    __atomic_store_n(&wall_at_boot, ns - clock_monotonic_ns(), __ATOMIC_RELAXED);
}
