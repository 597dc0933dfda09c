/* SPDX-License-Identifier: MIT
 *
 * Who called whom, on kernel stacks.
 */
#pragma once

#include "lib/types.h"

struct trapframe;

/* Calls visit(return address) for each frame, newest first, starting at frame pointer rbp
 * (0: the caller's own). Stops at the first frame outside kernel stacks; bounded. */
void arch_backtrace(uintptr_t rbp, void (*visit)(uintptr_t ip, void *arg), void *arg);
void arch_print_registers(const struct trapframe *tf);
