/* SPDX-License-Identifier: MIT
 *
 * prctl: the name of a thread, what happens at the parent's death, privileges.
 */
#include "kernel/syscall.h"
#include "kernel/task/cred.h"
#include "kernel/task/proc.h"
#include "kernel/task/uaccess.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

#define PR_SET_PDEATHSIG    1
#define PR_GET_PDEATHSIG    2
#define PR_GET_DUMPABLE     3
#define PR_SET_DUMPABLE     4
#define PR_SET_NAME         15
#define PR_GET_NAME         16
#define PR_SET_SUBREAPER    36
#define PR_GET_SUBREAPER    37
#define PR_SET_NO_NEW_PRIVS 38
#define PR_GET_NO_NEW_PRIVS 39

static long set_comm(vaddr_t src)
{
    struct thread *t = current_thread();
    char name[COMM_LEN];
    ssize_t n = strncpy_from_user(name, src, sizeof(name));

    if (n == -EFAULT)
        return n;
    name[COMM_LEN - 1] = '\0'; /* a longer name is cut */
    str_copy(t->comm, name, sizeof(t->comm));
    if (t->tid == t->proc->pid) /* a process is called as its first thread */
        str_copy(t->proc->comm, name, sizeof(t->proc->comm));
    return 0;
}

static long get_comm(vaddr_t dst)
{
    char name[COMM_LEN] = {0};

    str_copy(name, current_thread()->comm, sizeof(name));
    return copy_to_user(dst, name, sizeof(name));
}

long sys_prctl(const struct syscall_args *a)
{
    struct proc *p = current_proc();
    s32 value;
    long result;

    switch ((int)a->a0) {
    case PR_SET_PDEATHSIG:
        if (a->a1 > NSIG)
            return -EINVAL;
        p->pdeath_signal = (int)a->a1;
        return 0;
    case PR_GET_PDEATHSIG:
        value = p->pdeath_signal;
        return copy_to_user(a->a1, &value, sizeof(value));
    case PR_GET_DUMPABLE:
        return p->dumpable;
    case PR_SET_DUMPABLE:
        if (a->a1 > 1)
            return -EINVAL;
        p->dumpable = (u8)a->a1;
        return 0;
    case PR_SET_NAME:
        return set_comm(a->a1);
    case PR_GET_NAME:
        return get_comm(a->a1);
    case PR_SET_NO_NEW_PRIVS:
        if (a->a1 != 1 || a->a2 || a->a3 || a->a4)
            return -EINVAL;
        p->cred.no_new_privs = true;
        return 0;
    case PR_SET_SUBREAPER:
        p->subreaper = a->a1 != 0;
        return 0;
    case PR_GET_SUBREAPER:
        value = p->subreaper;
        return copy_to_user(a->a1, &value, sizeof(value));
    case PR_GET_NO_NEW_PRIVS:
        return a->a1 || a->a2 || a->a3 || a->a4 ? -EINVAL : p->cred.no_new_privs;
    default:
        result = cred_prctl((const u64[5]){a->a0, a->a1, a->a2, a->a3, a->a4});
        return result == -ENOSYS ? -EINVAL : result;
    }
}
