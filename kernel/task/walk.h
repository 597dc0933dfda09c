/* SPDX-License-Identifier: MIT
 *
 * Walks over processes and groups, with proc_lock held.
 */
#pragma once

#include "kernel/task/proc.h"

/* A number that no process or thread had: each has one, a later one a greater one. */
u64 proc_next_serial(void);

/* A published process takes its place, leaves it, goes to another group. */
void procs_add(struct proc *p);
void procs_remove(struct proc *p);
void procs_regroup(struct proc *p, s32 pgid);

/* A group's in the order of their birth, for walks in one go. NULL: the end. */
struct proc *group_first(s32 pgid);
struct proc *group_next(const struct proc *p);
struct proc *group_after(s32 pgid, u64 birth); /* the same from a place in the order on */
/* The last place in the order so far. */
u64 proc_births(void);

/* Gives proc_lock, taken with interrupts on, up for a moment when it is time: true: what is
 * known of other processes may be wrong. */
bool proc_pause(irqflags_t *flags);

/* Walks that let others run between two steps: begin takes proc_lock, end gives it back.
 * What procs_next answers is valid until it is called again. No other spinlock held. */
struct procs {
    bool all; /* of any group */
    s32 pgid; /* of this one; no number that a program gives stands for all */
    u64 birth;
    irqflags_t flags;
};
struct procs procs_begin(s32 pgid);
struct procs procs_begin_all(void);
struct proc *procs_next(struct procs *w);
void procs_end(struct procs *w);

/* A walk over the threads of a process in the order they came in; those that come meanwhile are
 * met at its end. sig.lock is held, and may be given up between two steps; what next answers is
 * valid until then. */
struct thread_walk {
    struct list link; /* proc->walks */
    struct list *next;
    struct io_counts
        *missed; /* NULL, or those of threads that left before they were met */
};
void thread_walk_begin(struct thread_walk *w, struct proc *p);
struct thread *thread_walk_next(struct thread_walk *w, struct proc *p);
void thread_walk_end(struct thread_walk *w);
/* A thread becomes the last of its process: sig.lock held, or nobody else knows the process. */
void thread_walk_join(struct proc *p, struct thread *t);
/* The first with a greater serial number; NULL: none. proc_lock or sig.lock held. */
struct thread *thread_after(const struct proc *p, u64 serial);
/* By its serial number; NULL: it has left. sig.lock held. */
struct thread *thread_of_serial(const struct proc *p, u64 serial);
/* A thread leaves the threads of its process. proc_lock and sig.lock held. */
void thread_walk_leave(struct proc *p, struct thread *t);

/* Calls visit for each process with proc_lock held; visit returns false to stop. The lock is
 * given up now and then: no spinlock held, interrupts on. */
void proc_for_each(bool (*visit)(struct proc *p, void *arg), void *arg);
