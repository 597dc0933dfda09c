/* SPDX-License-Identifier: MIT
 *
 * Traps: the saved registers of the interrupted code, and the calls that machine code
 * makes into the kernel. The layout is that of arch/x86_64/cpu/trap.asm.
 */
#pragma once

#include "lib/types.h"

struct syscall_args;

/* At the top of the kernel stack for entries from user mode. */
struct trapframe {
    u64 r15, r14, r13, r12, rbp, rbx; /* callee-saved */
    u64 r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    u64 vector; /* SYSCALL: TRAP_SYSCALL */
    u64 error; /* hardware error code; SYSCALL: the number, so that a restart can re-enter */
    u64 rip, cs, rflags, rsp, ss;
};

/* Machine code reads the u32 at this offset of the running thread on the way into a call and
 * back to user mode: not 0, and it goes the long way. */
#define THREAD_WORK_OFFSET 0
#define SYSCALL_SHORT      512 /* numbers below it may go the short way */

#define TRAP_SYSCALL   0x100
#define TRAP_SIGRETURN 0x101 /* after rt_sigreturn: nothing to restart, rax stays */

static inline bool trap_from_user(const struct trapframe *tf)
{
    return tf->cs & 3;
}

/* Registers of a program that is about to start at rip with this stack. */
static inline void trapframe_start(struct trapframe *tf, u64 rip, u64 rsp)
{
    *tf = (struct trapframe){
        .rip = rip, .cs = 0x33, .rflags = 0x202, .rsp = rsp, .ss = 0x2b};
}

/* ---- called by machine code, provided by kernel/ ---- */

/* The functions of the short way, called with the frame: number and arguments are in rax,
 * rdi rsi rdx r10 r8 r9, the registers that C functions keep are not there yet. Entries of
 * calls that need those, and of numbers without a call, are syscall_long. */
extern long (*const syscall_short[SYSCALL_SHORT])(const struct syscall_args *args);

/* Machine code's: starts the call anew on the long way. Only called by the short way. */
long syscall_long(const struct syscall_args *args);

/* One system call the long way, with the whole frame; stores the result in tf->rax and does
 * what return_to_user does. Interrupts are on; off on return. */
void syscall_entry(struct trapframe *tf);

/* The end of a call that was begun the short way: its result is in tf->rax, which has become
 * whole. */
void syscall_leave(struct trapframe *tf);

/* Before every return to user mode, interrupts off on entry and on return: delivers
 * signals, switches threads when asked. */
void return_to_user(struct trapframe *tf);

/* A page fault at `addr`, by one of the accesses below. kernel-mode faults on user addresses
 * inside a user copy come here too. Returns true when it was resolved (or a signal was queued
 * for user mode); false for a kernel-mode fault that the exception table must handle.
 * Interrupts are on. */
#define ACCESS_READ  1u
#define ACCESS_WRITE 2u
#define ACCESS_EXEC  4u
bool page_fault(struct trapframe *tf, vaddr_t addr, u32 access);

/* A page fault of user mode at `addr`, where the page has a protection key that denies the access. */
void key_fault(struct trapframe *tf, vaddr_t addr);

/* Any other exception raised in user mode: queues the signal. vector: Intel SDM vol. 3A,
 * table 6-1. addr: what si_addr shall say. Of a debug trap `error` is what
 * arch_debug.status holds: arch/debugreg.h. */
void user_exception(struct trapframe *tf, unsigned vector, u64 error, vaddr_t addr);

/* The running CPU's timer rang, in interrupt context. */
void timer_interrupt(struct trapframe *tf);

/* A byte arrived on the console, in interrupt context. */
void console_input(u8 byte);

/* Leaves the kernel through the frame at the top of the running thread's stack: calls
 * return_to_user first. Never returns. */
noreturn void arch_enter_user(void);
