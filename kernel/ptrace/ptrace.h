/* SPDX-License-Identifier: MIT
 *
 * ptrace: what the rest of the kernel calls where a traced thread has something to tell. All
 * of these can be called for threads that nobody traces; callers look at thread->trace first
 * where it is hot. kernel/ptrace/tracee.h has the record itself.
 */
#pragma once

#include "kernel/task/proc.h"

struct siginfo;
struct trapframe;
struct wait_request;
struct wait_result;

/* ---- the running thread t (stop.c); no lock held ---- */

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
/* Whether it wants to know of its end. */
bool ptrace_wants_exit(const struct thread *t);

/* ---- fork (fork.c of kernel/ptrace) ---- */

/* The event that making a child with these flags is, 0: none that is wanted. */
int ptrace_fork_event(const struct thread *t, u64 clone_flags);
/* A record for a child that will be traced too. 0 or -ENOMEM. */
int must_check ptrace_fork_prepare(struct thread *child, u64 clone_flags);
/* The child is known from now on; proc_lock held. */
void ptrace_fork_publish(struct thread *child);

/* ---- the ends of threads (family.c of kernel/ptrace); proc_lock held ---- */

/* t leaves its process: true when its number is kept for its tracer. */
bool ptrace_thread_ends(struct thread *t, int status);
/* p is a zombie: true when its tracer has to hear of it before its parent. */
bool ptrace_zombie(struct proc *p);
/* Whether p is traced by another process than its parent; by its parent. */
bool ptrace_hides(const struct proc *p);
bool ptrace_by_parent(const struct proc *p);
/* p's exec gives t the number of its first thread, whose record comes back, to be freed. */
struct tracee *ptrace_renumber(struct proc *p, struct thread *t);
/* p is waited for. */
void ptrace_forget(struct proc *p);
/* Who looks after t traces it, 0: nobody; whether it stands still for that one. */
s32 ptrace_tracer_of(const struct proc *p, const struct thread *t, bool *stopped);

/* Whether an exec of t must not gain rights; no lock. */
bool ptrace_limits_exec(const struct thread *t);
/* The running thread ends, or all it traces; no lock held. */
void ptrace_tracer_ends(struct thread *t);
void ptrace_free(struct tracee *r);

/* wait4 for what the running process traces; as try_any() of kernel/task/wait.c. */
s32 ptrace_wait(struct proc *tracer, const struct wait_request *w, struct wait_result *r);
