/* SPDX-License-Identifier: MIT
 *
 * Tracers and what they trace: the second tree of processes. A tracer waits for its tracees as
 * for children; a process that ends traced by a stranger is told to its parent only after that
 * one has waited for it, or has gone.
 */
#include "kernel/ptrace/family.h"
#include "fs/perm.h"
#include "kernel/pause.h"
#include "kernel/ptrace/ptrace.h"
#include "kernel/ptrace/tracee.h"
#include "kernel/task/exit.h"
#include "kernel/task/family.h"
#include "kernel/task/sched/wake.h"
#include "kernel/task/signal.h"
#include "kernel/task/usage.h"
#include "kernel/task/wait.h"
#include "kernel/task/walk.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/sched.h"
#include "lib/uapi/wait.h"
#include "mm/phys/slab.h"

struct tracee *tracee_create(void)
{
    struct tracee *r = kzalloc(sizeof(*r));

    if (r)
        list_init(&r->link);
    return r;
}

void ptrace_free(struct tracee *r)
{
    kfree(r);
}

/* ---- tracing begins and ends ---- */

void tracee_link(struct thread *t, struct thread *by, struct tracee **fresh,
                 enum trace_start how)
{
    REQUIRES(&proc_lock);
    struct proc *p = t->proc;
    struct tracee *r = t->trace;

    if (!r) {
        r = *fresh;
        *fresh = NULL;
        r->thread = t;
    }
    r->tid = t->tid;
    r->proc = t->tid == p->pid ? p : NULL;
    r->options = 0;
    r->seized = how == TRACE_SEIZE;
    r->capable = cred_capable(&by->cred->fs, CAP_SYS_PTRACE);
    r->how = PTRACE_CONT;
    r->by = by;
    spin_lock(&p->sig.lock);
    t->trace = r;
    p->was_traced = true;
    t->stop_passed = 0;
    WRITE_ONCE(r->tracer, by->proc);
    spin_unlock(&p->sig.lock);
    list_add_tail(&by->proc->tracees, &r->link);
}

void tracee_go(struct tracee *r, int how, int signal)
{
    REQUIRES(&proc_lock);
    struct proc *p = r->thread->proc;

    r->how = how;
    r->signal = signal;
    r->code = 0;
    r->step = how == PTRACE_SINGLESTEP || how == PTRACE_SYSEMU_SINGLESTEP;
    spin_lock(&p->sig.lock);
    WRITE_ONCE(r->state, TRACE_RUNNING);
    spin_unlock(&p->sig.lock);
    thread_notify(r->thread);
}

void tracee_unlink(struct tracee *r, int signal)
{
    REQUIRES(&proc_lock);
    struct proc *p = r->thread ? r->thread->proc : NULL;

    list_del(&r->link);
    list_init(&r->link);
    if (!p) {
        r->tracer = NULL;
        return;
    }
    spin_lock(&p->sig.lock);
    WRITE_ONCE(r->tracer, NULL);
    r->thread->stop_passed = 0;
    r->thread->trap_due = 0;
    spin_unlock(&p->sig.lock);
    tracee_go(r, PTRACE_CONT, signal);
}

void tracee_tell(const struct tracee *r, int code, int status)
{
    REQUIRES(&proc_lock);
    const struct kernel_sigaction *act = &r->tracer->sig.actions->of[SIGCHLD];
    bool stop = code == CLD_TRAPPED || code == CLD_STOPPED;
    struct sig_record rec = {.code = code, .pid = r->tid, .status = status};

    rec.uid = r->thread ? r->thread->cred->uid : r->uid;
    if (!stop || (READ_ONCE(act->sa_handler) != SIG_IGN &&
                  !(READ_ONCE(act->sa_flags) & SA_NOCLDSTOP)))
        signal_send_record(r->tracer, NULL, SIGCHLD, &rec, NULL);
    waitq_wake_all(&r->tracer->child_wait);
}

/* ---- ends of those that are traced ---- */

static void tell_end_of(const struct tracee *r, int status)
{
    REQUIRES(&proc_lock);
    if (status & 0x7f)
        tracee_tell(r, status & 0x80 ? CLD_DUMPED : CLD_KILLED, status & 0x7f);
    else
        tracee_tell(r, CLD_EXITED, status >> 8 & 0xff);
}

