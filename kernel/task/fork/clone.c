/* SPDX-License-Identifier: MIT
 *
 * The calls that make processes and threads, and unshare: which combinations of flags there
 * are. Namespaces and chosen numbers are refused, not faked.
 */
#include "fs/fdtable.h"
#include "fs/mount/mount.h"
#include "kernel/ipc/sem_undo.h"
#include "kernel/syscall.h"
#include "kernel/task/fork/fork.h"
#include "kernel/task/proc.h"
#include "kernel/task/uaccess.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/sched.h"

/* Flags that mean what they say here. DETACHED, UNTRACED and PTRACE have no effect on Linux
 * either as long as nobody traces; there are no I/O priorities to share. */
#define CLONE_HANDLED                                                                   \
    (CSIGNAL | CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_VFORK |        \
     CLONE_PARENT | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID |           \
     CLONE_CHILD_CLEARTID | CLONE_DETACHED | CLONE_UNTRACED | CLONE_PTRACE | CLONE_IO | \
     CLONE_SYSVSEM | CLONE_CLEAR_SIGHAND | CLONE_PIDFD)

#define CLONE_THREAD_HANDLED \
    (CLONE_THREAD | (CLONE_HANDLED & ~(u64)(CLONE_CLEAR_SIGHAND | CLONE_PIDFD)))

#define CLONE_NAMESPACES                                                           \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
     CLONE_NEWPID | CLONE_NEWNET)

long sys_fork(const struct syscall_args *a)
{
    (void)a;
    return fork_process(&(struct fork_args){.flags = SIGCHLD});
}

long sys_vfork(const struct syscall_args *a)
{
    (void)a;
    return fork_process(&(struct fork_args){.flags = SIGCHLD | CLONE_VM | CLONE_VFORK});
}

/* In Linux's order; then what is not there. */
static int check_flags(u64 flags)
{
    const struct proc *p = current_proc();

    if (flags & CLONE_FS && flags & (CLONE_NEWNS | CLONE_NEWUSER))
        return -EINVAL;
    if ((flags & CLONE_THREAD && !(flags & CLONE_SIGHAND)) ||
        (flags & CLONE_SIGHAND && !(flags & CLONE_VM)))
        return -EINVAL;
    if (flags & CLONE_PARENT && p == init_proc)
        return -EINVAL;
    if (flags & CLONE_PIDFD && flags & CLONE_DETACHED)
        return -EINVAL;
    if (flags & CLONE_NAMESPACES & ~CLONE_NEWUSER && !capable(CAP_SYS_ADMIN))
        return -EPERM;
    return flags & ~(flags & CLONE_THREAD ? CLONE_THREAD_HANDLED : CLONE_HANDLED)
               ? -EINVAL
               : 0;
}

static long do_clone(const struct fork_args *args)
{
    int err = check_flags(args->flags);

    if (err)
        return err;
    if (args->flags & CLONE_PIDFD && args->flags & CLONE_PARENT_SETTID &&
        args->pidfd == args->parent_tid)
        return -EINVAL;
    if (args->flags & CLONE_SETTLS && args->tls >= USER_END)
        return -EPERM;
    if (!user_range_ok(args->stack, 0))
        return -EINVAL;
    return args->flags & CLONE_THREAD ? fork_thread(args) : fork_process(args);
}

long sys_clone(const struct syscall_args *a)
{
    return do_clone(&(struct fork_args){
        .flags = a->a0 & 0xffffffff,
        .stack = a->a1,
        .parent_tid = a->a2,
        .child_tid = a->a3,
        .tls = a->a4,
        .pidfd = a->a2,
    });
}

/* struct clone_args as far as this kernel knows it; what follows must be zero. */
struct clone3_args {
    u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
    u64 set_tid, set_tid_size, cgroup;
};

#define CLONE3_SIZE_MIN 64
#define SET_TID_MAX     32 /* levels of pid namespaces on Linux */

static int read_clone3(vaddr_t at, u64 size, struct clone3_args *c)
{
    if (size < CLONE3_SIZE_MIN)
        return -EINVAL;
    return copy_struct_from_user(c, sizeof(*c), at, size);
}

