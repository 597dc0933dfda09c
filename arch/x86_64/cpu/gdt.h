/* SPDX-License-Identifier: MIT
 *
 * Segments, task state and the stacks of exceptions, and the entry of system calls.
 */
#pragma once

#include "lib/types.h"

/* GDT, TSS and IDT of the boot CPU, features; usable before anything else. */
void cpu_tables_init(void);
void gdt_init(void);
void tss_set_stack(uintptr_t top);

/* The interrupt stack that holds `sp`, as its end; 0: none. */
uintptr_t ist_stack_top(uintptr_t sp);

/* SYSCALL registers. */
void syscall_init(void);
