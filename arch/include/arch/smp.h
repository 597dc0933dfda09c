/* SPDX-License-Identifier: MIT
 *
 * The other CPUs: starting them and waking them. Flushes are in arch/tlb.h, the end in
 * arch/stop.h.
 */
#pragma once

#include "lib/types.h"

/* Starts the CPUs that the firmware names, as far as the command line allows it, one after
 * the other; returns when each runs or was given up, with cpu_count as it stays. Each arrives
 * in cpu_main() (kernel/main.h). On the boot CPU, in the boot thread, after arch_timer_init. */
void arch_cpus_start(void);

/* CPUs of this machine, running or not, as far as there is room for them (MAX_CPUS). */
u32 arch_cpus_present(void);

/* Interrupts CPU `id` (not the caller's): it leaves hlt, or looks at `need_resched` on its way
 * to user mode. The caller has set that in cpu_block(id) where it wants it seen. */
void arch_cpu_kick(u32 id);
