/* SPDX-License-Identifier: MIT
 *
 * Who pays for what a process takes, and how much it may take.
 */
#include "kernel/task/limits.h"
#include "fs/fdtable.h"
#include "kernel/task/proc.h"
#include "kernel/task/signal.h"
#include "lib/lock.h"

/* ---- accounts ---- */

/* Another thread changed the user. */
static noinline struct account *account_renew(struct thread *t)
{
    struct account *old = t->account;
    irqflags_t flags = spin_lock_irq(&t->proc->sig.lock);

    t->account = t->proc->account;
    account_hold(t->account);
    spin_unlock_irq(&t->proc->sig.lock, flags);
    account_put(old);
    return t->account;
}

/* The thread has a reference of its own: a setuid of another one must not take the account
 * away while it is charged. */
struct account *account_current(void)
{
    struct thread *t = current_thread();

    if (!t || !t->account)
        return &account_root;
    if (unlikely(t->account != READ_ONCE(t->proc->account)))
        return account_renew(t);
    return t->account;
}

enum rank rank_current(void)
{
    const struct thread *t = current_thread();
    const struct proc *p = t ? t->proc : NULL;

    if (!p || READ_ONCE(p->exiting) || signal_kill_pending(t))
        return RANK_KERNEL;
    return proc_capable(p, CAP_SYS_RESOURCE) || proc_capable(p, CAP_SYS_ADMIN)
               ? RANK_ADMIN
               : RANK_USER;
}

/* ---- limits ---- */

/* Root has no such limit, nor who may raise it. */
bool proc_over_nproc(const struct proc *p)
{
    REQUIRES(&proc_lock);
    return READ_ONCE(p->cred.uid) != 0 && !proc_capable(p, CAP_SYS_RESOURCE) &&
           !proc_capable(p, CAP_SYS_ADMIN) &&
           p->account->tasks >= proc_rlimit(p, RLIMIT_NPROC);
}

struct account *proc_set_account(struct proc *p, struct account *a)
{
    REQUIRES(&proc_lock);
    struct account *old = p->account;

    spin_lock(&p->sig.lock);
    WRITE_ONCE(p->account, a);
    spin_unlock(&p->sig.lock);
    old->tasks -= MAX(p->nthreads, 1u);
    a->tasks += MAX(p->nthreads, 1u);
    /* It is told by the next exec: setuid itself must not fail for it. */
    p->was_over_nproc = a->uid != 0 && a->tasks > proc_rlimit(p, RLIMIT_NPROC);
    return old;
}

bool proc_exec_over_nproc(struct proc *p)
{
    SCOPED_LOCK_IRQ(&proc_lock);

    p->was_over_nproc = p->was_over_nproc && READ_ONCE(p->cred.uid) != 0 &&
                        p->account->tasks > proc_rlimit(p, RLIMIT_NPROC);
    return p->was_over_nproc;
}

void proc_default_limits(struct proc *p)
{
    u64 procs = proc_threads_max / 2;

    for (unsigned i = 0; i < RLIM_NLIMITS; i++)
        p->rlim[i].rlim_cur = p->rlim[i].rlim_max = RLIM_INFINITY;
    p->rlim[RLIMIT_STACK].rlim_cur = 8ul << 20;
    p->rlim[RLIMIT_CORE].rlim_cur = 0;
    p->rlim[RLIMIT_NPROC] = (struct rlimit64){procs, procs};
    p->rlim[RLIMIT_SIGPENDING] = (struct rlimit64){procs, procs};
    p->rlim[RLIMIT_NOFILE] = (struct rlimit64){FD_MAX_DEFAULT, FD_MAX_HARD};
    p->rlim[RLIMIT_MEMLOCK] = (struct rlimit64){8ul << 20, 8ul << 20};
    p->rlim[RLIMIT_MSGQUEUE] = (struct rlimit64){819200, 819200};
    p->rlim[RLIMIT_NICE] = (struct rlimit64){0, 0};
    p->rlim[RLIMIT_RTPRIO] = (struct rlimit64){0, 0};
}

void proc_limits_changed(const struct proc *p, struct mm *mm)
{
    REQUIRES_UNLESS(p->mm != mm, &proc_lock); /* exec's new one is nobody's yet */
    mm->limits.as = p->rlim[RLIMIT_AS].rlim_cur;
    mm->limits.heap = p->rlim[RLIMIT_DATA].rlim_cur;
    mm->limits.data = mm->limits.heap ? mm->limits.heap : p->rlim[RLIMIT_DATA].rlim_max;
    mm->limits.stack = p->rlim[RLIMIT_STACK].rlim_cur;
    mm->limits.memlock = p->rlim[RLIMIT_MEMLOCK].rlim_cur;
    mm->limits.memlock_unlimited = proc_capable(p, CAP_IPC_LOCK);
    mm->limits.rawio = proc_capable(p, CAP_SYS_RAWIO);
    mm->limits.admin = proc_capable(p, CAP_SYS_ADMIN);
}
