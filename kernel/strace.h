/* SPDX-License-Identifier: MIT
 *
 * Names of system calls, and the trace of tools/run --trace: with `trace` on the kernel's
 * command line each system call of a program but init is one line on the host's trace port:
 *   PID name(a0, a1, a2, a3, a4, a5) = result
 */
#pragma once

#include "kernel/syscall.h"

/* "?" for a number that is not in the table. */
const char *syscall_name(u64 number);

extern bool strace_on;
void strace_init(void);

/* After a call of the running thread, when strace_on. */
void strace_log(u64 number, const struct syscall_args *a, long result);
