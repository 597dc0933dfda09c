/* SPDX-License-Identifier: MIT
 *
 * Sending signals, and who is told of them. How they are kept is in kernel/task/sigqueue.c.
 */
#include "kernel/task/signal.h"
#include "kernel/event/posix_timer.h"
#include "kernel/event/signalfd.h"
#include "kernel/pause.h"
#include "kernel/ptrace/tracee.h"
#include "kernel/task/jobs.h"
#include "kernel/task/proc.h"
#include "kernel/task/sched/wake.h"
#include "kernel/task/sigactions.h"
#include "kernel/task/sigqueue.h"
#include "kernel/task/visit.h"
#include "kernel/task/walk.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"

/* ---- sending ---- */

/* Who is killed first kills the others, with pauses (kernel/task/exit.c). */
static void wake_some(struct proc *p)
{
    REQUIRES(&p->sig.lock);
    struct list *pos;
    u32 n = 0;

    list_for_each (pos, &p->threads) {
        thread_notify(list_entry(pos, struct thread, proc_link));
        if (++n == VISIT_WAKES)
            break;
    }
}

u64 signal_offer(struct thread *t, u64 set)
{
    REQUIRES(&t->proc->sig.lock);
    if (set & ~t->blocked)
        thread_notify(t);
    else if (set & t->awaits)
        thread_unpark(t);
    return set & t->blocked;
}

void signal_retarget(struct proc *p, u64 set)
{
    REQUIRES(&p->sig.lock);
    struct list *pos;
    u32 looks = 0, wakes = 0;

    set &= p->pending;
    if (likely(!set))
        return;
    list_for_each (pos, &p->threads) {
        struct thread *t = list_entry(pos, struct thread, proc_link);

        if (looks++ >= VISIT_LOOKS && visit_later(p, VISIT_PENDING))
            break;
        wakes += (set & t->awaits) != 0;
        set = signal_offer(t, set);
        if (!set || wakes >= VISIT_WAKES)
            break;
    }
}

/* Stop signals and SIGCONT cancel each other even when ignored. */
static void apply_job_control(struct proc *p, int signo)
{
    REQUIRES(&p->sig.lock);
    if (sig_bit(signo) & SIG_STOPS)
        signal_cancel(p, CANCELLED_CONT);
    if (signo != SIGCONT)
        return;
    signal_cancel(p, CANCELLED_STOPS);
    if (p->stopped)
        job_continues(p);
}

static bool is_ignored(const struct proc *p, const struct thread *t, int signo)
{
    REQUIRES(&p->sig.lock);
    u64 handler = READ_ONCE(p->sig.actions->of[signo].sa_handler);

    /* While blocked it is kept: the action may change. */
    if (t->blocked & sig_bit(signo))
        return false;
    /* A tracer hears of it. */
    if (unlikely(is_traced(t)) && signo != SIGKILL)
        return false;
    if (handler == SIG_IGN)
        return true;
    return handler == SIG_DFL && (p == init_proc || sig_bit(signo) & SIG_DEFAULT_IGNORED);
}

static void add_standard(u64 *pending, struct sig_records *records, int signo,
                         const struct sig_record *rec)
{
    if (*pending & sig_bit(signo))
        return;
    records->standard[signo] = *rec;
    WRITE_ONCE(*pending, *pending | sig_bit(signo));
}

/* One that would act on it, if there is one among those that the sender has time for. */
static struct thread *pick_thread(struct proc *p, int signo)
{
    REQUIRES(&p->sig.lock);
    struct list *pos;
    u32 looks = 0;

    if (!p->leader || !(p->leader->blocked & sig_bit(signo)))
        return p->leader;
    list_for_each (pos, &p->threads) {
        struct thread *t = list_entry(pos, struct thread, proc_link);

        if (!(t->blocked & sig_bit(signo)))
            return t;
        if (++looks >= VISIT_LOOKS)
            break;
    }
    return p->leader;
}

