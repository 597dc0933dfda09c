/* SPDX-License-Identifier: MIT
 *
 * The other CPUs.
 */
#include "arch/smp.h"
#include "arch/x86_64/cpu/cpu.h"
#include "lib/assert.h"

STATIC_ASSERT(offsetof(struct cpu, requests) == 64);

void arch_cpus_start(void)
{
}

void arch_cpu_kick(u32 id)
{
    ASSERT(id < cpu_count && id != cpu_id());
}

void arch_cpus_stop(void)
{
}

void cpu_serve(void)
{
}
