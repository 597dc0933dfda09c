/* SPDX-License-Identifier: MIT
 *
 * Where page faults of programs come in.
 */
#pragma once

#include "mm/op/fault.h"

/* Resolves one access of the running thread at va. Takes mm->lock itself (shared, or exclusive to grow a stack).
 * An address below a growable area grows it, whatever the stack pointer says, as Linux does
 * since 5.0, within RLIMIT_STACK and the guard gap. Never FAULT_KEY for key 0: what a thread that
 * denies itself that one may not touch, the CPU says. */
enum fault_result fault_handle(struct mm *mm, vaddr_t va, u32 access);

/* What it is that the CPU has denied by a key: FAULT_KEY, or FAULT_MAPERR when nothing is mapped
 * there any more. Takes mm->lock itself. */
enum fault_result fault_denied(struct mm *mm, vaddr_t va);
