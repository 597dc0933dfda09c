/* SPDX-License-Identifier: MIT
 *
 * The counts of resident pages.
 */
#include "mm/table/resident.h"

void mm_settle_resident(struct mm *mm)
{
    struct cpu *cpu = cpu_self();

    ASSERT(cpu->mm == mm);
    for (unsigned k = 0; k < RESIDENT_KINDS; k++) {
        if (cpu->resident[k])
            __atomic_fetch_add(&mm->resident[k], (u64)cpu->resident[k], __ATOMIC_RELAXED);
        WRITE_ONCE(cpu->resident[k], 0);
    }
}

u64 mm_resident(const struct mm *mm, enum resident kind)
{
    s64 n = (s64)__atomic_load_n(&mm->resident[kind], __ATOMIC_RELAXED);
    u64 cpus = __atomic_load_n(&mm->cpus, __ATOMIC_RELAXED);

    for (; cpus; cpus &= cpus - 1) {
        const struct cpu *cpu = cpu_block((u32)__builtin_ctzll(cpus));

        if (READ_ONCE(cpu->mm) == mm)
            n += READ_ONCE(cpu->resident[kind]);
    }
    return (u64)MAX(n, (s64)0);
}

u64 mm_rss(const struct mm *mm)
{
    return mm_resident(mm, RESIDENT_ANON) + mm_resident(mm, RESIDENT_FILE) +
           mm_resident(mm, RESIDENT_SHMEM);
}