static int check_clone3(const struct clone3_args *c)
{
    if (c->set_tid_size > SET_TID_MAX || !c->set_tid != !c->set_tid_size)
        return -EINVAL;
    if (c->exit_signal > NSIG)
        return -EINVAL;
    if (c->flags & (CSIGNAL | CLONE_DETACHED) ||
        (c->flags & CLONE_SIGHAND && c->flags & CLONE_CLEAR_SIGHAND) ||
        (c->flags & (CLONE_THREAD | CLONE_PARENT) && c->exit_signal))
        return -EINVAL;
    if (!c->stack != !c->stack_size || !user_range_ok(c->stack, c->stack_size))
        return -EINVAL;
    return 0;
}

/* The number that is asked for, 0: none. There is one namespace, so it is one at most. */
static int wanted_tid(const struct clone3_args *c, s32 *tid)
{
    *tid = 0;
    if (!c->set_tid)
        return 0;
    if (c->set_tid_size > 1)
        return -EINVAL;
    if (copy_from_user(tid, c->set_tid, sizeof(*tid)) != 0)
        return -EFAULT;
    if (*tid < 1 || *tid >= (s32)READ_ONCE(pid_limit))
        return -EINVAL;
    return capable(CAP_SYS_ADMIN) || capable(CAP_CHECKPOINT_RESTORE) ? 0 : -EPERM;
}

long sys_clone3(const struct syscall_args *a)
{
    struct clone3_args c;
    s32 tid;
    int err = read_clone3(a->a0, a->a1, &c);

    if (!err)
        err = check_clone3(&c);
    if (!err)
        err = wanted_tid(&c, &tid);
    if (err)
        return err;
    return do_clone(&(struct fork_args){
        .flags = c.flags | c.exit_signal,
        .stack = c.stack + c.stack_size,
        .parent_tid = c.parent_tid,
        .child_tid = c.child_tid,
        .tls = c.tls,
        .pidfd = c.pidfd,
        .tid = tid,
    });
}

int fork_unshare_files(void)
{
    struct thread *t = current_thread();
    struct fdtable *old = t->files, *own;
    irqflags_t flags;
    int err;

    if (!fdtable_is_shared(old))
        return 0;
    err = fdtable_may_clone(old);
    if (err)
        return err;
    own = fdtable_clone(old);
    if (!own)
        return -ENOMEM;
    flags = spin_lock_irq(&proc_lock);
    t->files = own;
    spin_unlock_irq(&proc_lock, flags);
    fdtable_disown(old);
    return 0;
}

/* unshare(2): what the caller shares with other threads and processes. */
long sys_unshare(const struct syscall_args *a)
{
    struct proc *p = current_proc();
    u64 flags = a->a0;
    struct fs_context fs = {.dirs = NULL};
    struct fs_dirs *old = NULL;
    irqflags_t irq;

    if (flags & ~(u64)(CLONE_THREAD | CLONE_FS | CLONE_SIGHAND | CLONE_VM | CLONE_FILES |
                       CLONE_SYSVSEM | CLONE_NAMESPACES | CLONE_NEWTIME))
        return -EINVAL;
    if (flags & (CLONE_NAMESPACES | CLONE_NEWTIME))
        return flags & (CLONE_NAMESPACES | CLONE_NEWTIME) & ~CLONE_NEWUSER &&
                       !capable(CAP_SYS_ADMIN)
                   ? -EPERM
                   : -EINVAL;
    if (READ_ONCE(p->nthreads) > 1 && flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM))
        return -EINVAL;
    if ((flags & (CLONE_SIGHAND | CLONE_VM) && READ_ONCE(p->sig.actions->refs) > 1) ||
        (flags & CLONE_VM && READ_ONCE(p->mm->refs) > 1))
        return -EINVAL;
    if (flags & CLONE_FS && fs_context_shares(current_fs()) > 1 &&
        fs_context_copy(&fs, current_fs()) != 0)
        return -ENOMEM;
    if (flags & CLONE_FILES) {
        int err = fork_unshare_files();

        if (err && fs.dirs)
            fs_context_fini(&fs);
        if (err)
            return err;
    }
    if (flags & CLONE_SYSVSEM)
        sem_undo_leave(current_thread());
    if (!fs.dirs)
        return 0;
    irq = spin_lock_irq(&proc_lock);
    old = fs_context_leave(current_fs());
    current_fs()->dirs = fs.dirs;
    spin_unlock_irq(&proc_lock, irq);
    fs_dirs_free(old);
    return 0;
}
