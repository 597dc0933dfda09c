/* SPDX-License-Identifier: MIT
 *
 * What the CPUs have done, for /proc.
 */
#include "arch/time.h"
#include "kernel/task/sched/sched.h"
#include "kernel/task/sched/sched_own.h"
#include "lib/string.h"

void sched_cpu_times(u32 cpu, struct cpu_times *out)
{
    const struct runq *q = runqs[cpu];
    u64 since, cycles;

    memset(out, 0, sizeof(*out));
    if (!(READ_ONCE(runq_cpus) >> cpu & 1))
        return;
    cycles = READ_ONCE(q->idle_cycles);
    since = READ_ONCE(q->idle_since);
    if (since)
        cycles += cpu_cycles() - since;
    out->idle_ns = clock_ns_of_span(cycles);
    out->user_ns = READ_ONCE(q->user_ticks) * TICK_NS;
    out->system_ns = READ_ONCE(q->system_ticks) * TICK_NS;
    out->switches = READ_ONCE(q->switches);
    out->launched = READ_ONCE(q->launched);
    out->ready = READ_ONCE(q->nr);
}

u32 sched_ready(void)
{
    u32 sum = 0;

    for (u64 left = READ_ONCE(runq_cpus); left; left &= left - 1)
        sum += READ_ONCE(runqs[__builtin_ctzll(left)]->nr);
    return sum;
}
