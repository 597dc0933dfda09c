/* SPDX-License-Identifier: MIT
 *
 * What a process may take: its resource limits, and the account of its user. Here is also what
 * mm asks of the running thread (mm/phys/account.h).
 */
#pragma once

#include "kernel/task/proc.h"

/* The soft limit as it is now. */
static inline u64 proc_rlimit(const struct proc *p, unsigned which)
{
    return READ_ONCE(p->rlim[which].rlim_cur);
}

/* Those of the first process. */
void proc_default_limits(struct proc *p);
/* Gives p the address space's limits; after changes of rlimits. */
void proc_limits_changed(const struct proc *p, struct mm *mm);

/* The running thread, t, gets another real user id and pays on that account, of which it takes the caller's
 * reference over; the former one is the caller's now. proc_lock held. */
struct account *must_check thread_set_account(struct thread *t, struct account *a);
/* Whether the caller's user has as many tasks as it may. proc_lock held. */
bool over_nproc(void);
/* Whether the running thread took a user id that had too many tasks, and still has. */
bool exec_over_nproc(void);
