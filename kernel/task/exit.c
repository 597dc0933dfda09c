/* SPDX-License-Identifier: MIT
 *
 * The end of a process. The dying thread gives back all it holds while it still runs; its
 * stack is freed by the next thread, which then makes the record a zombie and tells the
 * parent. So once wait4 sees it, nothing but the record is left.
 */
#include "kernel/task/exit.h"
#include "fs/fdtable.h"
#include "fs/mount/mount.h"
#include "kernel/syscall.h"
#include "kernel/task/fork.h"
#include "kernel/task/futex/futex.h"
#include "kernel/task/futex/robust.h"
#include "kernel/task/proc.h"
#include "kernel/task/sched.h"
#include "kernel/task/signal.h"
#include "kernel/task/threads.h"
#include "kernel/task/uaccess.h"
#include "kernel/task/wait.h"
#include "kernel/task/walk.h"
#include "kernel/term/tty.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
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
    spin_unlock_irq(&proc_lock, flags);
    if (mm) {
        p->maxrss_kb = MAX(p->maxrss_kb, mm->hiwater_rss * (PAGE_SIZE / 1024));
        mm_put(mm);
    }
}

static void drop_resources(struct proc *p)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    struct fdtable *files = p->files;
    struct fs_context fs = p->fs;

    p->files = NULL;
    p->fs.dirs = NULL;
    spin_unlock_irq(&proc_lock, flags);
    fdtable_disown(files);
    fs_context_fini(&fs);
    proc_set_exe(p, NULL);
    drop_mm(p);
    vfork_release(p);
}

/* ---- groups ---- */

bool group_is_orphaned(s32 pgid, s32 sid, const struct proc *without)
{
    REQUIRES(&proc_lock);
    for (struct proc *p = group_first(pgid); p; p = group_next(p)) {
        const struct proc *parent = p->parent;

        if (p == without || p->exiting || !parent || parent == init_proc ||
            parent->exiting)
            continue;
        if (parent->pgid != pgid && parent->sid == sid)
            return false;
    }
    return true;
}

static bool group_has_stopped(s32 pgid)
{
    for (struct proc *p = group_first(pgid); p; p = group_next(p))
        if (p->stopped)
            return true;
    return false;
}

/* POSIX: a group that loses its last link to the session and has stopped members would
 * sleep for ever. p's link to `parent` is the one being lost; `ending` asks once for each
 * group. proc_lock is given up. */
static void orphan_group(struct proc *p, const struct proc *parent,
                         const struct proc *without, const struct proc *ending,
                         irqflags_t *flags)
{
    struct proc *first = group_first(p->pgid);
    s32 pgid = p->pgid;
    u64 births;

    if (parent->pgid == pgid || parent->sid != p->sid || !first ||
        first->orphaned_by == ending->serial)
        return;
    first->orphaned_by = ending->serial;
    if (!group_is_orphaned(pgid, p->sid, without) || !group_has_stopped(pgid))
        return;
    births = proc_births(); /* the number may name another group soon */
    spin_unlock_irq(&proc_lock, *flags);
    signal_send_group(pgid, SIGHUP, births);
    signal_send_group(pgid, SIGCONT, births);
    *flags = spin_lock_irq(&proc_lock);
}

/* ---- telling the parent ---- */

void notify_parent(struct proc *p, int code, int status)
{
    REQUIRES(&proc_lock);
    struct proc *parent = p->parent;
    const struct kernel_sigaction *act = &parent->sig.actions->of[SIGCHLD];
    bool ended = code != CLD_STOPPED && code != CLD_CONTINUED;
    struct sig_record rec = {
        .code = code, .pid = p->pid, .uid = p->cred.uid, .status = status};
    u64 utime, stime;
    int signo = ended ? p->exit_signal : SIGCHLD;

    /* The program that shall get it is not the one that asked for it any more. */
    if (signo && p->parent_exec_count != parent->exec_count)
        signo = SIGCHLD;
    proc_times(p, &utime, &stime);
    rec.utime = (u32)(utime / (1000000000 / USER_HZ));
    rec.stime = (u32)(stime / (1000000000 / USER_HZ));
    if (signo > 0 && signo <= NSIG && (ended || !(act->sa_flags & SA_NOCLDSTOP)))
        signal_send_record(parent, NULL, signo, &rec);
    waitq_wake_all(&parent->child_wait);
}

