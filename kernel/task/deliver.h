/* SPDX-License-Identifier: MIT
 *
 * What a pending signal does to the running thread.
 */
#pragma once

#include "lib/types.h"

struct thread;
struct trapframe;

/* A fault of the running thread: cannot be blocked or ignored (then it kills). */
void signal_fault(int signo, int code, vaddr_t addr, u64 trapno, u64 err);
/* The same of an access that a protection key denies. */
void signal_key_fault(u32 key, vaddr_t addr, u64 trapno, u64 err);

/* Whether sp lies on the alternate stack. */
bool signal_on_altstack(const struct thread *t, vaddr_t sp);

/* Delivers what is pending before a return to user mode. Interrupts on. */
void signal_deliver(struct trapframe *tf);
