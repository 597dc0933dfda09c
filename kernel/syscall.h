/* SPDX-License-Identifier: MIT
 *
 * System calls: each is `long sys_NAME(const struct syscall_args *a)` in kernel/sys_*.c and
 * has one line in the table of kernel/syscall_table.h: SYSCALL(number, name). A number
 * without a line returns -ENOSYS and is logged once per program and number.
 */
#pragma once

#include "arch/trap.h"
#include "lib/types.h"

/* The six argument registers, whole: a call narrows them itself as Linux's prototype does. */
struct syscall_args {
    u64 a0, a1, a2, a3, a4, a5;
    struct trapframe *frame;
};

typedef long (*syscall_fn)(const struct syscall_args *a);

#define SYSCALL(number, name) long sys_##name(const struct syscall_args *a);
#include "kernel/syscall_table.h"
#undef SYSCALL
