/* SPDX-License-Identifier: MIT
 *
 * Resource usage as getrusage, wait4 and times report it.
 */
#pragma once

#include "kernel/task/proc.h"

/* One more of what is counted for each thread and for all of a process together, which may be
 * thousands. By the thread itself. */
static inline void count_task(u64 *of_thread, u64 *of_proc)
{
    *of_thread += 1;
    __atomic_fetch_add(of_proc, 1, __ATOMIC_RELAXED);
}
/* Faults are counted in the thread alone, so that they share no line, and become its process's when it
 * leaves the CPU, at a tick and at its end. usage_minflt() tells. */
static inline void thread_tell_faults(struct thread *t)
{
    u64 more = t->minflt - t->minflt_told;

    if (!more)
        return;
    t->minflt_told = t->minflt;
    __atomic_fetch_add(&t->proc->minflt, more, __ATOMIC_RELAXED);
}

/* CPU time used so far by all threads. */
static inline u64 proc_cpu_ns(const struct proc *p)
{
    return READ_ONCE(p->utime_ns) + READ_ONCE(p->stime_ns);
}

/* The most memory that was resident at once, in KiB. mm->hiwater_rss knows it only once it has
 * become less. */
u64 usage_peak_kb(const struct mm *mm);

/* Faults of all threads; of those that run on other CPUs up to their last tick. */
u64 usage_minflt(const struct proc *p);

/* Of the process itself; with_children adds those it waited for. */
void usage_of_proc(const struct proc *p, bool with_children, struct rusage *out);
/* What all threads and waited-for children read and wrote. proc_lock held, given back. */
void usage_io(struct proc *p, struct io_counts *out, irqflags_t flags);
void io_counts_add(struct io_counts *to, const struct io_counts *n);
/* Of one thread; the peak is that of its process. */
void usage_of_thread(const struct thread *t, struct rusage *out);
/* Of those it waited for alone. */
void usage_of_children(const struct proc *p, struct rusage *out);
