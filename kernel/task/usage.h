/* SPDX-License-Identifier: MIT
 *
 * Resource usage as getrusage, wait4 and times report it.
 */
#pragma once

#include "kernel/task/proc.h"

/* The most memory that was resident at once, in KiB. mm->hiwater_rss knows it only once it has
 * become less. */
u64 usage_peak_kb(const struct mm *mm);

/* Of the process itself; with_children adds those it waited for. */
void usage_of_proc(const struct proc *p, bool with_children, struct rusage *out);
/* What all threads and waited-for children read and wrote. proc_lock held, given back. */
void usage_io(struct proc *p, struct io_counts *out, irqflags_t flags);
void io_counts_add(struct io_counts *to, const struct io_counts *n);
/* Of one thread; the peak is that of its process. */
void usage_of_thread(const struct thread *t, struct rusage *out);
/* Of those it waited for alone. */
void usage_of_children(const struct proc *p, struct rusage *out);
