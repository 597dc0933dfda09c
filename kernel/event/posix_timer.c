/* SPDX-License-Identifier: MIT
 *
 * The timers of timer_create(2): when they ring, their lives. State is under sig.lock of the process; the mutex of its timers
 * keeps them alive while one is armed, which is not done under a spinlock.
 */
#include "kernel/event/posix_timer.h"
#include "arch/time.h"
#include "kernel/event/alarm.h"
#include "kernel/event/pidfd.h"
#include "kernel/sys/time.h"
#include "kernel/task/signal.h"
#include "kernel/task/usage.h"
#include "kernel/task/walk.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/sigevent.h"
#include "mm/phys/slab.h"

/* ---- with sig.lock held ---- */

u64 posix_timer_now(const struct posix_timer *t)
{
    const struct thread *runner;

    if (t->other)
        return pidref_cpu_ns(t->other, (t->clock & CPU_CLOCK_KIND) == CPU_CLOCK_USER);
    if (!clock_is_cpu_time(t->clock))
        return alarm_now(&t->alarm);
    if (!t->runner)
        return proc_cpu_ns(t->proc);
    runner = thread_of_serial(t->proc, t->runner);
    return runner ? READ_ONCE(runner->utime_ns) + READ_ONCE(runner->stime_ns) : 0;
}

bool posix_timer_is_over(const struct posix_timer *t)
{
    if (t->other)
        return pidref_gone(t->other);
    return t->runner && !thread_of_serial(t->proc, t->runner);
}

/* When to look at one on another process's clock: its time passes on all processors at most. */
static u64 look_again(const struct posix_timer *t, u64 now)
{
    u64 next = t->alarm.next, used = posix_timer_now(t);

    if (!next || used >= next || pidref_gone(t->other))
        return 0;
    return now + MAX((next - used) / cpu_count, (u64)TICK_NS);
}

/* It is time: the signal, unless it is pending still. Nanoseconds after which to try again, 0:
 * when it has been taken. */
static u64 expire(struct posix_timer *t)
{
    struct proc *p = t->proc;
    struct thread *target = t->target ? thread_of_serial(p, t->target) : NULL;
    u64 gap;

    if (t->notify == SIGEV_NONE || !list_empty(&t->q->link) || (t->target && !target))
        return 0;
    switch (signal_send_timer(p, target, t->q)) {
    case TIMER_SENT:
        return 0;
    case TIMER_BUSY:
        return TICK_NS;
    case TIMER_IGNORED:
        break;
    }
    if (!t->alarm.interval) {
        (void)alarm_take(&t->alarm, posix_timer_now(t));
        return 0;
    }
    gap = alarm_left(&t->alarm, posix_timer_now(t));
    return gap < TICK_NS && t->alarm.interval < TICK_NS ? gap + TICK_NS : gap;
}

u64 posix_timer_ring(struct ktimer *k)
{
    struct posix_timer *t = container_of(k, struct posix_timer, alarm.timer);
    u64 now = clock_monotonic_ns(), deadline, again = 0;

    SCOPED_LOCK(&t->proc->sig.lock);
    deadline = t->other ? look_again(t, now) : alarm_deadline(&t->alarm);
    if (deadline > now)
        return deadline;
    if (deadline || (t->other && t->alarm.next && !pidref_gone(t->other)))
        again = expire(t);
    return again ? now + again : 0;
}

void posix_timer_arm(struct posix_timer *t)
{
    if (t->other)
        ktimer_set(&t->alarm.timer, READ_ONCE(t->alarm.next) ? clock_monotonic_ns() : 0);
    else
        alarm_arm(&t->alarm);
}

/* ---- clocks of used time: the tick rings their timers ---- */

static struct posix_timer *cpu_timer(struct rb_node *n)
{
    return rb_entry(n, struct posix_timer, node);
}

static void cpu_unlink(struct posix_timer *t)
{
    REQUIRES(&t->proc->sig.lock);
    if (t->looks)
        rb_erase(&t->proc->timers->cpu, &t->node, NULL);
    t->looks = 0;
}

/* looks 0: nobody does until it is set again, or its signal is taken. */
void posix_timer_look(struct posix_timer *t, u64 looks)
{
    REQUIRES(&t->proc->sig.lock);
    struct rb_root *root = &t->proc->timers->cpu;
    struct rb_node **link = &root->node, *parent = NULL;

    cpu_unlink(t);
    if (!looks)
        return;
    while (*link) {
        const struct posix_timer *other = cpu_timer(*link);
        bool left =
            t->runner != other->runner ? t->runner < other->runner : looks < other->looks;

        parent = *link;
        link = left ? &parent->left : &parent->right;
    }
    t->looks = looks;
    rb_insert(root, &t->node, parent, link, NULL);
}

/* The one of that runner that somebody looks at first. */
static struct posix_timer *cpu_first(const struct posix_timers *all, u64 runner)
{
    struct rb_node *n = all->cpu.node;
    struct posix_timer *found = NULL;

    while (n) {
        struct posix_timer *t = cpu_timer(n);

        if (t->runner >= runner)
            found = t;
        n = t->runner >= runner ? n->left : n->right;
    }
    return found && found->runner == runner ? found : NULL;
}

