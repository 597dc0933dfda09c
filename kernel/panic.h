/* SPDX-License-Identifier: MIT
 *
 * The end of the kernel: one report with cause, registers, symbolised backtrace, process
 * and last system call, then the machine stops with an exit status a test can see.
 */
#pragma once

#include "arch/trap.h"
#include "lib/assert.h"

/* As panic(), for a fault of the kernel itself with its registers. */
noreturn void panic_trap(const struct trapframe *tf, const char *fmt, ...) printf_like(2, 3);
