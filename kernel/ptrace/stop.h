/* SPDX-License-Identifier: MIT
 *
 * The traced thread's side: where it stops, and what it does with its tracer's answer.
 */
#pragma once

#include "kernel/ptrace/ptrace.h"

/* A system call begins; false: its result is in the frame already. And ends. */
bool must_check ptrace_enter(struct thread *t, struct trapframe *tf);

void ptrace_leave(struct thread *t, struct trapframe *tf);

/* Signal signo was taken: what to deliver instead, with *rec; 0: nothing. */
int ptrace_signal(struct thread *t, int signo, struct sig_record *rec);

/* The process is stopped, and t traced: it stops in its way, and true. */
bool ptrace_group_stop(struct thread *t);

/* t->trap_due. */
void ptrace_trap(struct thread *t);

/* A handler's frame is about to be pushed, and was. */
void ptrace_before_handler(struct thread *t, struct trapframe *tf);

void ptrace_after_handler(struct thread *t);

/* PTRACE_EVENT_*, if its tracer wants to know. */
void ptrace_event(struct thread *t, int event, u64 message);

/* After an exec, with the number the thread had before. */
void ptrace_exec(struct thread *t, s32 old_tid);

/* A debug trap of the program: true when it is what is left of a step nobody waits for. */
bool ptrace_stale_step(struct thread *t, struct trapframe *tf);

/* Whether it wants to know of that PTRACE_EVENT_* of t. */
bool ptrace_wants(const struct thread *t, int event);

/* Whether an exec of t must not gain rights; no lock. */
bool ptrace_limits_exec(const struct thread *t);

/* Who traces t, or the ended first thread of p, 0: nobody; whether it stands still for that one;
 * proc_lock held. */
s32 ptrace_tracer_of(const struct proc *p, const struct thread *t, bool *stopped);
