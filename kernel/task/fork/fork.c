/* SPDX-License-Identifier: MIT
 *
 * fork, vfork, clone: processes, and threads of a process. Everything that can fail is done
 * on a child nobody knows; publishing it is the last step.
 */
#include "kernel/task/fork/fork.h"
#include "arch/trap.h"
#include "fs/context.h"
#include "fs/fdtable.h"
#include "kernel/event/pidfd.h"
#include "kernel/ptrace/family.h"
#include "kernel/ptrace/stop.h"
#include "kernel/seccomp/chain.h"
#include "kernel/syscall.h"
#include "kernel/task/fork/child.h"
#include "kernel/task/limits.h"
#include "kernel/task/proc.h"
#include "kernel/task/sched/wake.h"
#include "kernel/task/signal.h"
#include "kernel/task/threads.h"
#include "kernel/task/uaccess.h"
#include "kernel/task/walk.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/ptrace.h"
#include "lib/uapi/sched.h"

/* Interruptible by SIGKILL only: until then the child lives in the caller's memory. */
static void wait_for_vfork(struct thread *t, const struct fork_args *args, s32 tid)
{
    irqflags_t flags;

    while (READ_ONCE(t->vfork_child) && !signal_kill_pending(t))
        thread_park();
    flags = spin_lock_irq(&proc_lock);
    if (t->vfork_child) {
        t->vfork_child->vfork_waiter = NULL;
        t->vfork_child = NULL;
    }
    spin_unlock_irq(&proc_lock, flags);
    if (unlikely(t->trace) && !(args->flags & CLONE_UNTRACED))
        ptrace_event(t, PTRACE_EVENT_VFORK_DONE, (u64)tid);
}

static void vfork_begin(struct thread *child, u64 clone_flags)
{
    REQUIRES(&proc_lock);
    if (clone_flags & CLONE_VFORK) {
        child->vfork_waiter = current_thread();
        current_thread()->vfork_child = child;
    }
}

void vfork_release(struct thread *t)
{
    struct thread *waiter;
    irqflags_t flags;

    if (likely(!READ_ONCE(t->vfork_waiter))) /* set before t ran */
        return;
    flags = spin_lock_irq(&proc_lock);
    waiter = t->vfork_waiter;
    if (waiter) {
        t->vfork_waiter = NULL;
        waiter->vfork_child = NULL;
        thread_unpark(waiter);
    }
    spin_unlock_irq(&proc_lock, flags);
}

/* A failure to write the number is not reported, as on Linux. */
static void tell_parent(const struct fork_args *args, s32 tid)
{
    if (args->flags & CLONE_PARENT_SETTID &&
        copy_to_user(args->parent_tid, &tid, sizeof(tid)) != 0)
        return;
}

/* Puts a new thread into its running process; not when that is ending. */
static int join_process(struct proc *p, struct thread *t, u64 clone_flags)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    int err = p->exiting || p->exec_thread ? -EAGAIN : 0;

    if (!err) {
        vfork_begin(t, clone_flags);
        thread_publish(t);
        spin_lock(&p->sig.lock);
        thread_walk_join(p, t);
        p->nthreads++;
        p->nlive++;
        t->account->tasks++;
        if (!t->fs.dirs) /* now, so that exec counts who has them */
            fs_context_share(&t->fs, current_fs());
        spin_unlock(&p->sig.lock);
        seccomp_share(t);
        ptrace_fork_publish(t);
    }
    spin_unlock_irq(&proc_lock, flags);
    return err;
}

long fork_thread(const struct fork_args *args)
{
    struct proc *p = current_proc();
    struct thread *t;
    s32 tid;
    int err = proc_reserve_pid(args->tid, &tid);

    if (err)
        return err;
    err = child_thread_build(p, current_thread(), args, &t);
    if (err)
        goto out_tid;
    t->tid = tid;
    err = join_process(p, t, args->flags);
    if (err)
        goto out_thread;
    tell_parent(args, tid);
    thread_launch(t);
    if (unlikely(current_thread()->trace))
        ptrace_event(current_thread(), ptrace_fork_event(current_thread(), args->flags),
                     (u64)tid);
    if (args->flags & CLONE_VFORK)
        wait_for_vfork(current_thread(), args, tid);
    return tid;

out_thread:
    child_thread_discard(t);
out_tid:
    proc_unreserve_pid(tid);
    return err;
}

