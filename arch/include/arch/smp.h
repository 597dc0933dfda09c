/* SPDX-License-Identifier: MIT
 *
 * The other CPUs: starting them, waking them, stopping them. Flushes are in arch/tlb.h.
 */
#pragma once

#include "lib/types.h"

/* Starts the CPUs that the firmware names, as far as the command line allows it, one after
 * the other; returns when each runs or was given up, with cpu_count as it stays. Each arrives
 * in cpu_main() (kernel/main.h). On the boot CPU, in the boot thread, after arch_timer_init. */
void arch_cpus_start(void);

/* Interrupts CPU `id` (not the caller's): it leaves hlt, or looks at `need_resched` on its way
 * to user mode. The caller has set that in cpu_block(id) where it wants it seen. */
void arch_cpu_kick(u32 id);

/* For a panic: all other CPUs stop for ever, wherever they are. */
void arch_cpus_stop(void);
