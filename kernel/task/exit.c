/* SPDX-License-Identifier: MIT
 *
 * The end of a process. The dying thread gives back all it holds while it still runs; its
 * stack is freed by the next thread, which then makes the record a zombie and tells the
 * parent. So once wait4 sees it, nothing but the record is left.
 */
#include "kernel/task/exit.h"
#include "fs/fdtable.h"
#include "fs/mount/mount.h"
#include "kernel/event/pidfd.h"
#include "kernel/event/posix_timer.h"
#include "kernel/ipc/segment.h"
#include "kernel/ipc/sem_undo.h"
#include "kernel/pause.h"
#include "kernel/ptrace/family.h"
#include "kernel/ptrace/ptrace.h"
#include "kernel/ptrace/stop.h"
#include "kernel/seccomp/chain.h"
#include "kernel/syscall.h"
#include "kernel/task/exec/exe.h"
#include "kernel/task/family.h"
#include "kernel/task/fork/fork.h"
#include "kernel/task/futex/futex.h"
#include "kernel/task/futex/robust.h"
#include "kernel/task/jobs.h"
#include "kernel/task/proc.h"
#include "kernel/task/sched/sched.h"
#include "kernel/task/sched/wake.h"
#include "kernel/task/signal.h"
#include "kernel/task/threads.h"
#include "kernel/task/uaccess.h"
#include "kernel/task/usage.h"
#include "kernel/task/visit.h"
#include "kernel/task/wait.h"
#include "kernel/task/walk.h"
#include "kernel/term/tty.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/ptrace.h"
#include "lib/uapi/wait.h"

void clear_child_tid(struct thread *t)
{
    struct mm *mm = t->proc->mm;
    u32 zero = 0;
    bool seen = mm && (READ_ONCE(mm->refs) > 1 || READ_ONCE(t->proc->nthreads) > 1);

    if (t->clear_child_tid && seen) {
        if (copy_to_user(t->clear_child_tid, &zero, sizeof(zero)) == 0)
            (void)futex_wake_shared(t->clear_child_tid, 1);
    }
    t->clear_child_tid = 0;
}

static void drop_mm(struct proc *p)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    struct mm *mm = p->mm;

    p->mm = NULL;
    mm_activate(NULL);
    if (mm)
        p->maxrss_kb = MAX(p->maxrss_kb, usage_peak_kb(mm));
    spin_unlock_irq(&proc_lock, flags);
    if (mm)
        mm_put(mm);
}

static void drop_resources(struct proc *p)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    struct thread *t = current_thread();
    struct fdtable *files = t->files;
    struct fs_dirs *dirs = fs_context_leave(&t->fs);

    t->files = NULL;
    p->tty = NULL;
    spin_unlock_irq(&proc_lock, flags);
    fdtable_disown(files);
    fs_dirs_free(dirs);
    proc_set_exe(p, NULL);
    drop_mm(p);
    vfork_release(t);
}

/* A process's last moment: true when nobody will wait for its record. */
static bool become_zombie(struct proc *p)
{
    REQUIRES(&proc_lock);
    bool reap = parent_ignores(p);

    p->zombie = true;
    if (p->pidref)
        pidref_ended(p->pidref);
    if (unlikely(ptrace_zombie(p)))
        return false;
    if (reap)
        proc_unpublish(p);
    else
        zombie_queue(p);
    tell_end(p);
    return reap;
}

void thread_gone(struct proc *p, s32 free_tid)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    bool reap = false;

    if (free_tid)
        pid_release(free_tid);
    if (--p->nlive == 0)
        reap = become_zombie(p);
    else if (p->nlive == 1 && (p->exec_thread || p->last_thread))
        thread_unpark(p->exec_thread ?: p->last_thread);
    spin_unlock_irq(&proc_lock, flags);
    if (reap)
        proc_free(p);
}

static void detach_thread(struct proc *p, struct thread *t, struct list *trash)
{
    REQUIRES(&proc_lock);
    REQUIRES(&p->sig.lock);
    thread_tell_faults(t);
    io_counts_add(&p->io, &t->io);
    t->account->tasks--;
    if (--p->nthreads == 0)
        p->account->tasks++; /* as long as the record is there */
    thread_walk_leave(p, t);
    signal_flush(&t->pending, &t->records, trash);
}

/* The others die as soon as they leave the kernel; no new ones come. proc_lock and sig.lock
 * held, given up now and then. */
