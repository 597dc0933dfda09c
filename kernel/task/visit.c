/* SPDX-License-Identifier: MIT
 *
 * The thread that visits; it wakes the rest of long wait queues, too. While it has given up the locks it counts as a thread of the process
 * (`nlive`), so the record stays; the process's end and its exec wait for it.
 */
#include "kernel/task/visit.h"
#include "kernel/pause.h"
#include "kernel/printk.h"
#include "kernel/task/exit.h"
#include "kernel/task/jobs.h"
#include "kernel/task/proc.h"
#include "kernel/task/sched/sched.h"
#include "kernel/task/signal.h"
#include "kernel/task/walk.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/waitq.h"

static spinlock_t
    lock; /* irq-safe, below sig.lock: `due`, visit_link and visits of processes */
static struct list due = LIST_INIT(due);
static struct thread *visitor; /* set once; NULL: there was no memory for it */

bool visit_later(struct proc *p, enum visit what)
{
    REQUIRES(&p->sig.lock);
    struct thread *t = READ_ONCE(visitor);
    SCOPED_LOCK(&lock);

    if (!t)
        return false;
    if (!p->visits)
        list_add_tail(&due, &p->visit_link);
    p->visits |= what;
    thread_unpark(t);
    return true;
}

void visit_forget(struct proc *p)
{
    REQUIRES(&proc_lock);
    REQUIRES(&p->sig.lock);
    if (!p->visits) /* it is put in with sig.lock held, and taken out with proc_lock held */
        return;
    SCOPED_LOCK(&lock);
    list_del(&p->visit_link);
    p->visits = 0;
}

/* The next process and what is due there; NULL: none. */
static struct proc *next_due(u32 *what)
{
    REQUIRES(&proc_lock);
    SCOPED_LOCK(&lock);
    struct list *first = list_first(&due);
    struct proc *p;

    if (!first)
        return NULL;
    list_del(first);
    p = list_entry(first, struct proc, visit_link);
    *what = p->visits;
    p->visits = 0;
    return p;
}

/* proc_lock and sig.lock held, given up now and then. */
static void visit_threads(struct proc *p, u32 what, irqflags_t *flags)
{
    REQUIRES(&proc_lock);
    REQUIRES(&p->sig.lock);
    u64 untold = what & VISIT_PENDING ? p->pending : 0;
    struct thread_walk w;
    struct thread *t;

    thread_walk_begin(&w, p);
    while (!p->exiting && (t = thread_walk_next(&w, p)) != NULL) {
        untold = signal_offer(t, untold & p->pending);
        if (what & VISIT_TRACED)
            job_tell_traced(t);
        if (breath_due()) {
            spin_unlock(&p->sig.lock);
            (void)proc_pause(flags);
            spin_lock(&p->sig.lock);
        }
    }
    thread_walk_end(&w);
}

/* False: nothing is due. */
static bool visit_one(void)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    u32 what = 0;
    struct proc *p = next_due(&what);

    if (p) {
        p->nlive++;
        spin_lock(&p->sig.lock);
        visit_threads(p, what, &flags);
        spin_unlock(&p->sig.lock);
    }
    spin_unlock_irq(&proc_lock, flags);
    if (p)
        thread_gone(p, 0);
    return p != NULL;
}

static void rest_due(void)
{
    thread_unpark(visitor);
}

static noreturn void run(void *arg)
{
    (void)arg;
    WRITE_ONCE(visitor, current_thread());
    waitq_rest_due = rest_due;
    for (;;) {
        if (!visit_one() && !waitq_wake_rest())
            thread_park();
        pause_anyway();
    }
}

void visits_init(void)
{
    if (kthread_create("visits", run, NULL) != 0)
        printk(LOG_WARNING "no memory for the thread that visits threads\n");
}
