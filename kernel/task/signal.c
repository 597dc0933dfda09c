/* SPDX-License-Identifier: MIT
 *
 * Pending signals: sending, keeping, taking. A standard signal needs no memory, so it can be
 * sent from interrupts and never fails; real-time signals with data are queued.
 */
#include "kernel/task/signal.h"
#include "kernel/task/proc.h"
#include "kernel/task/sched.h"
#include "kernel/task/sigactions.h"
#include "kernel/task/walk.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/phys/slab.h"

STATIC_ASSERT(sizeof(struct siginfo) == 128);

#define SYNCHRONOUS                                                            \
    (sig_bit(SIGSEGV) | sig_bit(SIGBUS) | sig_bit(SIGILL) | sig_bit(SIGTRAP) | \
     sig_bit(SIGFPE) | sig_bit(SIGSYS))
#define FAULTS (SYNCHRONOUS & ~sig_bit(SIGSYS))

/* So many threads are woken at once for one signal. */
#define WAKE_MAX 256u

static const struct sig_record from_kernel = {.code = SI_KERNEL};

/* ---- records and what programs see ---- */

static bool is_child_info(int signo, int code)
{
    return signo == SIGCHLD && code > 0 && code != SI_KERNEL;
}

static bool is_fault_info(int signo, int code)
{
    return code > 0 && signo > 0 && signo <= NSIG && sig_bit(signo) & FAULTS;
}

void signal_fill_info(struct siginfo *info, int signo, const struct sig_record *rec)
{
    *info = (struct siginfo){.si_signo = signo, .si_code = rec->code};
    if (is_fault_info(signo, rec->code)) {
        info->si_addr = rec->value;
        return;
    }
    info->si_pid = rec->pid;
    info->si_uid = rec->uid;
    if (is_child_info(signo, rec->code)) {
        info->si_status = rec->status;
        info->si_utime = rec->utime;
        info->si_stime = rec->stime;
    } else {
        info->si_value = rec->value;
    }
}

void signal_read_info(struct sig_record *rec, const struct siginfo *info)
{
    *rec = (struct sig_record){.code = info->si_code};
    if (is_fault_info(info->si_signo, info->si_code)) {
        rec->value = info->si_addr;
        return;
    }
    rec->pid = info->si_pid;
    rec->uid = info->si_uid;
    if (is_child_info(info->si_signo, info->si_code)) {
        rec->status = info->si_status;
        rec->utime = (u32)info->si_utime;
        rec->stime = (u32)info->si_stime;
    } else {
        rec->value = info->si_value;
    }
}

/* ---- queued signals ---- */

/* One for p; it counts with all of its user. -EAGAIN: too many, or no memory. */
static int queued_create(struct proc *p, struct sig_queued **out)
{
    irqflags_t flags = spin_lock_irq(&p->sig.lock);
    struct account *a = p->account;
    struct sig_queued *q = NULL;
    u32 n;

    account_hold(a);
    spin_unlock_irq(&p->sig.lock, flags);
    n = __atomic_add_fetch(&a->signals, 1, __ATOMIC_RELAXED);
    if (n <= proc_rlimit(p, RLIMIT_SIGPENDING))
        q = kmalloc(sizeof(*q));
    if (!q) {
        __atomic_fetch_sub(&a->signals, 1, __ATOMIC_RELAXED);
        account_put(a);
        return -EAGAIN;
    }
    q->account = a;
    *out = q;
    return 0;
}

static void queued_free(struct sig_queued *q)
{
    __atomic_fetch_sub(&q->account->signals, 1, __ATOMIC_RELAXED);
    account_put(q->account);
    kfree(q);
}

/* ---- pending sets; sig.lock held ---- */

static void drop_realtime(struct sig_records *records, u64 set)
{
    struct list *pos, *tmp;

    list_for_each_safe (pos, tmp, &records->realtime) {
        struct sig_queued *q = list_entry(pos, struct sig_queued, link);

        if (!(set & sig_bit(q->signo)))
            continue;
        list_del(&q->link);
        queued_free(q);
    }
}

static void discard(u64 *pending, struct sig_records *records, u64 set)
{
    WRITE_ONCE(*pending, *pending & ~set);
    if (set >> SIG_STANDARD_MAX)
        drop_realtime(records, set);
}

void signal_flush(u64 *pending, struct sig_records *records)
{
    discard(pending, records, ~0ull);
}

static void take_realtime(u64 *pending, struct sig_records *records, int signo,
                          struct sig_record *rec)
{
    struct list *pos, *tmp;
    bool taken = false;

    *rec = from_kernel;
    *pending &= ~sig_bit(signo);
    list_for_each_safe (pos, tmp, &records->realtime) {
        struct sig_queued *q = list_entry(pos, struct sig_queued, link);

        if (q->signo != signo)
            continue;
        if (taken) { /* one more of the same */
            *pending |= sig_bit(signo);
            break;
        }
        *rec = q->rec;
        taken = true;
        list_del(&q->link);
        queued_free(q);
    }
}

