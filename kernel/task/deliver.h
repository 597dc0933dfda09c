/* SPDX-License-Identifier: MIT
 *
 * What a pending signal does to the running thread.
 */
#pragma once

#include "lib/types.h"

struct sig_record;
struct thread;
struct trapframe;

/* A fault of the running thread: cannot be blocked or ignored (then it kills). */
void signal_fault(int signo, int code, vaddr_t addr, u64 trapno, u64 err);
/* The same of an access that a protection key denies. */
void signal_key_fault(u32 key, vaddr_t addr, u64 trapno, u64 err);

/* SIGSYS of a filter of calls, whose data is `data`: for the call `nr` of the running thread, made
 * at ip. It goes as a fault does. The record alone: for signal_die(). */
void signal_filtered(vaddr_t ip, s32 nr, s32 data);
struct sig_record signal_of_filter(vaddr_t ip, s32 nr, s32 data);

/* The running process ends by this signal. No lock held. */
noreturn void signal_die(int signo, const struct sig_record *rec);

/* Whether sp lies on the alternate stack. */
bool signal_on_altstack(const struct thread *t, vaddr_t sp);

/* Delivers what is pending before a return to user mode. Interrupts on. */
void signal_deliver(struct trapframe *tf);