/* Whether the parent declared that it will not wait. */
static bool parent_ignores(const struct proc *p)
{
    REQUIRES(&proc_lock);
    const struct kernel_sigaction *act = &p->parent->sig.actions->of[SIGCHLD];

    return p->exit_signal == SIGCHLD &&
           (act->sa_handler == SIG_IGN || act->sa_flags & SA_NOCLDWAIT);
}

static void tell_end(struct proc *p)
{
    int status = p->exit_status;

    if (status & 0x7f)
        notify_parent(p, status & 0x80 ? CLD_DUMPED : CLD_KILLED, status & 0x7f);
    else
        notify_parent(p, CLD_EXITED, status >> 8 & 0xff);
}

void proc_gone(struct proc *p)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    bool reap = parent_ignores(p);

    p->zombie = true;
    if (reap)
        proc_unpublish(p);
    else
        zombie_queue(p);
    tell_end(p);
    spin_unlock_irq(&proc_lock, flags);
    if (reap)
        proc_free(p);
}

/* The nearest ancestor that asked for orphans, else init. */
static struct proc *reaper_of(const struct proc *p)
{
    REQUIRES(&proc_lock);
    struct proc *q;

    for (q = p->parent; q && q != init_proc; q = q->parent) {
        if (q->subreaper && !q->exiting)
            return q;
    }
    return init_proc;
}

/* Gives a child to `reaper`; one that nobody waits for goes to `unwanted`. proc_lock held,
 * given up at the end. */
static void reparent(struct proc *p, struct proc *child, struct proc *reaper,
                     struct list *unwanted, irqflags_t *flags)
{
    REQUIRES(&proc_lock);
    list_del(&child->sibling);
    list_add_tail(&reaper->children, &child->sibling);
    child->parent = reaper;
    child->parent_thread = reaper->leader;
    if (reaper->leader)
        reaper->leader->has_children = true;
    child->exit_signal = SIGCHLD;
    job_changed();
    if (!child->zombie) {
        if (child->pdeath_signal)
            signal_send_proc(child, child->pdeath_signal, NULL);
    } else {
        if (parent_ignores(child)) {
            proc_unpublish(child);
            list_add(unwanted, &child->sibling);
        } else {
            list_del(&child->ended);
            zombie_queue(child);
        }
        tell_end(child);
    }
    orphan_group(child, p, NULL, p, flags);
}

/* Hands the children over to one that waits for them. proc_lock held, given up now and
 * then. */
static void reparent_children(struct proc *p, struct list *unwanted, irqflags_t *flags)
{
    REQUIRES(&proc_lock);
    struct proc *reaper = reaper_of(p);

    while (!list_empty(&p->children)) {
        struct proc *child = list_entry(p->children.next, struct proc, sibling);

        reparent(p, child, reaper, unwanted, flags);
        if (proc_pause(flags) || reaper->exiting)
            reaper = reaper_of(p);
    }
}

/* The children of a thread that ends go to another thread of its process, and hear of it if
 * they asked. */
static void pass_children_on(struct proc *p, struct thread *t, struct thread *heir)
{
    REQUIRES(&proc_lock);
    struct list *pos;

    if (!t->has_children)
        return;
    heir->has_children = true;
    list_for_each (pos, &p->children) {
        struct proc *child = list_entry(pos, struct proc, sibling);

        if (child->parent_thread != t)
            continue;
        child->parent_thread = heir;
        if (child->pdeath_signal && !child->zombie)
            signal_send_proc(child, child->pdeath_signal, NULL);
    }
}

static void detach_thread(struct proc *p, struct thread *t)
{
    REQUIRES(&proc_lock);
    REQUIRES(&p->sig.lock);
    p->utime_ns += t->utime_ns;
    io_counts_add(&p->io, &t->io);
    p->stime_ns += t->stime_ns;
    if (--p->nthreads)
        p->account->tasks--; /* the last one counts as long as the process does */
    list_del(&t->proc_link);
    thread_unpublish(t);
    signal_flush(&t->pending, &t->records);
}

