/* SPDX-License-Identifier: MIT
 *
 * The end of the kernel: one report with cause, registers, symbolised backtrace, process
 * and system call, then the machine stops with an exit status a test can see.
 */
#pragma once

#include "arch/trap.h"
#include "lib/assert.h"

#define PANIC_EXIT_CODE 0x7f /* QEMU status 255 */

/* As panic(), for a fault of the kernel itself with its registers. */
noreturn void panic_trap(const struct trapframe *tf, const char *fmt, ...)
    printf_like(2, 3);

/* Whether a report is under way: locks of the log are not waited for. */
bool panic_started(void);
