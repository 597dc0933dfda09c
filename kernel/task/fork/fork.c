/* SPDX-License-Identifier: MIT
 *
 * fork, vfork, clone: processes, and threads of a process. Everything that can fail is done
 * on a child nobody knows; publishing it is the last step.
 */
#include "kernel/task/fork/fork.h"
#include "arch/trap.h"
#include "fs/fdtable.h"
#include "fs/groups.h"
#include "fs/mount/mount.h"
#include "kernel/event/pidfd.h"
#include "kernel/ipc/sem.h"
#include "kernel/ptrace/family.h"
#include "kernel/ptrace/ptrace.h"
#include "kernel/ptrace/stop.h"
#include "kernel/syscall.h"
#include "kernel/task/exec/exec.h"
#include "kernel/task/exit.h"
#include "kernel/task/proc.h"
#include "kernel/task/rseq.h"
#include "kernel/task/sched/runq.h"
#include "kernel/task/sched/sched.h"
#include "kernel/task/sigactions.h"
#include "kernel/task/signal.h"
#include "kernel/task/threads.h"
#include "kernel/task/uaccess.h"
#include "kernel/task/walk.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/ptrace.h"
#include "lib/uapi/sched.h"
#include "mm/op/fork.h"

/* The child's first steps, on its own kernel stack. */
static void child_start(void *arg)
{
    struct thread *t = arg;

    if (t->set_child_tid &&
        copy_to_user(t->set_child_tid, &t->tid, sizeof(t->tid)) != 0) {
        /* As on Linux: the child sees no number, and nobody is told. */
    }
    arch_enter_user();
}

static int copy_signals(struct proc *child, struct proc *parent, u64 flags)
{
    if (flags & CLONE_SIGHAND) {
        sigactions_get(parent->sig.actions);
        child->sig.actions = parent->sig.actions;
        return 0;
    }
    child->sig.actions = sigactions_copy(parent->sig.actions);
    if (!child->sig.actions)
        return -ENOMEM;
    if (flags & CLONE_CLEAR_SIGHAND)
        sigactions_reset(child->sig.actions);
    return 0;
}

static int copy_files(struct proc *child, struct proc *parent, u64 flags)
{
    if (flags & CLONE_FILES) {
        fdtable_own(parent->files);
        child->files = parent->files;
    } else {
        child->files = fdtable_clone(parent->files);
    }
    return child->files ? 0 : -ENOMEM;
}

static int copy_directories(struct proc *child, struct proc *parent, u64 flags)
{
    int err = 0;

    if (flags & CLONE_FS)
        fs_context_share(&child->fs, &parent->fs);
    else
        err = fs_context_copy(&child->fs, &parent->fs);
    child->fs.cred = &child->cred.fs;
    return err;
}

/* As one: another thread may just become another user. */
static void copy_identity(struct proc *child, struct proc *parent, u64 clone_flags)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    struct account *unused = NULL;

    if (unlikely(child->account != parent->account)) {
        unused = child->account;
        child->account = parent->account;
        account_hold(child->account);
    }
    memcpy(child->rlim, parent->rlim, sizeof(child->rlim));
    child->cred = parent->cred;
    groups_hold(child->cred.fs.groups);
    child->share = parent->share;
    child->nice = parent->nice;
    child->dumpable = parent->dumpable;
    child->personality = parent->personality;
    child->oom_score_adj = parent->oom_score_adj;
    child->oom_score_adj_min = parent->oom_score_adj_min;
    child->exit_signal =
        clone_flags & CLONE_PARENT ? parent->exit_signal : (int)(clone_flags & CSIGNAL);
    spin_lock(&parent->sig.lock);
    memcpy(child->comm, current_thread()->comm, sizeof(child->comm));
    spin_unlock(&parent->sig.lock);
    spin_unlock_irq(&proc_lock, flags);
    if (unlikely(unused))
        account_put(unused);
}

static int copy_mm(struct proc *child, struct proc *parent, u64 flags)
{
    if (!(flags & CLONE_VM))
        return mm_fork(parent->mm, &child->mm);
    mm_get(parent->mm);
    child->mm = parent->mm;
    return 0;
}

/* SCHED_RESET_ON_FORK: what only the privileged may have ends here, and so does the flag. */
static void inherit_policy(struct thread *t, const struct thread *from)
{
    u8 policy = from->policy;

    t->ioprio = from->ioprio;
    t->allowed = READ_ONCE(from->allowed);
    if (from->reset_on_fork && from->realtime)
        policy = SCHED_OTHER;
    if (from->reset_on_fork && t->proc->nice < 0 && t->proc != from->proc)
        t->proc->nice = 0;
    t->policy = policy;
    t->realtime = policy == SCHED_FIFO || policy == SCHED_RR;
    t->priority = t->realtime ? from->priority : 0;
    t->rr_left = RR_TICKS;
}

/* Takes a thread apart that nobody has seen. */
static void discard_thread(struct thread *t)
{
    sem_undo_leave(t);
    account_put(t->account);
    thread_free(t);
}

