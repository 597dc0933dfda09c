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
/* Gives p the address space's limits; after changes of rlimits or of uids. */
void proc_limits_changed(const struct proc *p, struct mm *mm);

/* p gets another real user id and pays on that account, of which it takes the caller's reference
 * over; the former one is the caller's now. proc_lock held. */
struct account *must_check proc_set_account(struct proc *p, struct account *a);
/* Whether p's user has as many tasks as it may. proc_lock held. */
bool proc_over_nproc(const struct proc *p);
/* Whether the running process took a user id that had too many processes, and still has. */
bool proc_exec_over_nproc(struct proc *p);
