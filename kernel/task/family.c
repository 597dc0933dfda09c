/* SPDX-License-Identifier: MIT
 *
 * What the end of a process, and other news of it, mean to its relatives: parents are told,
 * children get another parent, groups may lose their last link to the session.
 */
#include "kernel/ptrace/family.h"
#include "kernel/ptrace/ptrace.h"
#include "kernel/task/family.h"
#include "kernel/task/proc.h"
#include "kernel/task/signal.h"
#include "kernel/task/wait.h"
#include "kernel/task/walk.h"
#include "lib/lock.h"
#include "lib/uapi/wait.h"

/* ---- groups ---- */

bool group_is_orphaned(s32 pgid, s32 sid, const struct proc *without, bool *stopped,
                       irqflags_t *flags)
{
    REQUIRES(&proc_lock);
    struct proc *p = group_first(pgid);

    *stopped = false;
    while (p) {
        const struct proc *parent = p->parent;
        u64 birth = p->birth;

        *stopped |= READ_ONCE(p->stopped);
        if (p != without && !p->exiting && parent && parent != init_proc &&
            !parent->exiting && parent->pgid != pgid && parent->sid == sid)
            return false;
        p = proc_pause(flags) ? group_after(pgid, birth) : group_next(p);
    }
    return true;
}

/* POSIX: a group that loses its last link to the session and has stopped members would
 * sleep for ever. */
bool orphan_group(struct proc *p, const struct proc *parent, const struct proc *without,
                  const struct proc *ending, irqflags_t *flags)
{
    REQUIRES(&proc_lock);
    struct proc *first = group_first(p->pgid);
    s32 pgid = p->pgid;
    bool stopped;
    u64 births;

    if (parent->pgid == pgid || parent->sid != p->sid || !first ||
        first->orphaned_by == ending->serial)
        return false;
    first->orphaned_by = ending->serial;
    births = proc_births(); /* the number may name another group soon */
    if (!group_is_orphaned(pgid, p->sid, without, &stopped, flags) || !stopped)
        return true;
    spin_unlock_irq(&proc_lock, *flags);
    signal_send_group(pgid, SIGHUP, 0, births);
    signal_send_group(pgid, SIGCONT, 0, births);
    *flags = spin_lock_irq(&proc_lock);
    return true;
}

/* ---- telling the parent ---- */

void notify_parent(struct proc *p, int code, int status)
{
    REQUIRES(&proc_lock);
    struct proc *parent = p->parent;
    u64 act_flags = READ_ONCE(parent->sig.actions->of[SIGCHLD].sa_flags);
    bool ended = code != CLD_STOPPED && code != CLD_CONTINUED;
    struct sig_record rec = {
        .code = code, .pid = p->pid, .uid = p->cred.uid, .status = status};
    int signo = ended ? p->exit_signal : SIGCHLD;

    if (code == CLD_STOPPED && unlikely(ptrace_by_parent(p)))
        return; /* it hears of the stop of each thread */
    /* The program that shall get it is not the one that asked for it any more. */
    if (signo && p->parent_exec_count != parent->exec_count)
        signo = SIGCHLD;
    rec.utime = (u32)(READ_ONCE(p->utime_ns) / (1000000000 / USER_HZ));
    rec.stime = (u32)(READ_ONCE(p->stime_ns) / (1000000000 / USER_HZ));
    if (signo > 0 && signo <= NSIG && (ended || !(act_flags & SA_NOCLDSTOP)))
        signal_send_record(parent, NULL, signo, &rec, &p->end_record);
    waitq_wake_all(&parent->child_wait);
}

/* Whether the parent declared that it will not wait. */
bool parent_ignores(const struct proc *p)
{
    REQUIRES(&proc_lock);
    const struct kernel_sigaction *act = &p->parent->sig.actions->of[SIGCHLD];

    return p->exit_signal == SIGCHLD && (READ_ONCE(act->sa_handler) == SIG_IGN ||
                                         READ_ONCE(act->sa_flags) & SA_NOCLDWAIT);
}