bool ptrace_thread_ends(struct thread *t, int status)
{
    REQUIRES(&proc_lock);
    struct proc *p = t->proc;
    struct tracee *r = t->trace;

    if (!r)
        return false;
    arch_debug_use(&t->arch, NULL);
    if (!r->tracer)
        return false; /* freed with the thread */
    spin_lock(&p->sig.lock);
    t->trace = NULL;
    spin_unlock(&p->sig.lock);
    r->thread = NULL;
    r->state = TRACE_RUNNING;
    r->uid = t->cred->uid;
    r->pgid = p->pgid;
    r->code = status;
    r->told = false;
    if (r->proc) {
        p->trace = r; /* told when the process ends */
        return false;
    }
    tell_end_of(r, status);
    return true;
}

bool ptrace_hides(const struct proc *p)
{
    REQUIRES(&proc_lock);
    return p->trace && p->trace->tracer && p->trace->tracer != p->parent;
}

bool ptrace_by_parent(const struct proc *p)
{
    const struct tracee *r = p->leader ? p->leader->trace : p->trace;

    return r && r->tracer && r->tracer == p->parent;
}

bool ptrace_zombie(struct proc *p)
{
    REQUIRES(&proc_lock);
    if (!p->trace || !p->trace->tracer)
        return false;
    p->trace->code = p->exit_status;
    if (!ptrace_hides(p))
        zombie_queue(p);
    tell_end_of(p->trace, p->exit_status);
    return true;
}

void ptrace_forget(struct proc *p)
{
    REQUIRES(&proc_lock);
    if (p->trace && p->trace->tracer)
        tracee_unlink(p->trace, 0);
}

struct tracee *ptrace_renumber(struct proc *p, struct thread *t)
{
    REQUIRES(&proc_lock);
    struct tracee *old = p->trace;

    ptrace_forget(p);
    p->trace = NULL;
    if (t->trace) {
        t->trace->tid = p->pid;
        t->trace->proc = p;
    }
    return old;
}

/* The zombie's parent may know now. The process when nobody will wait for it. */
static struct proc *give_back(struct proc *p)
{
    REQUIRES(&proc_lock);
    bool reap = parent_ignores(p), hidden = ptrace_hides(p);

    tracee_unlink(p->trace, 0);
    if (!hidden && !reap)
        return NULL; /* its parent knows already */
    if (reap)
        proc_unpublish(p);
    else
        zombie_queue(p);
    tell_end(p);
    return reap ? p : NULL;
}

/* ---- tracers that end ---- */

static struct tracee *next_of(struct thread *t)
{
    REQUIRES(&proc_lock);
    struct list *pos;

    list_for_each (pos, &t->proc->tracees) {
        struct tracee *r = list_entry(pos, struct tracee, link);

        if (!r->place && r->by == t)
            return r;
    }
    return NULL;
}

/* What it goes on with: the signal that it stands for, while that has not been waited for. */
static int signal_left(const struct tracee *r)
{
    REQUIRES(&proc_lock);
    bool has = r->state == TRACE_STOPPED && r->kind == STOP_SIGNAL && !r->told;

    return has ? r->code : 0;
}

void ptrace_tracer_ends(struct thread *t)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    struct tracee *r;

    while ((r = next_of(t)) != NULL) {
        struct proc *gone = NULL, *p = r->thread ? r->thread->proc : r->proc;
        struct tracee *dead = NULL;

        if (!p) { /* a thread that ended, and nobody waits for it now */
            tracee_unlink(r, 0);
            pid_release(r->tid);
            dead = r;
        } else if (p->zombie) {
            gone = give_back(p);
        } else {
            if (r->options & PTRACE_O_EXITKILL)
                signal_send_proc(p, SIGKILL);
            tracee_unlink(r, signal_left(r));
        }
        spin_unlock_irq(&proc_lock, flags);
        ptrace_free(dead);
        if (gone)
            proc_free(gone);
        pause_anyway();
        flags = spin_lock_irq(&proc_lock);
    }
    spin_unlock_irq(&proc_lock, flags);
}

/* ---- waiting ---- */

static bool concerns(const struct tracee *r, const struct wait_request *w)
{
    s32 pgid = r->thread ? r->thread->proc->pgid : r->proc ? r->proc->pgid : r->pgid;

    if (w->options & WNOTHREAD && r->by != current_thread())
        return false;
    if (w->type == P_PID) /* by a pidfd: that process, not who has its number now */
        return r->tid == w->id &&
               (!w->serial || (r->proc && r->proc->serial == w->serial));
    return w->type != P_PGID || pgid == w->id;
}

