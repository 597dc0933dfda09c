/* SPDX-License-Identifier: MIT
 *
 * The time of day.
 */
#include "lib/wallclock.h"

s64 wall_set_by;

void wall_set(u64 ns)
{
    u64 unset = clock_boot_epoch() * WALL_SECOND_NS + clock_monotonic_ns();

    __atomic_store_n(&wall_set_by, (s64)(ns - unset), __ATOMIC_RELAXED);
}
