/* SPDX-License-Identifier: MIT
 *
 * Counters of the memory system, per CPU, summed for /proc/vmstat.
 */
#pragma once

#include "lib/percpu.h"
#include "lib/types.h"

/* name in /proc/vmstat */
#define MM_STATS(X)                                            \
    X(pgfault)         /* faults resolved */                   \
    X(fault_anon_zero) /* read of untouched private memory */  \
    X(fault_anon_new)  /* fresh private page */                \
    X(fault_cow)       /* copy on write */                     \
    X(fault_reuse)     /* write to a page owned alone */       \
    X(fault_object)    /* page of an object mapped */          \
    X(fault_spurious)  /* the translation was already there */ \
    X(fault_segv)                                              \
    X(fault_bus)                                               \
    X(remap_calls)                                             \
    X(remap_pages)                                             \
    X(pte_zapped)                                              \
    X(tlb_flush_page)                                          \
    X(tlb_flush_range)                                         \
    X(tlb_flush_full)                                          \
    X(tlb_flush_remote)                                        \
    X(backlink_grow) /* logs made or enlarged */               \
    X(pgalloc)                                                 \
    X(pgfree)

enum mm_stat {
#define X(name) MM_STAT_##name,
    MM_STATS(X)
#undef X
        MM_STAT_COUNT
};

DECLARE_PER_CPU(u64, mm_stats[MM_STAT_COUNT]);

#define mm_count(name)        (this_cpu_at(mm_stats, MM_STAT_##name)++)
#define mm_count_n(name, num) (this_cpu_at(mm_stats, MM_STAT_##name) += (num))

/* Counts of the whole machine in parts, a per-CPU s64 for each CPU: what one adds another may
 * take away, so a part may be below 0. Not for interrupt handlers. */
#define mm_part_add(var, n) (this_cpu(var) += (s64)(n))
#define mm_part_sum(var)    mm_parts_sum(&(var))
u64 mm_parts_sum(const s64 *var);

u64 mm_stat_sum(enum mm_stat which);
const char *mm_stat_name(enum mm_stat which);