/* With CLONE_PARENT it becomes a sister of the caller. */
static void publish(struct proc *child, struct proc *creator, u64 flags)
{
    REQUIRES(&proc_lock);
    if (flags & CLONE_PARENT) {
        proc_publish(child, creator->parent);
        child->parent_thread = creator->parent_thread;
        child->parent_exec_count = creator->parent_exec_count;
    } else {
        proc_publish(child, creator);
        child->parent_thread = current_thread();
        current_thread()->has_children = true;
        child->parent_exec_count = creator->exec_count;
    }
}

/* What was sent before the call is delivered first, and what arrives while it is at work
 * reaches both, but for the end: who is killed has no child any more, as on Linux. */
static int publish_child(struct proc *child, struct proc *parent, u64 clone_flags)
{
    SCOPED_LOCK_IRQ(&proc_lock);

    if (signal_kill_pending(current_thread()))
        return -ERESTARTNOINTR;
    child->pgid = parent->pgid;
    child->sid = parent->sid;
    child->tty = parent->tty;
    vfork_begin(child->leader, clone_flags);
    publish(child, parent, clone_flags);
    thread_publish(child->leader);
    seccomp_share(child->leader);
    ptrace_fork_publish(child->leader);
    return 0;
}

/* CLONE_PIDFD: the caller's descriptor, reserved and told, and its file. */
static int prepare_pidfd(struct proc *child, const struct fork_args *args, int *fd,
                         struct file **f)
{
    struct fdtable *files = current_thread()->files;
    u32 limit = (u32)MIN(proc_rlimit(current_proc(), RLIMIT_NOFILE), (u64)FD_MAX_MOST);
    int err = pidfd_for_child(child, f);

    if (err)
        return err;
    *fd = fd_reserve(files, limit);
    if (*fd < 0)
        err = *fd;
    else if (copy_to_user(args->pidfd, fd, sizeof(*fd)) != 0)
        err = -EFAULT;
    if (!err)
        return 0;
    if (*fd >= 0)
        fd_unreserve(files, *fd);
    file_put(*f);
    return err;
}

/* A child that nobody has seen goes, with all that was made for it. */
static long give_up(struct proc *child, s32 pid, int fd, struct file *pidfd, int err)
{
    if (pidfd) {
        fd_unreserve(current_thread()->files, fd);
        file_put(pidfd);
    }
    child_discard(child);
    proc_unreserve_pid(pid);
    return err;
}

long fork_process(const struct fork_args *args)
{
    struct proc *parent = current_proc(), *child;
    struct file *pidfd = NULL;
    struct thread *t;
    s32 pid;
    int fd, err;

    if (signal_actionable(current_thread()))
        return -ERESTARTNOINTR;
    err = proc_reserve_pid(args->tid, &pid);
    if (err)
        return err;
    err = child_build(parent, args, &child);
    if (err) {
        proc_unreserve_pid(pid);
        return err;
    }
    t = child->leader;
    child->pid = t->tid = pid;
    if (args->flags & CLONE_PIDFD) {
        err = prepare_pidfd(child, args, &fd, &pidfd);
        if (err)
            return give_up(child, pid, 0, NULL, err);
    }
    tell_parent(args, pid);
    err = publish_child(child, parent, args->flags);
    if (err)
        return give_up(child, pid, fd, pidfd, err);
    if (pidfd)
        fd_fill(current_thread()->files, fd, pidfd, true);
    thread_launch(t);
    if (unlikely(current_thread()->trace))
        ptrace_event(current_thread(), ptrace_fork_event(current_thread(), args->flags),
                     (u64)pid);
    if (args->flags & CLONE_VFORK)
        wait_for_vfork(current_thread(), args, pid);
    return pid;
}
