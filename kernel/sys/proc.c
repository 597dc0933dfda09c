/* SPDX-License-Identifier: MIT
 *
 * Who a process is: numbers, groups, sessions, thread registers.
 */
#include "kernel/task/proc.h"
#include "kernel/syscall.h"
#include "kernel/task/exit.h"
#include "kernel/task/threads.h"
#include "kernel/task/uaccess.h"
#include "kernel/task/walk.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/personality.h"
#include "lib/uapi/ptrace.h"

long sys_getpid(const struct syscall_args *a)
{
    (void)a;
    return current_proc()->pid;
}

long sys_gettid(const struct syscall_args *a)
{
    (void)a;
    return current_thread()->tid;
}

long sys_getppid(const struct syscall_args *a)
{
    (void)a;
    return READ_ONCE(current_proc()->ppid);
}

/* ---- groups and sessions ---- */

static long group_or_session(s32 pid, bool session)
{
    const struct proc *p = current_proc();
    irqflags_t flags;
    long result;

    if (!pid || pid == p->pid)
        return session ? READ_ONCE(p->sid) : READ_ONCE(p->pgid);
    flags = spin_lock_irq(&proc_lock);
    p = proc_find_by_thread(pid);
    result = !p ? -ESRCH : session ? p->sid : p->pgid;
    spin_unlock_irq(&proc_lock, flags);
    return result;
}

long sys_getpgid(const struct syscall_args *a)
{
    return group_or_session((s32)a->a0, false);
}

long sys_getpgrp(const struct syscall_args *a)
{
    (void)a;
    return group_or_session(0, false);
}

long sys_getsid(const struct syscall_args *a)
{
    return group_or_session((s32)a->a0, true);
}

/* All of a group are in one session. */
static bool group_exists(s32 pgid, s32 sid)
{
    REQUIRES(&proc_lock);
    const struct proc *p = group_first(pgid);

    return p && p->sid == sid;
}

static int set_group(struct proc *me, s32 pid, s32 pgid)
{
    REQUIRES(&proc_lock);
    struct proc *p = proc_find(pid);

    if (!p && thread_find(0, pid))
        return -EINVAL; /* a thread, but no process's first */
    if (!p || (p != me && p->parent != me))
        return -ESRCH;
    if (p != me && p->sid != me->sid)
        return -EPERM;
    if (p != me && p->did_exec)
        return -EACCES;
    if (p->sid == p->pid)
        return -EPERM;
    if (pgid != pid && !group_exists(pgid, me->sid))
        return -EPERM;
    proc_set_group(p, pgid, p->sid);
    return 0;
}

long sys_setpgid(const struct syscall_args *a)
{
    struct proc *me = current_proc();
    s32 pid = (s32)a->a0 ? (s32)a->a0 : me->pid;
    s32 pgid = (s32)a->a1 ? (s32)a->a1 : pid;
    irqflags_t flags;
    int err;

    if (pgid < 0)
        return -EINVAL;
    flags = spin_lock_irq(&proc_lock);
    err = set_group(me, pid, pgid);
    spin_unlock_irq(&proc_lock, flags);
    return err;
}

long sys_setsid(const struct syscall_args *a)
{
    struct proc *p = current_proc();
    irqflags_t flags = spin_lock_irq(&proc_lock);
    long result = -EPERM;

    (void)a;
    if (p->sid != p->pid && !group_used(p->pid)) {
        proc_set_group(p, p->pid, p->pid);
        p->tty = NULL;
        result = p->pid;
    }
    spin_unlock_irq(&proc_lock, flags);
    return result;
}

/* ---- the thread ---- */

long sys_arch_prctl(const struct syscall_args *a)
{
    struct thread *t = current_thread();
    u64 base;

    switch ((int)a->a0) {
    case ARCH_SET_FS:
        return arch_set_fs_base(&t->arch, a->a1);
    case ARCH_SET_GS:
        return arch_set_gs_base(&t->arch, a->a1);
    case ARCH_GET_FS:
        base = arch_get_fs_base(&t->arch);
        return copy_to_user(a->a1, &base, sizeof(base));
    case ARCH_GET_GS:
        base = arch_get_gs_base(&t->arch);
        return copy_to_user(a->a1, &base, sizeof(base));
    case ARCH_GET_CPUID: /* the instruction works, and is not made to fault */
        return 1;
    case ARCH_SET_CPUID:
        return -ENODEV;
    default:
        return -EINVAL; /* shadow stacks and all else that is newer */
    }
}

long sys_set_tid_address(const struct syscall_args *a)
{
    struct thread *t = current_thread();

    t->clear_child_tid = a->a0;
    return t->tid;
}

long sys_personality(const struct syscall_args *a)
{
    struct thread *t = current_thread();
    u32 old = t->personality, wanted = (u32)a->a0;

    if (wanted == 0xffffffff)
        return old;
    /* The layout of memory is fixed; uname, select and the memory calls look at theirs; the other
     * flags change nothing for programs of 64 bits on Linux either. */
    WRITE_ONCE(t->personality, wanted);
    return old;
}
