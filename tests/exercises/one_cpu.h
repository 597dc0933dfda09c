/* SPDX-License-Identifier: MIT
 *
 * The machine below a program that takes files of lib as they are: one CPU, and what asserts call.
 */
#pragma once

#include "lib/spinlock.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct cpu ex_cpus[EX_CPUS];
uintptr_t ex_cpu_offset[EX_CPUS];
u32 ex_cpu, cpu_count = 1;

noreturn void panic(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    puts("");
    exit(1);
}

void spin_wait(spinlock_t *lock)
{
    panic("a lock that is held: %p", (void *)lock);
}
