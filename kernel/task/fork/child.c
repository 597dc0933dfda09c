/* SPDX-License-Identifier: MIT
 *
 * What a child takes over from its parent, and what of it begins anew.
 */
#include "kernel/task/fork/child.h"
#include "arch/trap.h"
#include "fs/fdtable.h"
#include "fs/groups.h"
#include "fs/mount/mount.h"
#include "kernel/ipc/sem_undo.h"
#include "kernel/ptrace/family.h"
#include "kernel/task/exec/exe.h"
#include "kernel/task/exit.h"
#include "kernel/task/fork/fork.h"
#include "kernel/task/proc.h"
#include "kernel/task/rseq.h"
#include "kernel/task/sched/policy.h"
#include "kernel/task/sched/runq.h"
#include "kernel/task/sched/thread.h"
#include "kernel/task/sigactions.h"
#include "kernel/task/uaccess.h"
#include "kernel/task/walk.h"
#include "kernel/uffd/event.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
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

static int copy_files(struct thread *t, struct fdtable *files, u64 flags)
{
    int err;

    if (flags & CLONE_FILES) {
        fdtable_own(files);
        t->files = files;
    } else {
        err = fdtable_may_clone(files);
        if (err)
            return err;
        t->files = fdtable_clone(files);
    }
    return t->files ? 0 : -ENOMEM;
}

/* A thread of the same process takes part in the caller's as it joins. */
static int copy_directories(struct thread *t, u64 flags)
{
    if (!(flags & CLONE_FS))
        return fs_context_copy(&t->fs, current_fs());
    if (!(flags & CLONE_THREAD))
        fs_context_share(&t->fs, current_fs());
    return 0;
}

static void copy_cred(struct thread *t, struct cred *to)
{
    *to = *own_cred();
    groups_hold(to->fs.groups);
    cred_use(t, to);
}

/* As one: another thread may just change them. */
static void copy_identity(struct proc *child, struct proc *parent, u64 clone_flags)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);

    memcpy(child->rlim, parent->rlim, sizeof(child->rlim));
    child->share = parent->share;
    child->dumpable = parent->dumpable;
    child->oom_score_adj = parent->oom_score_adj;
    child->oom_score_adj_min = parent->oom_score_adj_min;
    child->exit_signal =
        clone_flags & CLONE_PARENT ? parent->exit_signal : (int)(clone_flags & CSIGNAL);
    spin_lock(&parent->sig.lock);
    memcpy(child->comm, current_thread()->comm, sizeof(child->comm));
    spin_unlock(&parent->sig.lock);
    spin_unlock_irq(&proc_lock, flags);
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
    s8 nice = from->nice;

    t->personality = from->personality;
    t->ioprio = from->ioprio;
    t->mempolicy = from->mempolicy;
    t->slack = t->slack_default = from->slack;
    t->allowed = READ_ONCE(from->allowed);
    if (from->reset_on_fork && from->realtime)
        policy = SCHED_OTHER;
    if (from->reset_on_fork && (from->realtime || nice < 0))
        nice = 0;
    t->nice = nice;
    t->policy = policy;
    t->realtime = policy == SCHED_FIFO || policy == SCHED_RR;
    t->priority = t->realtime ? from->priority : 0;
    t->rr_left = RR_TICKS;
}

void child_thread_discard(struct thread *t)
{
    sem_undo_leave(t);
    account_put(t->account);
    if (t->files)
        fdtable_disown(t->files);
    if (t->fs.dirs)
        fs_context_fini(&t->fs);
    thread_free(t);
}

int child_thread_build(struct proc *child, struct thread *from,
                       const struct fork_args *args, struct thread **out)
{
    struct trapframe *frame;
    struct thread *t;
    int err;

    if (from->policy == SCHED_DEADLINE && !from->reset_on_fork)
        return -EAGAIN; /* nothing was promised for a second one */
    t = thread_create(child, from->comm, child_start, NULL);
    if (!t)
        return -ENOMEM;
    t->account = account_current();
    account_hold(t->account);
    copy_cred(t, child == from->proc ? &t->cred_room : &child->cred);
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
    } else {
        t->altstack_flags = SS_DISABLE;
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
    err = copy_files(t, from->files, args->flags);
    if (!err)
        err = copy_directories(t, args->flags);
    if (!err && args->flags & CLONE_SYSVSEM)
        err = sem_undo_share(t);
    if (!err)
        err = ptrace_fork_prepare(t, args->flags);
    if (err)
        child_thread_discard(t);
    else
        *out = t;
    return err;
}

int child_build(struct proc *parent, const struct fork_args *args, struct proc **out)
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
    err = child_thread_build(child, current_thread(), args, &t);
    if (err)
        goto out_mm;
    child->nice = t->nice;
    proc_copy_exe(child, parent);
    sched_user_changed(child); /* its maker may be another than the first thread */
    child->leader = t;
    child->nthreads = child->nlive = 1;
    thread_walk_join(child, t);
    /* With the descriptors it has: it does not get what the event brings. */
    if (unlikely(READ_ONCE(uffd_tells)) && !(args->flags & CLONE_VM)) {
        err = uffd_fork(child->mm);
        if (err) {
            child_discard(child);
            return err;
        }
    }
    *out = child;
    return 0;

out_mm:
    mm_put(child->mm);
out_free:
    proc_free(child);
    return err;
}

void child_discard(struct proc *child)
{
    list_del(&child->leader->proc_link);
    child_thread_discard(child->leader);
    proc_set_exe(child, NULL);
    mm_put(child->mm);
    proc_free(child);
}