int signal_take(struct thread *t, u64 set, struct sig_record *rec)
{
    REQUIRES(&t->proc->sig.lock);
    u64 *pending = &t->pending;
    struct sig_records *records = &t->records;
    u64 ready;
    int signo;

    if (!(*pending & set)) {
        pending = &t->proc->pending;
        records = &t->proc->records;
    }
    ready = *pending & set;
    if (!ready)
        return 0;
    if (ready & SYNCHRONOUS)
        ready &= SYNCHRONOUS;
    signo = __builtin_ctzll(ready) + 1;
    if (signo > SIG_STANDARD_MAX) {
        take_realtime(pending, records, signo, rec);
    } else {
        *pending &= ~sig_bit(signo);
        *rec = records->standard[signo];
    }
    return signo;
}

/* ---- sending ---- */

static void unset_everywhere(struct proc *p, u64 set)
{
    REQUIRES(&p->sig.lock);
    struct list *pos;

    discard(&p->pending, &p->records, set);
    list_for_each (pos, &p->threads) {
        struct thread *t = list_entry(pos, struct thread, proc_link);

        discard(&t->pending, &t->records, set);
    }
}

/* Who is killed first kills the others, with pauses (kernel/task/exit.c). */
static void wake_some(struct proc *p)
{
    REQUIRES(&p->sig.lock);
    struct list *pos;
    u32 n = 0;

    list_for_each (pos, &p->threads) {
        thread_notify(list_entry(pos, struct thread, proc_link));
        if (++n == WAKE_MAX)
            break;
    }
}

/* All threads block a signal: those that wait for just this one. */
static void wake_awaiting(struct proc *p, int signo)
{
    REQUIRES(&p->sig.lock);
    struct list *pos;
    u32 n = 0;

    list_for_each (pos, &p->threads) {
        struct thread *t = list_entry(pos, struct thread, proc_link);

        if (!(t->awaits & sig_bit(signo)))
            continue;
        thread_unpark(t);
        if (++n == WAKE_MAX)
            break;
    }
}

void threads_wake(struct proc *p)
{
    REQUIRES(&p->sig.lock);
    struct list *pos;

    list_for_each (pos, &p->threads)
        thread_notify(list_entry(pos, struct thread, proc_link));
}

void signal_retarget(struct proc *p, u64 set)
{
    REQUIRES(&p->sig.lock);
    struct list *pos;

    set &= p->pending;
    if (likely(!set))
        return;
    list_for_each (pos, &p->threads) {
        struct thread *t = list_entry(pos, struct thread, proc_link);

        if (set & ~t->blocked)
            thread_notify(t);
        set &= t->blocked;
        if (!set)
            break;
    }
}

/* ---- stops ---- */

/* Threads that sleep in a call stop on their way out of it. Those that run may be in their
 * program on another CPU: the parent hears of the stop when none of them is any more. */
