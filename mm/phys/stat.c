/* SPDX-License-Identifier: MIT
 *
 * Sums and names of the memory system's per-CPU counters.
 */
#include "mm/phys/stat.h"

DEFINE_PER_CPU(u64, mm_stats[MM_STAT_COUNT]);

u64 mm_stat_sum(enum mm_stat which)
{
    u64 sum = 0;

    for (u32 cpu = 0; cpu < cpu_count; cpu++)
        sum += per_cpu(mm_stats, cpu)[which];
    return sum;
}

u64 mm_parts_sum(const s64 *var)
{
    s64 sum = 0;

    for (u32 cpu = 0; cpu < cpu_count; cpu++)
        sum += READ_ONCE(*(const s64 *)((uintptr_t)var + cpu_offset_of(cpu)));
    return sum > 0 ? (u64)sum : 0;
}

const char *mm_stat_name(enum mm_stat which)
{
    static const char *const names[] = {
#define X(name) #name,
        MM_STATS(X)
#undef X
    };

    return names[which];
}