static struct thread *copy_thread(struct proc *child, struct thread *from,
                                  const struct fork_args *args)
{
    struct thread *t = thread_create(child, from->comm, child_start, NULL);
    struct trapframe *frame;

    if (!t)
        return NULL;
    t->account = account_current();
    account_hold(t->account);
    t->entry_arg = t;
    arch_thread_copy(&t->arch, &from->arch);
    frame = arch_thread_frame(&t->arch);
    *frame = *arch_thread_frame(&from->arch);
    frame->rax = 0;
    if (args->stack)
        frame->rsp = args->stack;
    if (args->flags & CLONE_SETTLS)
        arch_thread_give_fs_base(&t->arch, args->tls);
    t->blocked = from->blocked;
    inherit_policy(t, from);
    if (!(args->flags & CLONE_VM) || args->flags & CLONE_VFORK) {
        t->altstack_sp = from->altstack_sp;
        t->altstack_size = from->altstack_size;
        t->altstack_flags = from->altstack_flags;
    }
    if (!(args->flags & CLONE_VM)) {
        t->rseq = from->rseq;
        t->rseq_size = from->rseq_size;
        t->rseq_signature = from->rseq_signature;
        if (from->rseq_due)
            rseq_note(t);
    }
    if (args->flags & CLONE_CHILD_SETTID)
        t->set_child_tid = args->child_tid;
    if (args->flags & CLONE_CHILD_CLEARTID)
        t->clear_child_tid = args->child_tid;
    if ((args->flags & CLONE_SYSVSEM && sem_undo_share(t) != 0) ||
        ptrace_fork_prepare(t, args->flags) != 0) {
        discard_thread(t);
        return NULL;
    }
    return t;
}

/* A complete child without a number. 0 or -ENOMEM with no trace. */
static int build_child(struct proc *parent, const struct fork_args *args,
                       struct proc **out)
{
    struct proc *child = proc_alloc();
    struct thread *t;
    int err;

    if (!child)
        return -ENOMEM;
    copy_identity(child, parent, args->flags);
    err = copy_signals(child, parent, args->flags);
    if (!err)
        err = copy_mm(child, parent, args->flags);
    if (err)
        goto out_free;
    err = copy_files(child, parent, args->flags);
    if (err)
        goto out_mm;
    err = copy_directories(child, parent, args->flags);
    if (err)
        goto out_files;
    err = -ENOMEM;
    t = copy_thread(child, current_thread(), args);
    if (!t)
        goto out_fs;
    proc_copy_exe(child, parent);
    child->leader = t;
    child->nthreads = child->nlive = 1;
    thread_walk_join(child, t);
    *out = child;
    return 0;

out_fs:
    fs_context_fini(&child->fs);
out_files:
    fdtable_disown(child->files);
out_mm:
    mm_put(child->mm);
out_free:
    proc_free(child);
    return err;
}

/* Takes a child apart that nobody has seen. */
static void discard_child(struct proc *child)
{
    list_del(&child->leader->proc_link);
    discard_thread(child->leader);
    proc_set_exe(child, NULL);
    fs_context_fini(&child->fs);
    fdtable_disown(child->files);
    mm_put(child->mm);
    proc_free(child);
}

/* Interruptible by SIGKILL only: until then the child lives in the caller's memory. */
static void wait_for_vfork(struct thread *t, struct proc *child)
{
    irqflags_t flags;

    while (READ_ONCE(t->vfork_child) && !signal_kill_pending(t))
        thread_park();
    flags = spin_lock_irq(&proc_lock);
    if (t->vfork_child) {
        child->vfork_waiter = NULL;
        t->vfork_child = NULL;
    }
    spin_unlock_irq(&proc_lock, flags);
}

void vfork_release(struct proc *p)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    struct thread *waiter = p->vfork_waiter;

    if (waiter) {
        p->vfork_waiter = NULL;
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
static int join_process(struct proc *p, struct thread *t)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    int err = p->exiting || p->exec_thread ? -EAGAIN : 0;

    if (!err) {
        thread_publish(t);
        spin_lock(&p->sig.lock);
        thread_walk_join(p, t);
        p->nthreads++;
        p->nlive++;
        p->account->tasks++;
        spin_unlock(&p->sig.lock);
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
    int err = proc_reserve_pid(p, &tid);

    if (err)
        return err;
    err = -ENOMEM;
    t = copy_thread(p, current_thread(), args);
    if (!t)
        goto out_tid;
    t->tid = tid;
    err = join_process(p, t);
    if (err)
        goto out_thread;
    tell_parent(args, tid);
    thread_launch(t);
    if (unlikely(current_thread()->trace))
        ptrace_event(current_thread(), ptrace_fork_event(current_thread(), args->flags),
                     (u64)tid);
    return tid;

out_thread:
    discard_thread(t);
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
    if (clone_flags & CLONE_VFORK) {
        child->vfork_waiter = current_thread();
        current_thread()->vfork_child = child;
    }
    publish(child, parent, clone_flags);
    thread_publish(child->leader);
    ptrace_fork_publish(child->leader);
    return 0;
}

/* CLONE_PIDFD: the caller's descriptor, reserved and told, and its file. */
static int prepare_pidfd(struct proc *child, const struct fork_args *args, int *fd,
                         struct file **f)
{
    struct fdtable *files = current_proc()->files;
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
        fd_unreserve(current_proc()->files, fd);
        file_put(pidfd);
    }
    discard_child(child);
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
    err = proc_reserve_pid(parent, &pid);
    if (err)
        return err;
    err = build_child(parent, args, &child);
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
        fd_fill(parent->files, fd, pidfd, true);
    thread_launch(t);
    if (unlikely(current_thread()->trace))
        ptrace_event(current_thread(), ptrace_fork_event(current_thread(), args->flags),
                     (u64)pid);
    if (args->flags & CLONE_VFORK) {
        wait_for_vfork(current_thread(), child);
        if (unlikely(current_thread()->trace) && !(args->flags & CLONE_UNTRACED))
            ptrace_event(current_thread(), PTRACE_EVENT_VFORK_DONE, (u64)pid);
    }
    return pid;
}
