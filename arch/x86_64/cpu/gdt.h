/* SPDX-License-Identifier: MIT
 *
 * Segments, task state and the stacks of exceptions, and the entry of system calls.
 */
#pragma once

#include "lib/types.h"

/* GDT, TSS and IDT of the boot CPU, features; usable before anything else. */
void cpu_tables_init(void);
/* GDT and TSS of the running CPU; ist_create() was called for it. */
void gdt_init(void);
void tss_set_stack(uintptr_t top);

/* Guarded stacks for the exceptions of CPU `id`, put into its TSS. False: no memory. */
bool ist_create(u32 id);
void ist_destroy(u32 id);

/* The exception stack of CPU `id` that holds `sp`, as its end; 0: none. */
uintptr_t ist_stack_top(u32 id, uintptr_t sp);

/* SYSCALL registers. */
void syscall_init(void);