/* Signal signo is pending: of thread t, NULL: of the process, of which `target` would act on it. */
static void tell(struct proc *p, const struct thread *t, struct thread *target, int signo)
{
    REQUIRES(&p->sig.lock);
    if (!t && signo == SIGKILL)
        wake_some(p);
    else if (!t && target->blocked & sig_bit(signo))
        signal_retarget(p, sig_bit(signo));
    else
        thread_notify(target);
    if (unlikely(p->sigwait))
        sigwait_wake(p->sigwait);
}

int signal_send_record(struct proc *p, struct thread *t, int signo,
                       const struct sig_record *rec, struct sig_queued **spare)
{
    struct thread *target;
    struct sig_records *records = t ? &t->records : &p->records;
    u64 *pending = t ? &t->pending : &p->pending;
    irqflags_t flags = spin_lock_irq(&p->sig.lock);
    int err = 0;

    target = t ? t : pick_thread(p, signo);
    if (!p->leader)
        goto out;
    apply_job_control(p, signo);
    if (t)
        signal_settle(t);
    if (is_ignored(p, target, signo))
        goto out;
    if (signo <= SIG_STANDARD_MAX) {
        add_standard(pending, records, signo, rec ? rec : &signal_of_kernel);
    } else {
        struct sig_queued *q = rec ? signal_claim(p, spare) : NULL;

        /* Beyond the limit a signal comes without particulars, or the sender is told. */
        err = rec && !q && rec->code < 0 ? -EAGAIN : 0;
        if (err)
            goto out;
        WRITE_ONCE(*pending, *pending | sig_bit(signo));
        if (q) {
            q->signo = signo;
            q->rec = *rec;
            signal_enqueue(records, q);
        }
    }
    tell(p, t, target, signo);
out:
    spin_unlock_irq(&p->sig.lock, flags);
    return err;
}

enum timer_sent signal_send_timer(struct proc *p, struct thread *t, struct sig_queued *q)
{
    REQUIRES(&p->sig.lock);
    struct thread *target = t ? t : pick_thread(p, q->signo);
    struct sig_records *records = t ? &t->records : &p->records;
    u64 *pending = t ? &t->pending : &p->pending;

    if (!p->leader)
        return TIMER_IGNORED;
    apply_job_control(p, q->signo);
    if (t)
        signal_settle(t);
    if (is_ignored(p, target, q->signo))
        return TIMER_IGNORED;
    if (q->signo <= SIG_STANDARD_MAX) {
        if (*pending & sig_bit(q->signo))
            return TIMER_BUSY;
        records->standard[q->signo] = (struct sig_record){.status = STATUS_QUEUED};
    }
    WRITE_ONCE(*pending, *pending | sig_bit(q->signo));
    signal_enqueue(records, q);
    tell(p, t, target, q->signo);
    return TIMER_SENT;
}

void signal_send_proc(struct proc *p, int signo)
{
    signal_send_record(p, NULL, signo, NULL, NULL);
}

static struct sig_record from_current(void)
{
    return (struct sig_record){
        .code = SI_USER, .pid = current_proc()->pid, .uid = own_cred()->uid};
}

void signal_send_self(int signo)
{
    struct sig_record rec = from_current();

    signal_send_record(current_proc(), current_thread(), signo, &rec, NULL);
}

void signal_send_parent_ends(struct proc *child)
{
    struct sig_record rec = from_current();

    signal_send_record(child, NULL, child->pdeath_signal, &rec, NULL);
}

struct proc *signal_next(struct procs *w, int signo, struct sig_queued **spare)
{
    REQUIRES(&proc_lock);
    if (signo > SIG_STANDARD_MAX && !*spare) {
        spin_unlock_irq(&proc_lock, w->flags);
        *spare = signal_spare(signo);
        w->flags = spin_lock_irq(&proc_lock);
    }
    return procs_next(w);
}

