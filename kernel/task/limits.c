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

struct account *account_current(void)
{
    const struct thread *t = current_thread();

    return t && t->account ? t->account : &account_root;
}

bool caller_may(unsigned cap)
{
    return capable(cap);
}

enum rank rank_current(void)
{
    const struct thread *t = current_thread();
    const struct proc *p = t ? t->proc : NULL;

    if (!p || READ_ONCE(p->exiting) || signal_kill_pending(t))
        return RANK_KERNEL;
    return capable(CAP_SYS_RESOURCE) || capable(CAP_SYS_ADMIN) ? RANK_ADMIN : RANK_USER;
}

/* ---- limits ---- */

/* Root has no such limit, nor who may raise it. */
bool over_nproc(void)
{
    REQUIRES(&proc_lock);
    const struct thread *t = current_thread();

    return t->cred->uid != 0 && !capable(CAP_SYS_RESOURCE) && !capable(CAP_SYS_ADMIN) &&
           t->account->tasks >= proc_rlimit(t->proc, RLIMIT_NPROC);
}

struct account *thread_set_account(struct thread *t, struct account *a)
{
    REQUIRES(&proc_lock);
    struct proc *p = t->proc;
    struct account *old = t->account;

    t->account = a;
    if (t->cred == &p->cred) {
        account_hold(a);
        spin_lock(&p->sig.lock);
        p->account = a;
        spin_unlock(&p->sig.lock);
        account_put(old); /* not the last: the caller's is there */
    }
    old->tasks--;
    a->tasks++;
    /* It is told by the next exec: setuid itself must not fail for it. */
    t->was_over_nproc = a->uid != 0 && a->tasks > proc_rlimit(p, RLIMIT_NPROC);
    return old;
}

bool exec_over_nproc(void)
{
    SCOPED_LOCK_IRQ(&proc_lock);
    struct thread *t = current_thread();

    t->was_over_nproc = t->was_over_nproc && t->cred->uid != 0 &&
                        t->account->tasks > proc_rlimit(t->proc, RLIMIT_NPROC);
    return t->was_over_nproc;
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
}
