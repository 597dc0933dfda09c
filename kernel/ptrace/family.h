/* SPDX-License-Identifier: MIT
 *
 * Tracers and what they trace: the second tree of processes. A tracer waits for its tracees as
 * for children; a process that ends traced by a stranger is told to its parent only after that
 * one has waited for it, or has gone.
 */
#pragma once

#include "kernel/ptrace/tracee.h"

#include "kernel/ptrace/ptrace.h"

/* The event that making a child with these flags is, 0: none that is wanted. */
int ptrace_fork_event(const struct thread *t, u64 clone_flags);

/* A record for a child that will be traced too. 0 or -ENOMEM. */
int must_check ptrace_fork_prepare(struct thread *child, u64 clone_flags);

/* The child is known from now on; proc_lock held. */
void ptrace_fork_publish(struct thread *child);

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

/* The running thread ends, or all it traces; no lock held. */
void ptrace_tracer_ends(struct thread *t);

void ptrace_free(struct tracee *r);

/* wait4 for what the running process traces; as try_any() of kernel/task/wait.c. proc_lock, taken
 * with these flags, is given up now and then. */
s32 ptrace_wait(struct proc *tracer, const struct wait_request *w, struct wait_result *r,
                irqflags_t *flags);

/* A record for a thread that nobody knows or that is the running one; NULL: no memory. */
struct tracee *tracee_create(void);

/* `by` traces t from now on, with a fresh record unless t has one: what is left of *r is the
 * caller's. And no more; t goes on with `signal`. proc_lock held. */
enum trace_start { TRACE_ATTACH, TRACE_SEIZE };
void tracee_link(struct thread *t, struct thread *by, struct tracee **r,
                 enum trace_start how);

void tracee_unlink(struct tracee *r, int signal);

/* Tells the tracer of a stop or an end. proc_lock held. */
void tracee_tell(const struct tracee *r, int code, int status);

/* The stopped thread goes on. proc_lock held. */
void tracee_go(struct tracee *r, int how, int signal);
