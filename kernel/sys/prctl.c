/* SPDX-License-Identifier: MIT
 *
 * prctl: the name of a thread, what happens at the parent's death, privileges.
 */
#include "kernel/syscall.h"
#include "kernel/task/cred.h"
#include "kernel/task/proc.h"
#include "kernel/task/sched/policy.h"
#include "kernel/task/uaccess.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

#define PR_SET_PDEATHSIG    1
#define PR_GET_PDEATHSIG    2
#define PR_GET_DUMPABLE     3
#define PR_SET_DUMPABLE     4
#define PR_GET_TIMING       13
#define PR_SET_TIMING       14
#define PR_SET_NAME         15
#define PR_GET_NAME         16
#define PR_GET_TSC          25
#define PR_SET_TSC          26
#define PR_SET_TIMERSLACK   29
#define PR_GET_TIMERSLACK   30
#define PR_SET_MM           35
#define PR_SET_SUBREAPER    36
#define PR_GET_SUBREAPER    37
#define PR_SET_NO_NEW_PRIVS 38
#define PR_GET_NO_NEW_PRIVS 39
#define PR_GET_TID_ADDRESS  40

#define PR_TIMING_STATISTICAL 0 /* the only kind of accounting Linux has */
#define PR_TSC_ENABLE         1
#define PR_TSC_SIGSEGV        2

static long set_comm(vaddr_t src)
{
    struct thread *t = current_thread();
    char name[COMM_LEN] = {
        0}; /* a longer name is cut, and what is behind not looked at */
    ssize_t n = strncpy_from_user(name, src, COMM_LEN - 1);

    if (n == -EFAULT)
        return n;
    proc_set_comm(t->proc, t, name,
                  t->tid == t->proc->pid ? COMM_OF_PROCESS : COMM_OF_THREAD);
    return 0;
}

static long get_comm(vaddr_t dst)
{
    struct thread *t = current_thread();
    char name[COMM_LEN] = {0};
    irqflags_t flags = spin_lock_irq(&t->proc->sig.lock);

    str_copy(name, t->comm, sizeof(name));
    spin_unlock_irq(&t->proc->sig.lock, flags);
    return copy_to_user(dst, name, sizeof(name));
}

static long set_no_new_privs(void)
{
    REQUIRES(&proc_lock);
    struct cred new = *own_cred();

    new.no_new_privs = true;
    cred_change(&new);
    return 0;
}

/* What others read under proc_lock. */
static long set_flag(const struct syscall_args *a)
{
    SCOPED_LOCK_IRQ(&proc_lock);
    struct proc *p = current_proc();

    switch ((int)a->a0) {
    case PR_SET_PDEATHSIG:
        if (a->a1 > NSIG)
            return -EINVAL;
        p->pdeath_signal = (int)a->a1;
        return 0;
    case PR_SET_DUMPABLE:
        if (a->a1 > 1)
            return -EINVAL;
        p->dumpable = (u8)a->a1;
        return 0;
    case PR_SET_NO_NEW_PRIVS:
        if (a->a1 != 1 || a->a2 || a->a3 || a->a4)
            return -EINVAL;
        return set_no_new_privs();
    default: /* PR_SET_SUBREAPER */
        p->subreaper = a->a1 != 0;
        return 0;
    }
}

static long set_slack(u64 ns)
{
    thread_set_slack(current_thread(), ns);
    return 0;
}

long sys_prctl(const struct syscall_args *a)
{
    struct proc *p = current_proc();
    s32 value;
    long result;

    switch ((int)a->a0) {
    case PR_SET_PDEATHSIG:
    case PR_SET_DUMPABLE:
    case PR_SET_NO_NEW_PRIVS:
    case PR_SET_SUBREAPER:
        return set_flag(a);
    case PR_GET_PDEATHSIG:
        value = READ_ONCE(p->pdeath_signal);
        return copy_to_user(a->a1, &value, sizeof(value));
    case PR_GET_DUMPABLE:
        return READ_ONCE(p->dumpable);
    case PR_SET_NAME:
        return set_comm(a->a1);
    case PR_GET_NAME:
        return get_comm(a->a1);
    case PR_GET_TID_ADDRESS:
        return copy_to_user(a->a1, &current_thread()->clear_child_tid, sizeof(u64));
    case PR_GET_SUBREAPER:
        value = READ_ONCE(p->subreaper);
        return copy_to_user(a->a1, &value, sizeof(value));
    case PR_GET_NO_NEW_PRIVS:
        return a->a1 || a->a2 || a->a3 || a->a4 ? -EINVAL : own_cred()->no_new_privs;
    case PR_GET_TIMING:
        return PR_TIMING_STATISTICAL;
    case PR_SET_TIMING:
        return a->a1 == PR_TIMING_STATISTICAL ? 0 : -EINVAL;
    case PR_GET_TSC:
        value = current_thread()->arch.no_tsc ? PR_TSC_SIGSEGV : PR_TSC_ENABLE;
        return copy_to_user(a->a1, &value, sizeof(value));
    case PR_SET_TSC:
        if (a->a1 != PR_TSC_ENABLE && a->a1 != PR_TSC_SIGSEGV)
            return -EINVAL;
        arch_set_tsc(&current_thread()->arch, a->a1 == PR_TSC_ENABLE);
        return 0;
    case PR_SET_MM: /* nothing of it can be set, but that is asked later */
        return a->a4 || capable(CAP_SYS_RESOURCE) ? -EINVAL : -EPERM;
    case PR_SET_TIMERSLACK:
        return set_slack(a->a1);
    case PR_GET_TIMERSLACK:
        return (long)thread_slack(current_thread());
    default:
        result = cred_prctl((const u64[5]){a->a0, a->a1, a->a2, a->a3, a->a4});
        return result == -ENOSYS ? -EINVAL : result;
    }
}
