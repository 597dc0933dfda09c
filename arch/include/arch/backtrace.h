/* SPDX-License-Identifier: MIT
 *
 * Who called whom, on kernel stacks.
 */
#pragma once

#include "lib/types.h"

struct arch_thread;
struct trapframe;

/* Calls visit(return address) for each frame, newest first, starting at frame pointer rbp
 * (0: the caller's own) on a stack of CPU `cpu`, which runs this or has stopped. Stops at the
 * first frame outside of that CPU's kernel stacks; bounded. */
void arch_backtrace(u32 cpu, uintptr_t rbp, void (*visit)(uintptr_t ip, void *arg),
                    void *arg);
/* The same for a thread that sleeps, until visit says true. When it is woken meanwhile, what is
 * visited may be nonsense, but nothing is read outside of its stack. */
void arch_backtrace_of(const struct arch_thread *t,
                       bool (*visit)(uintptr_t ip, void *arg), void *arg);
void arch_print_registers(const struct trapframe *tf);
/* The running CPU's, of which a trap saves nothing. */
void arch_print_control_registers(void);
