/* SPDX-License-Identifier: MIT
 *
 * The first stack of a program.
 */
#pragma once

#include "lib/types.h"

/* The vDSO lies above the stack, below the last pages of user space, which programs like to map
 * for themselves. */
#define STACK_VDSO_END (USER_END - (16ul << 20))

struct mm;
struct stack_request;

/* Decides where mmap begins to search, below the room kept for the stack. */
void stack_place(struct mm *mm, u64 stack_limit);

/* Makes the stack with arguments, environment and auxiliary vector; *sp is the first stack
 * pointer. -E2BIG, -ENOMEM. */
int stack_build(struct mm *mm, const struct stack_request *req, vaddr_t *sp);

/* Bytes of arguments and environment allowed, pointers included. */
u64 exec_args_limit(u64 stack_limit);
