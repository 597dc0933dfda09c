/* SPDX-License-Identifier: MIT
 *
 * Debug registers, for the switch of threads and for traps. See arch/debugreg.h.
 */
#pragma once

#include "arch/debugreg.h"

/* What the CPU holds becomes d's; NULL: nothing any more. Interrupts off. */
void debug_load(const struct arch_debug *d);

/* What the running thread's trap in user mode tells: its slots, DEBUG_STEP, 0: neither. */
u64 debug_take(const struct arch_thread *t, struct trapframe *tf);

/* The same in the kernel, which touched what the program watches: only noted. */
void debug_note(struct arch_thread *t);
