/* SPDX-License-Identifier: MIT
 *
 * Job control. A process may have thousands of threads and a group thousands of processes, so
 * whatever is done for each of them at once is a few instructions: that threads wake up is left
 * to those that may pause, or that are woken themselves.
 */
#include "kernel/task/jobs.h"
#include "kernel/main.h"
#include "kernel/pause.h"
#include "kernel/printk.h"
#include "kernel/ptrace/tracee.h"
#include "kernel/task/family.h"
#include "kernel/task/proc.h"
#include "kernel/task/sched/thread.h"
#include "kernel/task/sched/wake.h"
#include "kernel/task/signal.h"
#include "kernel/task/visit.h"
#include "kernel/task/wait.h"
#include "kernel/task/walk.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/uapi/wait.h"

/* ---- stops ---- */

/* Threads that sleep in a call stop on their way out of it. Those that run may be in their
 * program on another CPU: the parent hears of the stop when none of them is any more. They are
 * counted one by one by the thread that took the signal; it counts itself first and stops last,
 * so that nobody tells of the stop before all are counted. */
void job_stops(struct proc *p, struct thread *t, int signo)
{
    REQUIRES(&p->sig.lock);
    p->stop_count++;
    WRITE_ONCE(p->stopped, true);
    p->reported = p->continued = p->stop_told = false;
    p->stop_signal = signo;
    p->stop_due = 1;
    t->stop_due = p->stop_count;
    /* Who is seen asleep from now on sees `stopped` when it wakes up. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    job_changed();
}

/* One that took the stop already is not counted any more. */
static void stop_other(struct proc *p, struct thread *t)
{
    REQUIRES(&p->sig.lock);
    u64 stop = p->stop_count;

    if (unlikely(is_traced(t)) && t->trace->state == TRACE_LISTENING)
        t->trap_due |= TRAP_NOTIFY;
    if (t->stop_due != stop && t->stop_taken != stop &&
        READ_ONCE(t->state) == THREAD_RUNNABLE) {
        t->stop_due = stop;
        p->stop_due++;
    }
    thread_notify(t);
}

void job_stop_others(struct proc *p)
{
    irqflags_t flags = spin_lock_irq(&p->sig.lock);
    u64 count = p->stop_count;
    struct thread_walk w;
    struct thread *t;

    thread_walk_begin(&w, p);
    while (p->stopped && p->stop_count == count && (t = thread_walk_next(&w, p))) {
        stop_other(p, t);
        if (breath_due()) {
            spin_unlock_irq(&p->sig.lock, flags);
            breathe();
            flags = spin_lock_irq(&p->sig.lock);
        }
    }
    thread_walk_end(&w);
    spin_unlock_irq(&p->sig.lock, flags);
}

bool job_stop_taken(struct proc *p, struct thread *t)
{
    REQUIRES(&p->sig.lock);
    if (!p->stopped)
        return false;
    if (t->stop_due == p->stop_count && t->stop_taken != p->stop_count)
        p->stop_due--;
    t->stop_taken = p->stop_count;
    if (p->stop_due || p->stop_told)
        return false;
    WRITE_ONCE(p->stop_told, true);
    job_changed();
    return true;
}

/* ---- and their end ---- */

/* Wakes up to n of those that sleep in job_sleep(). */
static void wake_stopped(struct proc *p, u32 n)
{
    REQUIRES(&p->sig.lock);
    struct list *first;

    while (n-- && (first = list_first(&p->asleep))) {
        list_del(first);
        thread_unpark(list_entry(first, struct thread, stop_link));
    }
}

/* The parent hears of the stop. */
static void tell_stop(struct proc *p)
{
    SCOPED_LOCK_IRQ(&proc_lock);

    notify_parent(p, CLD_STOPPED, READ_ONCE(p->stop_signal));
}

void job_stop_passed(struct proc *p, struct thread *t)
{
    irqflags_t flags = spin_lock_irq(&p->sig.lock);
    bool last = job_stop_taken(p, t);

    spin_unlock_irq(&p->sig.lock, flags);
    if (last)
        tell_stop(p);
}

void job_sleep(struct proc *p, struct thread *t)
{
    irqflags_t flags = spin_lock_irq(&p->sig.lock);
    bool stays = stop_holds(p, t), last = false;

    /* It may be the next stop already: each is taken. */
    if (stays) {
        last = job_stop_taken(p, t);
        list_add_tail(&p->asleep, &t->stop_link);
    }
    spin_unlock_irq(&p->sig.lock, flags);
    if (last)
        tell_stop(p);
    if (!stays)
        return;
    thread_park();
    flags = spin_lock_irq(&p->sig.lock);
    list_del(&t->stop_link);
    if (!p->stopped)
        wake_stopped(p, 2); /* each wakes two: soon all are awake */
    spin_unlock_irq(&p->sig.lock, flags);
}

void job_tell_traced(struct thread *t)
{
    REQUIRES(&t->proc->sig.lock);
    if (likely(!is_traced(t)))
        return;
    if (t->trace->seized)
        t->trap_due |= TRAP_NOTIFY;
    thread_notify(t);
}

static noinline void tell_traced(struct proc *p)
{
    REQUIRES(&p->sig.lock);
    struct list *pos;
    u32 n = 0;

    list_for_each (pos, &p->threads) {
        if (n++ >= VISIT_WAKES && visit_later(p, VISIT_TRACED))
            break;
        job_tell_traced(list_entry(pos, struct thread, proc_link));
    }
}

void job_continues(struct proc *p)
{
    REQUIRES(&p->sig.lock);
    WRITE_ONCE(p->stopped, false);
    p->continued = true;
    if (unlikely(p->was_traced))
        tell_traced(p);
    job_changed();
    wake_stopped(p, 2);
}

/* ---- keys ---- */

/* So many processes hear of a key in its interrupt. */
#define AT_ONCE 64u

/* The rest of a group. */
struct rest {
    s32 pgid;
    int signo;
    u64 after; /* those born later: proc_births() */
};

static struct rest rests[8];  /* proc_lock */
static u32 nrests;            /* proc_lock */
static struct thread *teller; /* proc_lock; NULL: there was no memory for one */

static void leave_to_teller(s32 pgid, int signo, u64 after)
{
    REQUIRES(&proc_lock);
    for (u32 i = 0; i < nrests; i++) {
        if (rests[i].pgid == pgid && rests[i].signo == signo) {
            rests[i].after = MIN(rests[i].after, after);
            return;
        }
    }
    if (nrests == sizeof(rests) / sizeof(rests[0]))
        return; /* so many keys for so many groups: the next one is heard */
    rests[nrests++] = (struct rest){pgid, signo, after};
    thread_unpark(teller);
}

void job_key(s32 pgid, int signo)
{
    SCOPED_LOCK_IRQ(&proc_lock);
    u32 n = 0;

    for (struct proc *p = group_first(pgid); p; p = group_next(p)) {
        signal_send_proc(p, signo);
        if (++n >= AT_ONCE && teller) {
            leave_to_teller(pgid, signo, p->birth);
            return;
        }
    }
}

static bool next_rest(struct rest *r)
{
    SCOPED_LOCK_IRQ(&proc_lock);

    if (!nrests)
        return false;
    *r = rests[0];
    nrests--;
    for (u32 i = 0; i < nrests; i++)
        rests[i] = rests[i + 1];
    return true;
}

static noreturn void tell(void *arg)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    struct rest r;

    (void)arg;
    teller = current_thread();
    spin_unlock_irq(&proc_lock, flags);
    for (;;) {
        if (next_rest(&r))
            signal_send_group(r.pgid, r.signo, r.after, 0);
        else
            thread_park();
    }
}

void jobs_init(void)
{
    if (kthread_create("jobs", tell, NULL) != 0)
        printk(LOG_WARNING "no memory for the thread of the keyboard's signals\n");
}