void posix_timer_try(struct posix_timer *t, u64 now)
{
    REQUIRES(&t->proc->sig.lock);
    u64 again = expire(t);

    posix_timer_look(t, again ? now + again : 0);
}

/* So many ring in one tick. */
#define RINGS_MAX 32u

static void ring_used(struct proc *p, u64 runner, u64 now)
{
    REQUIRES(&p->sig.lock);

    for (u32 n = 0; n < RINGS_MAX; n++) {
        struct posix_timer *t = cpu_first(p->timers, runner);

        if (!t || t->looks > now)
            break;
        posix_timer_try(t, now);
    }
}

void posix_timers_tick(struct proc *p, const struct thread *t)
{
    SCOPED_LOCK(&p->sig.lock);

    ring_used(p, 0, proc_cpu_ns(p));
    ring_used(p, t->serial, READ_ONCE(t->utime_ns) + READ_ONCE(t->stime_ns));
}

static void make_due(struct posix_timer *t)
{
    REQUIRES(&t->proc->sig.lock);
    list_init(&t->q->link);
    if (clock_is_cpu_time(t->clock))
        posix_timer_look(t, t->alarm.next);
    else if (list_empty(&t->due_link))
        list_add_tail(&t->proc->timers->due, &t->due_link);
}

void posix_timer_taken(struct sig_queued *q, struct sig_record *rec)
{
    struct posix_timer *t = q->timer;
    u64 n = alarm_take(&t->alarm, posix_timer_now(t));

    t->overrun = (u32)MIN(n ? n - 1 : 0, (u64)INT32_MAX);
    *rec = q->rec;
    rec->uid = t->overrun;
    make_due(t);
}

/* What it rang for is over, heard or not. */
void posix_timer_dropped(struct sig_queued *q)
{
    (void)alarm_take(&q->timer->alarm, posix_timer_now(q->timer));
    make_due(q->timer);
}

/* ---- life; the mutex held ---- */

struct posix_timers *posix_timers_own(void)
{
    struct proc *p = current_proc();
    struct posix_timers *all = READ_ONCE(p->timers), *other;
    irqflags_t flags;

    if (all)
        return all;
    all = kzalloc(sizeof(*all));
    if (!all)
        return NULL;
    mutex_init(&all->lock);
    list_init(&all->due);
    flags = spin_lock_irq(&p->sig.lock);
    other = p->timers;
    if (!other)
        WRITE_ONCE(p->timers, all);
    spin_unlock_irq(&p->sig.lock, flags);
    if (!other)
        return all;
    kfree(all);
    return other;
}

int posix_timer_number(struct posix_timers *all, struct posix_timer *t)
{
    REQUIRES(&all->lock);
    int err;

    do {
        t->id = all->next_id;
        all->next_id = (all->next_id + 1) & INT32_MAX;
        err = index_set(&all->by_id, t->id, t);
    } while (err == -EEXIST);
    return err;
}

/* No timer any more; a signal that is pending belongs to its queue from now on. */
void posix_timer_end(struct posix_timers *all, struct posix_timer *t)
{
    REQUIRES(&all->lock);
    struct list trash = LIST_INIT(trash);
    struct proc *p = t->proc;
    struct thread *target;
    irqflags_t flags;

    index_erase(&all->by_id, t->id);
    flags = spin_lock_irq(&p->sig.lock);
    alarm_set(&t->alarm, false, 0, 0);
    cpu_unlink(t);
    list_del(&t->due_link);
    target = t->target ? thread_of_serial(p, t->target) : NULL;
    WRITE_ONCE(t->q->timer, NULL);
    if (signal_disown(target ? &target->records : t->target ? NULL : &p->records, t->q))
        list_add(&trash, &t->q->link);
    spin_unlock_irq(&p->sig.lock, flags);
    alarm_arm(&t->alarm);
    alarm_fini(&t->alarm);
    ktimer_cancel(&t->alarm.timer);
    signal_free(p, &trash);
    if (t->other)
        pidref_put(t->other);
    kfree(t);
}

void posix_timers_end(struct proc *p)
{
    struct posix_timers *all = p->timers;
    struct posix_timer *t;
    irqflags_t flags;
    u32 id = 0;

    if (!all)
        return;
    mutex_lock(&all->lock);
    while ((t = index_next(&all->by_id, &id)) != NULL) {
        posix_timer_end(all, t);
        pause_anyway();
    }
    mutex_unlock(&all->lock);
    flags = spin_lock_irq(&p->sig.lock); /* a tick may look */
    p->timers = NULL;
    spin_unlock_irq(&p->sig.lock, flags);
    kfree(all);
}

void posix_timers_rearm_due(struct proc *p)
{
    struct posix_timers *all = p->timers;
    SCOPED_LOCK(&all->lock);

    for (;;) {
        irqflags_t flags = spin_lock_irq(&p->sig.lock);
        struct list *first = list_first(&all->due);

        if (first) {
            list_del(first);
            list_init(first);
        }
        spin_unlock_irq(&p->sig.lock, flags);
        if (!first)
            return;
        posix_timer_arm(list_entry(first, struct posix_timer, due_link));
        pause_anyway();
    }
}
