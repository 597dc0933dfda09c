/* SPDX-License-Identifier: MIT
 *
 * Stopping all CPUs but one, for a panic and the end of the machine.
 */
#pragma once

#include "lib/types.h"

struct trapframe;

/* All other CPUs stop for ever, by NMI where nothing
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