static bool try_tracee(struct tracee *r, const struct wait_request *w,
                       struct wait_result *res)
{
    REQUIRES(&proc_lock);
    const struct proc *p = r->proc;
    bool ended = p ? p->zombie : !r->thread;

    if (ended) {
        if (!(w->options & WEXITED))
            return false;
        res->status = r->code;
        res->code = !(r->code & 0x7f) ? CLD_EXITED
                    : r->code & 0x80  ? CLD_DUMPED
                                      : CLD_KILLED;
        res->uid = r->uid;
        if (p)
            usage_of_proc(p, true, &res->usage);
        return true;
    }
    if (!r->thread || r->state == TRACE_RUNNING || r->told || !r->code)
        return false;
    res->status = r->code << 8 | 0x7f;
    res->code = CLD_TRAPPED;
    res->uid = r->thread->cred->uid;
    usage_of_proc(r->thread->proc, true, &res->usage);
    r->told = !(w->options & WNOWAIT);
    return true;
}

/* Its end has been told. */
static void take(struct tracee *r, struct wait_result *res)
{
    REQUIRES(&proc_lock);
    if (r->proc) {
        res->reaped = give_back(r->proc);
        return;
    }
    tracee_unlink(r, 0);
    pid_release(r->tid);
    res->dead = r;
}

s32 ptrace_wait(struct proc *tracer, const struct wait_request *w,
                struct wait_result *res, irqflags_t *flags)
{
    REQUIRES(&proc_lock);
    struct list *pos = tracer->tracees.next;
    struct tracee_place here = {.place = true};
    s32 found = -ECHILD;

    for (; pos != &tracer->tracees; pos = pos->next) {
        struct tracee *r;

        if (breath_due()) {
            list_add_tail(pos, &here.link);
            (void)proc_pause(flags);
            pos = here.link.next;
            list_del(&here.link);
            if (pos == &tracer->tracees)
                break;
        }
        r = list_entry(pos, struct tracee, link);
        if (r->place || !concerns(r, w) ||
            (r->proc && r->proc->zombie && !ptrace_hides(r->proc)))
            continue; /* a child of its own is waited for as one */
        found = 0;
        if (!try_tracee(r, w, res))
            continue;
        found = r->tid;
        if (!(w->options & WNOWAIT) && (r->proc ? r->proc->zombie : !r->thread))
            take(r, res);
        break;
    }
    return found;
}

/* ---- fork ---- */

int ptrace_fork_event(const struct thread *t, u64 flags)
{
    int event = flags & CLONE_VFORK            ? PTRACE_EVENT_VFORK
                : (flags & CSIGNAL) != SIGCHLD ? PTRACE_EVENT_CLONE
                                               : PTRACE_EVENT_FORK;

    if (!is_traced(t) || flags & CLONE_UNTRACED)
        return 0;
    return READ_ONCE(t->trace->options) >> event & 1 ? event : 0;
}

int ptrace_fork_prepare(struct thread *child, u64 flags)
{
    const struct thread *t = current_thread();

    if (likely(!t->trace))
        return 0;
    if (t->trace->forced) /* the step is the parent's */
        (void)arch_set_step(arch_thread_frame(&child->arch), false);
    if (!is_traced(t) || !(ptrace_fork_event(t, flags) || flags & CLONE_PTRACE))
        return 0;
    child->trace = tracee_create();
    return child->trace ? 0 : -ENOMEM;
}

void ptrace_fork_publish(struct thread *child)
{
    REQUIRES(&proc_lock);
    const struct tracee *from = current_thread()->trace;
    struct tracee *fresh = child->trace;

    if (likely(!fresh))
        return;
    child->trace = NULL;
    if (!from || !from->tracer) { /* it has gone meanwhile: the record is for later */
        child->trace = fresh;
        fresh->thread = child;
        return;
    }
    tracee_link(child, from->by, &fresh, from->seized ? TRACE_SEIZE : TRACE_ATTACH);
    child->trace->options = from->options;
    child->trace->capable = from->capable;
    debug_inherit(&child->trace->debug, &from->debug);
    spin_lock(&child->proc->sig.lock);
    if (from->seized) {
        child->trap_due = TRAP_STOP;
    } else {
        signal_settle(child);
        child->records.standard[SIGSTOP] = (struct sig_record){.code = SI_USER};
        child->pending |= sig_bit(SIGSTOP);
    }
    spin_unlock(&child->proc->sig.lock);
    thread_look(child);
}