static void kill_others(struct proc *p, const struct thread *t, irqflags_t *flags)
{
    REQUIRES(&proc_lock);
    REQUIRES(&p->sig.lock);
    struct thread_walk w;
    struct thread *other;

    thread_walk_begin(&w, p);
    while ((other = thread_walk_next(&w, p)) != NULL) {
        if (other != t) {
            WRITE_ONCE(other->pending, other->pending | sig_bit(SIGKILL));
            thread_notify(other);
        }
        if (breath_due()) {
            spin_unlock(&p->sig.lock);
            proc_pause(flags);
            spin_lock(&p->sig.lock);
        }
    }
    thread_walk_end(&w);
}

/* Whether the whole process ends. proc_lock and sig.lock held, given up. */
static void end_begins(struct proc *p, struct thread *t, bool whole, int status,
                       irqflags_t *flags)
{
    REQUIRES(&proc_lock);
    REQUIRES(&p->sig.lock);
    if (!p->exiting && !p->exec_thread && (whole || p->nthreads == 1)) {
        p->exiting = true;
        p->exit_status = status;
        kill_others(p, t, flags);
    }
}

/* The process ends: before its other threads could see by a word or a lock that t did. */
static noinline void others_end(struct thread *t, int status)
{
    struct proc *p = t->proc;
    irqflags_t flags = spin_lock_irq(&proc_lock);

    spin_lock(&p->sig.lock);
    end_begins(p, t, true, status, &flags);
    spin_unlock(&p->sig.lock);
    spin_unlock_irq(&proc_lock, flags);
}

/* A tracer sees the thread before it is taken apart. What killed it has done its work; only
 * another SIGKILL ends that stop. */
static noinline void stop_at_exit(struct thread *t, bool whole, int status)
{
    struct proc *p = t->proc;
    irqflags_t flags = spin_lock_irq(&proc_lock);

    spin_lock(&p->sig.lock);
    end_begins(p, t, whole, status, &flags);
    WRITE_ONCE(t->pending, t->pending & ~sig_bit(SIGKILL));
    if (p->exiting)
        WRITE_ONCE(p->pending, p->pending & ~sig_bit(SIGKILL));
    status = p->exiting ? p->exit_status : status;
    spin_unlock(&p->sig.lock);
    spin_unlock_irq(&proc_lock, flags);
    ptrace_event(t, PTRACE_EVENT_EXIT, (u64)status);
}

/* The thread leaves; `whole`: the process ends, unless its exec is what ends the thread.
 * True for the last one, which then takes the process apart. */
static bool leave_group(struct proc *p, struct thread *t, bool whole, int status)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    struct list trash = LIST_INIT(trash);
    struct fdtable *files = NULL;
    struct fs_dirs *dirs = NULL;
    bool last, stopped = false;

    spin_lock(&p->sig.lock);
    end_begins(p, t, whole, status, &flags);
    spin_unlock(&p->sig.lock);
    last = p->nthreads == 1;
    if (last)
        p->last_thread = t;
    if (!last) {
        thread_unpublish(t); /* first: nobody sends it a signal from now on */
        spin_lock(&p->sig.lock);
        stopped = job_stop_taken(p, t) && !p->exiting;
        detach_thread(p, t, &trash);
        dirs = fs_context_leave(&t->fs);
        files = t->files;
        t->files = NULL;
        if (p->leader == t)
            p->leader = list_entry(p->threads.next, struct thread, proc_link);
        signal_retarget(p, ~t->blocked);
        spin_unlock(&p->sig.lock);
        pass_children_on(p, t, &flags);
        t->free_tid = t->tid != p->pid ? t->tid : 0;
        if (ptrace_thread_ends(t, whole && p->exiting ? p->exit_status : status))
            t->free_tid = 0;
    }
    if (stopped) /* it was the last that ran */
        notify_parent(p, CLD_STOPPED, p->stop_signal);
    spin_unlock_irq(&proc_lock, flags);
    if (files)
        fdtable_disown(files);
    fs_dirs_free(dirs);
    signal_free(p, &trash);
    return last;
}

/* Until the others have left the process's memory on whatever CPU they ran. */
static void wait_for_others(const struct proc *p)
{
    while (READ_ONCE(p->nlive) > 1)
        thread_park();
}