/* The others die as soon as they leave the kernel; no new ones come. proc_lock and sig.lock
 * held, given up now and then: those that were told go to the end of the list. */
static void kill_others(struct proc *p, const struct thread *t, irqflags_t *flags)
{
    REQUIRES(&proc_lock);
    REQUIRES(&p->sig.lock);
    for (u32 n = p->nthreads; n; n--) {
        struct thread *other = list_entry(p->threads.next, struct thread, proc_link);

        list_del(&other->proc_link);
        list_add_tail(&p->threads, &other->proc_link);
        if (other != t) {
            other->pending |= sig_bit(SIGKILL);
            thread_unpark(other);
        }
        if (pause_due()) {
            spin_unlock(&p->sig.lock);
            proc_pause(flags);
            spin_lock(&p->sig.lock);
        }
    }
}

/* The thread leaves; `whole`: the process ends, unless its exec is what ends the thread.
 * True for the last one, which then takes the process apart. */
static bool leave_group(struct proc *p, struct thread *t, bool whole, int status)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    bool last;

    spin_lock(&p->sig.lock);
    if (!p->exiting && !p->exec_thread && (whole || p->nthreads == 1)) {
        p->exiting = true;
        p->exit_status = status;
        kill_others(p, t, &flags);
    }
    last = p->nthreads == 1;
    if (!last) {
        detach_thread(p, t);
        pass_children_on(p, t, list_entry(p->threads.next, struct thread, proc_link));
        if (p->leader == t)
            p->leader = list_entry(p->threads.next, struct thread, proc_link);
        if (p->exec_thread)
            thread_unpark(p->exec_thread);
        t->free_tid = t->tid != p->pid ? t->tid : 0;
    }
    spin_unlock(&p->sig.lock);
    spin_unlock_irq(&proc_lock, flags);
    return last;
}

int proc_become_single(void)
{
    struct thread *t = current_thread();
    struct proc *p = t->proc;
    irqflags_t flags = spin_lock_irq(&proc_lock);
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
    while (READ_ONCE(p->nthreads) > 1)
        thread_park();
    flags = spin_lock_irq(&proc_lock);
    if (t->tid != p->pid) {
        old_tid = t->tid;
        thread_unpublish(t);
        t->tid = p->pid;
        thread_publish(t);
    }
    p->exec_thread = NULL;
    spin_unlock_irq(&proc_lock, flags);
    if (old_tid)
        proc_unreserve_pid(old_tid);
    return 0;
}

/* Leaves the tree of processes as far as a dead one can. */
static void leave_family(struct proc *p, struct thread *t)
{
    struct list unwanted = LIST_INIT(unwanted);
    irqflags_t flags = spin_lock_irq(&proc_lock);

    reparent_children(p, &unwanted, &flags);
    orphan_group(p, p->parent, p, p, &flags);
    spin_lock(&p->sig.lock);
    detach_thread(p, t);
    p->leader = NULL;
    signal_flush(&p->pending, &p->records);
    spin_unlock(&p->sig.lock);
    spin_unlock_irq(&proc_lock, flags);

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

static noreturn void end_thread(bool whole, int status)
{
    struct thread *t = current_thread();
    struct proc *p = t->proc;

    futex_release(t);
    clear_child_tid(t);
    if (!leave_group(p, t, whole, status))
        thread_exit();
    panic_if_init(p);
    t->ends_proc = true;
    t->free_tid = t->tid != p->pid ? t->tid : 0;
    p->itimer_interval = 0;
    ktimer_cancel(&p->itimer);
    if (p->sid == p->pid && p->tty)
        tty_detach(p);
    p->tty = NULL;
    drop_resources(p);
    leave_family(p, t);
    thread_exit();
}

noreturn void proc_exit(int status)
{
    end_thread(true, status);
}

long sys_exit(const struct syscall_args *a)
{
    end_thread(false, (int)(a->a0 & 0xff) << 8);
}

long sys_exit_group(const struct syscall_args *a)
{
    end_thread(true, (int)(a->a0 & 0xff) << 8);
}
