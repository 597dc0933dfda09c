/* SPDX-License-Identifier: MIT
 *
 * What the CPUs have done, for /proc.
 */
#pragma once

#include "lib/types.h"

/* What a CPU did since it runs, and how many threads are ready or run on it. */
struct cpu_times {
    u64 user_ns, system_ns, idle_ns;
    u64 switches, launched; /* from one thread to another; new threads */
    u32 ready;
};
void sched_cpu_times(u32 cpu, struct cpu_times *out);
/* Ready and running threads of the whole machine. */
u32 sched_ready(void);