int proc_become_single(void)
{
    struct thread *t = current_thread();
    struct proc *p = t->proc;
    irqflags_t flags = spin_lock_irq(&proc_lock);
    struct account *former = NULL;
    struct tracee *dead;
    s32 old_tid = 0;
    int err = p->exiting || p->exec_thread ? -EAGAIN : 0;

    if (!err) {
        spin_lock(&p->sig.lock);
        p->exec_thread = t;
        kill_others(p, t, &flags);
        spin_unlock(&p->sig.lock);
    }
    spin_unlock_irq(&proc_lock, flags);
    if (err)
        return err;
    wait_for_others(p);
    flags = spin_lock_irq(&proc_lock);
    if (t->tid != p->pid) {
        old_tid = t->tid;
        thread_unpublish(t);
        t->tid = p->pid;
        thread_publish(t);
        former = cred_lead(p, t);
    }
    dead = ptrace_renumber(p, t);
    p->exec_thread = NULL;
    p->in_exec = true;
    spin_unlock_irq(&proc_lock, flags);
    ptrace_free(dead);
    if (former)
        account_put(former);
    if (old_tid)
        proc_unreserve_pid(old_tid);
    return 0;
}

/* Leaves the tree of processes as far as a dead one can. */
static void leave_family(struct proc *p, struct thread *t)
{
    struct list unwanted = LIST_INIT(unwanted), trash = LIST_INIT(trash);
    struct sig_queued *end_record = signal_spare(READ_ONCE(p->exit_signal));
    irqflags_t flags = spin_lock_irq(&proc_lock);

    p->end_record = end_record;
    reparent_children(p, &unwanted, &flags);
    (void)orphan_group(p, p->parent, p, p, &flags);
    thread_unpublish(t);
    spin_lock(&p->sig.lock);
    detach_thread(p, t, &trash);
    p->leader = p->last_thread = NULL;
    visit_forget(p);
    signal_flush(&p->pending, &p->records, &trash);
    spin_unlock(&p->sig.lock);
    if (ptrace_thread_ends(t, p->exit_status))
        t->free_tid = 0;
    spin_unlock_irq(&proc_lock, flags);
    signal_free(p, &trash);

    while (!list_empty(&unwanted)) {
        struct proc *child = list_entry(unwanted.next, struct proc, sibling);

        list_del(&child->sibling);
        proc_free(child);
        pause_anyway();
    }
}

static void panic_if_init(const struct proc *p)
{
    int status = p->exit_status;

    if (p != init_proc)
        return;
    if (status & 0x7f)
        panic("init was killed by signal %d", status & 0x7f);
    panic("init exited with status %d", status >> 8 & 0xff);
}

/* The record of the process may go as soon as the thread is off its stack. */
static noreturn void last_steps(struct thread *t)
{
    struct account *a = t->account;

    seccomp_leave(t);
    t->account = NULL;
    account_put(a);
    thread_exit();
}

static noreturn void end_thread(bool whole, int status)
{
    struct thread *t = current_thread();
    struct proc *p = t->proc;

    if (whole && READ_ONCE(p->nthreads) > 1)
        others_end(t, status);
    if (unlikely(ptrace_wants(t, PTRACE_EVENT_EXIT)))
        stop_at_exit(t, whole, status);
    if (unlikely(!list_empty(&p->tracees)))
        ptrace_tracer_ends(t);
    t->ends = true;
    futex_release(t);
    clear_child_tid(t);
    sem_undo_leave(t);
    shm_thread_ends(t);
    if (!leave_group(p, t, whole, status)) {
        vfork_release(t);
        last_steps(t);
    }
    wait_for_others(p);
    panic_if_init(p);
    t->free_tid = t->tid != p->pid ? t->tid : 0;
    p->itimer_interval = 0;
    ktimer_cancel(&p->itimer);
    posix_timers_end(p);
    if (READ_ONCE(p->sid) == p->pid && READ_ONCE(p->tty))
        tty_detach(p);
    drop_resources(p);
    leave_family(p, t);
    last_steps(t);
}

noreturn void proc_exit(int status)
{
    end_thread(true, status);
}

noreturn void thread_end(int status)
{
    end_thread(false, status);
}

long sys_exit(const struct syscall_args *a)
{
    end_thread(false, (int)(a->a0 & 0xff) << 8);
}

long sys_exit_group(const struct syscall_args *a)
{
    end_thread(true, (int)(a->a0 & 0xff) << 8);
}
