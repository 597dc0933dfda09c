/* SPDX-License-Identifier: MIT
 *
 * System calls: each is `long sys_NAME(const struct syscall_args *a)` in kernel/sys and
 * has one line in the table of kernel/syscall_table.h: SYSCALL(number, name). A number
 * without a line returns -ENOSYS and is logged once per name of a program and number.
 */
#pragma once

#include "arch/trap.h"
#include "lib/assert.h"
#include "lib/types.h"

/* The six argument registers, whole: a call narrows them itself as Linux's prototype does.
 * They are not copied: this is the trap frame, seen with the names of the calling convention. */
struct syscall_args {
    u64 saved[7];
    u64 a3, a5, a4; /* r10, r9, r8 */
    u64 number, rcx;
    u64 a2, a1, a0; /* rdx, rsi, rdi */
};
STATIC_ASSERT(offsetof(struct syscall_args, a3) == offsetof(struct trapframe, r10));
STATIC_ASSERT(offsetof(struct syscall_args, number) == offsetof(struct trapframe, rax));
STATIC_ASSERT(offsetof(struct syscall_args, a0) == offsetof(struct trapframe, rdi));

/* The user's registers during the call. */
static inline struct trapframe *syscall_frame(const struct syscall_args *a)
{
    return (struct trapframe *)a;
}

typedef long (*syscall_fn)(const struct syscall_args *a);

#define SYSCALL(number, name) long sys_##name(const struct syscall_args *a);
#include "kernel/syscall_table.h"
#undef SYSCALL
#define OWN_SYSCALL(number, name) long sys_##name(const struct syscall_args *a);
#include "kernel/syscall_own.h"
#undef OWN_SYSCALL

/* Numbers of our own calls (kernel/syscall_own.h). */
#define OWN_SYSCALL_FIRST 1000u
#define OWN_SYSCALL_COUNT 8u