void signal_stop_begin(struct proc *p, struct thread *t, int signo)
{
    REQUIRES(&p->sig.lock);
    struct list *pos;

    WRITE_ONCE(p->stopped, true);
    p->reported = p->continued = p->stop_told = false;
    p->stop_signal = signo;
    p->stop_due = 0;
    /* Who is seen asleep here sees `stopped` when it wakes up. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    list_for_each (pos, &p->threads) {
        struct thread *other = list_entry(pos, struct thread, proc_link);

        other->stop_due = other == t || READ_ONCE(other->state) == THREAD_RUNNABLE;
        p->stop_due += other->stop_due;
    }
    job_changed();
    threads_wake(p);
}

bool signal_stop_taken(struct proc *p, struct thread *t)
{
    REQUIRES(&p->sig.lock);
    p->stop_due -= t->stop_due;
    t->stop_due = false;
    if (!p->stopped || p->stop_due || p->stop_told)
        return false;
    WRITE_ONCE(p->stop_told, true);
    job_changed();
    return true;
}

static void stop_ends(struct proc *p)
{
    REQUIRES(&p->sig.lock);
    struct list *pos;

    WRITE_ONCE(p->stopped, false);
    p->continued = true;
    p->stop_due = 0;
    list_for_each (pos, &p->threads)
        list_entry(pos, struct thread, proc_link)->stop_due = false;
    job_changed();
    threads_wake(p);
}

/* Stop signals and SIGCONT cancel each other even when ignored. */
static void apply_job_control(struct proc *p, int signo)
{
    REQUIRES(&p->sig.lock);
    if (sig_bit(signo) & SIG_STOPS)
        unset_everywhere(p, sig_bit(SIGCONT));
    if (signo != SIGCONT)
        return;
    unset_everywhere(p, SIG_STOPS);
    if (p->stopped)
        stop_ends(p);
}

static bool is_ignored(const struct proc *p, const struct thread *t, int signo)
{
    REQUIRES(&p->sig.lock);
    u64 handler = READ_ONCE(p->sig.actions->of[signo].sa_handler);

    /* While blocked it is kept: the action may change. */
    if (t->blocked & sig_bit(signo))
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

/* One that would act on it, if there is one. */
static struct thread *pick_thread(struct proc *p, int signo)
{
    REQUIRES(&p->sig.lock);
    struct list *pos;

    if (!p->leader || !(p->leader->blocked & sig_bit(signo)))
        return p->leader;
    list_for_each (pos, &p->threads) {
        struct thread *t = list_entry(pos, struct thread, proc_link);

        if (!(t->blocked & sig_bit(signo)))
            return t;
    }
    return p->leader;
}

int signal_send_record(struct proc *p, struct thread *t, int signo,
                       const struct sig_record *rec)
{
    struct sig_queued *q = NULL;
    struct thread *target;
    struct sig_records *records = t ? &t->records : &p->records;
    u64 *pending = t ? &t->pending : &p->pending;
    irqflags_t flags;
    int err = 0;

    if (signo > SIG_STANDARD_MAX && rec) {
        /* Beyond the limit a signal comes without particulars, or the sender is told. */
        err = queued_create(p, &q);
        if (err && rec->code < 0)
            return err;
        err = 0;
    }
    flags = spin_lock_irq(&p->sig.lock);
    target = t ? t : pick_thread(p, signo);
    if (!p->leader)
        goto out;
    apply_job_control(p, signo);
    if (is_ignored(p, target, signo))
        goto out;
    if (signo <= SIG_STANDARD_MAX) {
        add_standard(pending, records, signo, rec ? rec : &from_kernel);
    } else {
        WRITE_ONCE(*pending, *pending | sig_bit(signo));
        if (q) {
            q->signo = signo;
            q->rec = *rec;
            list_add_tail(&records->realtime, &q->link);
            q = NULL;
        }
    }
    if (!t && signo == SIGKILL)
        wake_some(p);
    else if (!t && target->blocked & sig_bit(signo))
        wake_awaiting(p, signo);
    else
        thread_notify(target);
out:
    spin_unlock_irq(&p->sig.lock, flags);
    if (q)
        queued_free(q);
    return err;
}

static void send_info(struct proc *p, struct thread *t, int signo,
                      const struct siginfo *info)
{
    struct sig_record rec;

    if (info)
        signal_read_info(&rec, info);
    signal_send_record(p, t, signo, info ? &rec : NULL);
}

void signal_send_proc(struct proc *p, int signo, const struct siginfo *info)
{
    send_info(p, NULL, signo, info);
}

void signal_send_thread(struct thread *t, int signo, const struct siginfo *info)
{
    send_info(t->proc, t, signo, info);
}

int signal_send_group(s32 pgid, int signo, u64 until)
{
    struct procs w = procs_begin(pgid);
    int err = -ESRCH;
    struct proc *p;

    while ((p = procs_next(&w)) && (!until || p->birth <= until)) {
        signal_send_record(p, NULL, signo, NULL);
        err = 0;
    }
    procs_end(&w);
    return err;
}

void signal_group_now(s32 pgid, int signo)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);

    for (struct proc *p = group_first(pgid); p; p = group_next(p))
        signal_send_record(p, NULL, signo, NULL);
    spin_unlock_irq(&proc_lock, flags);
}

/* ---- questions and changes ---- */

u64 signal_actionable(const struct thread *t)
{
    return (READ_ONCE(t->pending) | READ_ONCE(t->proc->pending)) & ~t->blocked;
}

bool thread_interrupted(void)
{
    const struct thread *t = current_thread();

    return t->proc && (signal_actionable(t) || READ_ONCE(t->proc->stopped));
}

/* What it blocks from now on may have been sent to the process and given to it: another one
 * takes that. */
void signal_set_mask_locked(struct thread *t, u64 mask)
{
    REQUIRES(&t->proc->sig.lock);
    u64 newly = mask & ~t->blocked;

    WRITE_ONCE(t->blocked, mask & ~SIG_UNBLOCKABLE);
    if (unlikely(newly & t->proc->pending))
        signal_retarget(t->proc, newly);
}

void signal_set_mask(u64 mask)
{
    struct thread *t = current_thread();
    irqflags_t flags = spin_lock_irq(&t->proc->sig.lock);

    signal_set_mask_locked(t, mask);
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

/* sigaction made signo ignored: what is pending of it goes. */
void signal_set_action(struct proc *p, int signo, const struct kernel_sigaction *act,
                       struct kernel_sigaction *old)
{
    irqflags_t flags = spin_lock_irq(&p->sig.lock);
    u64 handler;

    spin_lock(&p->sig.actions->lock);
    *old = p->sig.actions->of[signo];
    if (act) {
        p->sig.actions->of[signo] = *act;
        p->sig.actions->of[signo].sa_mask &= ~SIG_UNBLOCKABLE;
    }
    spin_unlock(&p->sig.actions->lock);
    if (act) {
        handler = act->sa_handler;
        if (handler == SIG_IGN ||
            (handler == SIG_DFL && sig_bit(signo) & SIG_DEFAULT_IGNORED))
            unset_everywhere(p, sig_bit(signo));
    }
    spin_unlock_irq(&p->sig.lock, flags);
}