int signal_send_group(s32 pgid, int signo, u64 after, u64 until)
{
    struct procs w = procs_begin(pgid);
    int err = -ESRCH;
    struct proc *p;

    w.birth = after;
    while ((p = procs_next(&w)) && (!until || p->birth <= until)) {
        signal_send_proc(p, signo);
        err = 0;
    }
    procs_end(&w);
    return err;
}

/* ---- questions and changes ---- */

u64 signal_actionable(const struct thread *t)
{
    return (signals_of(t) | READ_ONCE(t->proc->pending)) & ~t->blocked;
}

bool thread_interrupted(void)
{
    struct thread *t = current_thread();

    if (likely(!t->proc || !(signal_actionable(t) || READ_ONCE(t->trap_due) ||
                             stop_holds(t->proc, t))))
        return false;
    thread_look(t); /* as in signal_killed() */
    return true;
}

/* What it blocks from now on may have been sent to the process and given to it: another one
 * takes that. */
void signal_set_mask_of(struct thread *t, u64 mask)
{
    REQUIRES(&t->proc->sig.lock);
    u64 newly = mask & ~t->blocked;

    WRITE_ONCE(t->blocked, mask & ~SIG_UNBLOCKABLE);
    if (signal_actionable(t))
        thread_look(t);
    if (unlikely(newly & t->proc->pending))
        signal_retarget(t->proc, newly);
}

void signal_set_mask(u64 mask)
{
    struct thread *t = current_thread();
    irqflags_t flags = spin_lock_irq(&t->proc->sig.lock);

    signal_set_mask_of(t, mask);
    spin_unlock_irq(&t->proc->sig.lock, flags);
}

void signal_exec(struct proc *p, struct thread *t)
{
    irqflags_t flags = spin_lock_irq(&p->sig.lock);

    sigactions_reset(p->sig.actions);
    t->altstack_sp = t->altstack_size = 0;
    t->altstack_flags = 0;
    spin_unlock_irq(&p->sig.lock, flags);
}

static bool discards(const struct proc *p, int signo)
{
    u64 handler = READ_ONCE(p->sig.actions->of[signo].sa_handler);

    return handler == SIG_IGN ||
           (handler == SIG_DFL && sig_bit(signo) & SIG_DEFAULT_IGNORED);
}

/* Ignored from now on: what is pending of it goes, unless that changes meanwhile. sig.lock is
 * given up now and then. */
static void discard_everywhere(struct proc *p, int signo, struct list *trash,
                               irqflags_t *flags)
{
    REQUIRES(&p->sig.lock);
    struct thread_walk w;
    struct thread *t;

    signal_discard(&p->pending, &p->records, sig_bit(signo), trash);
    thread_walk_begin(&w, p);
    while (discards(p, signo) && (t = thread_walk_next(&w, p)) != NULL) {
        signal_discard(&t->pending, &t->records, sig_bit(signo), trash);
        if (breath_due()) {
            spin_unlock_irq(&p->sig.lock, *flags);
            breathe();
            *flags = spin_lock_irq(&p->sig.lock);
        }
    }
    thread_walk_end(&w);
}

void signal_set_action(struct proc *p, int signo, const struct kernel_sigaction *act,
                       struct kernel_sigaction *old)
{
    struct list trash = LIST_INIT(trash);
    irqflags_t flags = spin_lock_irq(&p->sig.lock);

    spin_lock(&p->sig.actions->lock);
    *old = p->sig.actions->of[signo];
    if (act) {
        p->sig.actions->of[signo] = *act;
        p->sig.actions->of[signo].sa_mask &= ~SIG_UNBLOCKABLE;
    }
    spin_unlock(&p->sig.actions->lock);
    if (act && discards(p, signo))
        discard_everywhere(p, signo, &trash, &flags);
    spin_unlock_irq(&p->sig.lock, flags);
    signal_free(p, &trash);
    posix_timers_rearm(p);
}