void tell_end(struct proc *p)
{
    REQUIRES(&proc_lock);
    int status = p->exit_status;

    if (status & 0x7f)
        notify_parent(p, status & 0x80 ? CLD_DUMPED : CLD_KILLED, status & 0x7f);
    else
        notify_parent(p, CLD_EXITED, status >> 8 & 0xff);
}

bool any_subreaper;

/* The nearest ancestor that asked for orphans, else init. proc_lock is given up now and then: an
 * ancestor that is there afterwards leads where the walk was going, one that has gone makes it begin
 * anew, with fewer above it. */
static struct proc *reaper_of(const struct proc *p, irqflags_t *flags)
{
    REQUIRES(&proc_lock);
    struct proc *q = p->parent;

    if (!READ_ONCE(any_subreaper))
        return init_proc;
    while (q && q != init_proc && !(READ_ONCE(q->subreaper) && !q->exiting)) {
        s32 pid = q->pid;
        u64 serial = q->serial;

        if (proc_pause(flags)) {
            q = proc_find(pid);
            if (!q || q->serial != serial)
                q = p->parent;
        } else {
            q = q->parent;
        }
    }
    return q ?: init_proc;
}

/* Gives a child to `reaper`; one that nobody waits for goes to `unwanted`. proc_lock held; true: it
 * may have been given up at the end. */
static bool reparent(struct proc *p, struct proc *child, struct proc *reaper,
                     struct list *unwanted, irqflags_t *flags)
{
    REQUIRES(&proc_lock);
    zombie_unqueue(child);
    list_del(&child->sibling);
    list_add_tail(&reaper->children, &child->sibling);
    child->parent = reaper;
    WRITE_ONCE(child->ppid, reaper->pid);
    child->parent_thread = reaper->leader;
    if (reaper->leader)
        reaper->leader->has_children = true;
    child->exit_signal = SIGCHLD;
    job_changed();
    if (child->zombie && unlikely(ptrace_hides(child))) {
        /* its tracer waits for it first */
    } else if (!child->zombie) {
        if (child->pdeath_signal)
            signal_send_parent_ends(child);
    } else {
        if (parent_ignores(child)) {
            proc_unpublish(child);
            list_add(unwanted, &child->sibling);
        } else {
            zombie_queue(child);
        }
        tell_end(child);
    }
    return orphan_group(child, p, NULL, p, flags);
}

/* Hands the children over to one that waits for them. proc_lock held, given up now and
 * then. */
void reparent_children(struct proc *p, struct list *unwanted, irqflags_t *flags)
{
    REQUIRES(&proc_lock);
    struct proc *reaper = NULL;

    while (!list_empty(&p->children)) {
        struct proc *child;
        bool stale;

        if (!reaper) { /* by those who have children alone: there may be many ancestors */
            reaper = reaper_of(p, flags);
            continue; /* the children may be others now */
        }
        child = list_entry(p->children.next, struct proc, sibling);
        stale = reparent(p, child, reaper, unwanted, flags);
        stale |= proc_pause(flags);
        if (stale) /* it may have ended */
            reaper = NULL;
    }
}

/* The children of a thread that ends go to another thread of its process, and hear of it if
 * they asked. */
void pass_children_on(struct proc *p, const struct thread *t, irqflags_t *flags)
{
    REQUIRES(&proc_lock);
    struct list *pos = p->children.next;

    if (!t->has_children)
        return;
    p->leader->has_children = true;
    while (pos != &p->children) {
        struct proc *child = list_entry(pos, struct proc, sibling);

        pos = pos->next;
        if (child->parent_thread != t)
            continue;
        child->parent_thread = p->leader;
        if (!child->pdeath_signal || child->zombie)
            continue;
        signal_send_parent_ends(child);
        if (proc_pause(flags)) {
            pos = p->children.next;
            p->leader->has_children = true;
        }
    }
}
