/* SPDX-License-Identifier: MIT
 *
 * The time of day: what the machine's clock said at boot, what has passed since, and by how much
 * somebody has set it. One for programs, files and /proc.
 */
#pragma once

#include "arch/time.h"
#include "lib/types.h"

#define WALL_SECOND_NS 1000000000ull

extern s64
    wall_set_by; /* nanoseconds, atomic; in fs/inode.c, changed by wall_set() only */

/* Nanoseconds since 1970 at a moment of clock_monotonic_ns(). */
static inline u64 wall_ns_at(u64 monotonic)
{
    return clock_boot_epoch() * WALL_SECOND_NS + monotonic +
           (u64)__atomic_load_n(&wall_set_by, __ATOMIC_RELAXED);
}

static inline u64 wall_ns(void)
{
    return wall_ns_at(clock_monotonic_ns());
}

/* It is `ns` now. */
static inline void wall_set(u64 ns)
{
    u64 unset = clock_boot_epoch() * WALL_SECOND_NS + clock_monotonic_ns();

    __atomic_store_n(&wall_set_by, (s64)(ns - unset), __ATOMIC_RELAXED);
}
