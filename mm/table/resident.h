/* SPDX-License-Identifier: MIT
 *
 * The counts of resident pages. Nothing else writes them: slots and the end of a change add to
 * them here. A CPU keeps a few to itself, so that CPUs of one address space do not share a line.
 */
#pragma once

#include "mm/table/mm_types.h"

/* Pages a CPU may keep out of the counts of the address space that it runs. */
#define RESIDENT_BATCH 64

STATIC_ASSERT(RESIDENT_KINDS == CPU_RESIDENT_KINDS);

/* What the running CPU has kept goes into the counts of mm, which it has loaded: when that is
 * much, and before it leaves mm. */
void mm_settle_resident(struct mm *mm);

/* n pages (negative: fewer) of a kind more are resident in mm, which this CPU has loaded. */
static inline void mm_add_resident_here(struct mm *mm, enum resident kind, s64 n)
{
    n = cpu_own.resident[kind] += n;
    if (unlikely((u64)(n + RESIDENT_BATCH) > 2 * RESIDENT_BATCH))
        mm_settle_resident(mm);
}

/* The same of any address space. */
static inline void mm_add_resident(struct mm *mm, enum resident kind, s64 n)
{
    if (likely(cpu_own.mm == mm))
        mm_add_resident_here(mm, kind, n);
    else
        __atomic_fetch_add(&mm->resident[kind], (u64)n, __ATOMIC_RELAXED);
}

/* Resident pages of a kind: exact when nobody changes them. */
u64 mm_resident(const struct mm *mm, enum resident kind);
/* In all. */
u64 mm_rss(const struct mm *mm);

/* The same as far as this CPU knows, without a look at others'. */
static inline u64 mm_rss_near(const struct mm *mm)
{
    s64 n = 0;

    for (unsigned k = 0; k < RESIDENT_KINDS; k++)
        n += (s64)mm->resident[k];
    for (unsigned k = 0; k < RESIDENT_KINDS && cpu_own.mm == mm; k++)
        n += cpu_own.resident[k];
    return (u64)MAX(n, (s64)0);
}
