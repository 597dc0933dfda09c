/* SPDX-License-Identifier: MIT
 *
 * The other CPUs: starting them, waking them, stopping them. Flushes are in arch/tlb.h.
 */
#pragma once

#include "lib/types.h"

struct trapframe;

/* Starts the CPUs that the firmware names, as far as the command line allows it, one after
 * the other; returns when each runs or was given up, with cpu_count as it stays. Each arrives
 * in cpu_main() (kernel/main.h). On the boot CPU, in the boot thread, after arch_timer_init. */
void arch_cpus_start(void);

/* CPUs of this machine, running or not, as far as there is room for them (MAX_CPUS). */
u32 arch_cpus_present(void);

/* Interrupts CPU `id` (not the caller's): it leaves hlt, or looks at `need_resched` on its way
 * to user mode. The caller has set that in cpu_block(id) where it wants it seen. */
void arch_cpu_kick(u32 id);

/* For a panic and the end of the machine: all other CPUs stop for ever, by NMI where nothing
 * else helps. Waits for them, but not long. */
void arch_cpus_stop(void);

/* Stops the running CPU like that: another one is at it already. tf: the code that was
 * interrupted, or NULL; rbp: its frame pointer. */
noreturn void arch_cpu_stop_here(const struct trapframe *tf, uintptr_t rbp);

/* Where CPU `id` stopped; false: it did not. */
struct cpu_place {
    const struct trapframe *tf;
    uintptr_t rbp;
};
bool arch_cpu_stopped(u32 id, struct cpu_place *place);
