/* SPDX-License-Identifier: MIT
 *
 * timer_create(2) and its kin. State is under sig.lock of the process; the mutex of its timers
 * keeps them alive while one is armed, which is not done under a spinlock.
 */
#include "kernel/event/posix_timer.h"
#include "arch/time.h"
#include "kernel/event/alarm.h"
#include "kernel/sys/time.h"
#include "kernel/syscall.h"
#include "kernel/task/signal.h"
#include "kernel/task/threads.h"
#include "kernel/task/uaccess.h"
#include "kernel/task/walk.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/sigevent.h"
#include "lib/uapi/time.h"
#include "mm/phys/slab.h"

struct posix_timer {
    struct alarm alarm;
    struct rb_node node;  /* [sig.lock] cpu, while `looks` is not 0: by runner and by */
    u64 looks;            /* the time of its clock when somebody looks at it again */
    struct list due_link; /* [sig.lock] due */
    struct proc *proc;    /* [c] */
    u32 id;               /* [c] with the next three */
    s32 clock, notify;
    u64 target;           /* serial of the thread that is told, 0: the process */
    u64 runner;           /* [c] serial of the thread whose time it is, 0: none's */
    struct sig_queued *q; /* [c] pending while it is in a list */
    u32 overrun;          /* [sig.lock] of the signal taken last */
};

/* ---- with sig.lock held ---- */

static u64 now_of(const struct posix_timer *t)
{
    const struct thread *runner;

    if (!clock_is_cpu_time(t->clock))
        return alarm_now(&t->alarm);
    if (!t->runner)
        return proc_cpu_ns(t->proc);
    runner = thread_of_serial(t->proc, t->runner);
    return runner ? READ_ONCE(runner->utime_ns) + READ_ONCE(runner->stime_ns) : 0;
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
        (void)alarm_take(&t->alarm, now_of(t));
        return 0;
    }
    gap = alarm_left(&t->alarm, now_of(t));
    return gap < TICK_NS && t->alarm.interval < TICK_NS ? gap + TICK_NS : gap;
}

static u64 ring(struct ktimer *k)
{
    struct posix_timer *t = container_of(k, struct posix_timer, alarm.timer);
    u64 now = clock_monotonic_ns(), deadline, again = 0;

    SCOPED_LOCK(&t->proc->sig.lock);
    deadline = alarm_deadline(&t->alarm);
    if (deadline > now)
        return deadline;
    if (deadline)
        again = expire(t);
    return again ? now + again : 0;
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
static void cpu_link(struct posix_timer *t, u64 looks)
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

/* So many ring in one tick. */
#define RINGS_MAX 32u

static void ring_used(struct proc *p, u64 runner, u64 now)
{
    REQUIRES(&p->sig.lock);
    struct posix_timer *t;

    for (u32 n = 0; n < RINGS_MAX; n++) {
        u64 again;

        t = cpu_first(p->timers, runner);
        if (!t || t->looks > now)
            break;
        again = expire(t);
        cpu_link(t, again ? now + again : 0);
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
        cpu_link(t, t->alarm.next);
    else if (list_empty(&t->due_link))
        list_add_tail(&t->proc->timers->due, &t->due_link);
}

void posix_timer_taken(struct sig_queued *q, struct sig_record *rec)
{
    struct posix_timer *t = q->timer;
    u64 n = alarm_take(&t->alarm, now_of(t));

    t->overrun = (u32)MIN(n ? n - 1 : 0, (u64)INT32_MAX);
    *rec = q->rec;
    rec->uid = t->overrun;
    make_due(t);
}

void posix_timer_dropped(struct sig_queued *q)
{
    make_due(q->timer);
}

/* ---- life; the mutex held ---- */

static struct posix_timers *own_timers(void)
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

static int must_check set_id(struct posix_timers *all, struct posix_timer *t)
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
static void end(struct posix_timers *all, struct posix_timer *t)
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
        end(all, t);
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
        alarm_arm(&list_entry(first, struct posix_timer, due_link)->alarm);
        pause_anyway();
    }
}

/* ---- the calls ---- */

static int check_clock(s32 clock)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_MONOTONIC:
    case CLOCK_BOOTTIME:
    case CLOCK_TAI:
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID:
        return 0;
    case CLOCK_REALTIME_ALARM:
    case CLOCK_BOOTTIME_ALARM:
        return proc_capable(current_proc(), CAP_WAKE_ALARM) ? 0 : -EPERM;
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_MONOTONIC_COARSE:
        return -EOPNOTSUPP;
    default:
        return -EINVAL;
    }
}

/* Who is told: a serial, 0: the process. */
static int find_target(const struct sigevent *ev, u64 *serial)
{
    s32 pid = current_proc()->pid;
    const struct thread *t;
    irqflags_t flags;

    *serial = 0;
    if (ev->notify != SIGEV_NONE && ev->notify != SIGEV_SIGNAL &&
        ev->notify != SIGEV_THREAD && ev->notify != SIGEV_THREAD_ID)
        return -EINVAL;
    if (ev->notify != SIGEV_NONE && (ev->signo < 1 || ev->signo > NSIG))
        return -EINVAL;
    if (ev->notify != SIGEV_THREAD_ID)
        return 0;
    t = ev->tid > 0 ? thread_lock(pid, ev->tid, &flags) : NULL;
    if (!t)
        return -EINVAL;
    *serial = t->serial;
    thread_unlock(ev->tid, flags);
    return 0;
}

/* The record, counted with the user's pending signals: -EAGAIN. */
static struct sig_queued *record_for(const struct posix_timer *t,
                                     const struct sigevent *ev)
{
    struct sig_queued *spare = signal_spare(SIGRTMIN), *q;
    struct proc *p = current_proc();
    irqflags_t flags = spin_lock_irq(&p->sig.lock);

    q = signal_claim(p, &spare);
    spin_unlock_irq(&p->sig.lock, flags);
    if (spare)
        signal_spare_free(spare);
    if (!q)
        return NULL;
    list_init(&q->link);
    q->timer = (struct posix_timer *)t;
    q->signo = ev->signo;
    q->rec = (struct sig_record){.code = SI_TIMER, .value = ev->value};
    return q;
}

static void discard(struct posix_timer *t)
{
    struct list trash = LIST_INIT(trash);

    t->q->timer = NULL;
    list_add(&trash, &t->q->link);
    signal_free(t->proc, &trash);
    kfree(t);
}

static struct posix_timer *build(s32 clock, const struct sigevent *ev, u64 target)
{
    struct posix_timer *t = kzalloc(sizeof(*t));

    if (!t)
        return NULL;
    alarm_init(&t->alarm, ring);
    list_init(&t->due_link);
    t->proc = current_proc();
    t->clock = clock;
    t->notify = ev->notify;
    t->target = target;
    t->runner = clock == CLOCK_THREAD_CPUTIME_ID ? current_thread()->serial : 0;
    t->q = record_for(t, ev);
    if (t->q)
        return t;
    kfree(t);
    return NULL;
}

long sys_timer_create(const struct syscall_args *a)
{
    struct sigevent ev = {.signo = SIGALRM};
    struct posix_timers *all;
    struct posix_timer *t;
    u64 target;
    int err;

    if (a->a1 && copy_from_user(&ev, a->a1, sizeof(ev)) != 0)
        return -EFAULT;
    err = check_clock((s32)a->a0);
    if (!err)
        err = find_target(&ev, &target);
    if (err)
        return err;
    all = own_timers();
    t = all ? build((s32)a->a0, &ev, target) : NULL;
    if (!t)
        return -EAGAIN;
    mutex_lock(&all->lock);
    err = set_id(all, t);
    if (err) {
        discard(t);
        err = -EAGAIN;
    } else {
        t->q->rec.pid = (s32)t->id;
        if (!a->a1)
            t->q->rec.value = t->id;
        if (copy_to_user(a->a2, &t->id, sizeof(t->id)) != 0) {
            end(all, t);
            err = -EFAULT;
        }
    }
    mutex_unlock(&all->lock);
    return err;
}

/* The timer of that number with the mutex held; NULL: none, and it is not. */
static struct posix_timer *find(s32 id)
{
    struct posix_timers *all = READ_ONCE(current_proc()->timers);
    struct posix_timer *t;

    if (!all || id < 0)
        return NULL;
    mutex_lock(&all->lock);
    t = index_get(&all->by_id, (u32)id);
    if (!t)
        mutex_unlock(&all->lock);
    return t;
}

static void done(void)
{
    mutex_unlock(&current_proc()->timers->lock);
}

/* One that has run out and is not told yet does not look as if it were off. */
static u64 left_of(const struct posix_timer *t)
{
    u64 left = alarm_left(&t->alarm, now_of(t));

    return !left && t->alarm.next && t->notify != SIGEV_NONE ? 1 : left;
}

static int setting_to_user(vaddr_t user, u64 left, u64 interval)
{
    int err = timespec_to_user(user, interval);

    return err ? err : timespec_to_user(user + sizeof(struct timespec), left);
}

long sys_timer_gettime(const struct syscall_args *a)
{
    struct posix_timer *t = find((s32)a->a0);
    irqflags_t flags;
    u64 left, interval;

    if (!t)
        return -EINVAL;
    flags = spin_lock_irq(&t->proc->sig.lock);
    left = left_of(t);
    interval = t->alarm.interval;
    spin_unlock_irq(&t->proc->sig.lock, flags);
    done();
    return setting_to_user(a->a1, left, interval);
}

static void set(struct posix_timer *t, bool absolute, u64 value, u64 interval)
{
    REQUIRES(&t->proc->sig.lock);
    bool wall = absolute && clock_is_wall(t->clock);

    if (value && !absolute)
        value += clock_is_cpu_time(t->clock) ? now_of(t) : clock_monotonic_ns();
    t->overrun = 0;
    alarm_set(&t->alarm, wall, value, interval);
    if (clock_is_cpu_time(t->clock))
        cpu_link(t, value);
}

long sys_timer_settime(const struct syscall_args *a)
{
    u64 value, interval, old_left, old_interval;
    struct posix_timer *t;
    irqflags_t flags;
    int err = a->a2 ? timespec_from_user(a->a2, &interval) : -EINVAL;

    if (!err)
        err = timespec_from_user(a->a2 + sizeof(struct timespec), &value);
    if (err)
        return err;
    t = find((s32)a->a0);
    if (!t)
        return -EINVAL;
    flags = spin_lock_irq(&t->proc->sig.lock);
    old_left = left_of(t);
    old_interval = t->alarm.interval;
    set(t, a->a1 & TIMER_ABSTIME, value, interval);
    spin_unlock_irq(&t->proc->sig.lock, flags);
    if (!clock_is_cpu_time(t->clock))
        alarm_arm(&t->alarm);
    done();
    return a->a3 ? setting_to_user(a->a3, old_left, old_interval) : 0;
}

long sys_timer_getoverrun(const struct syscall_args *a)
{
    struct posix_timer *t = find((s32)a->a0);
    long n;

    if (!t)
        return -EINVAL;
    n = READ_ONCE(t->overrun);
    done();
    return n;
}

long sys_timer_delete(const struct syscall_args *a)
{
    struct posix_timer *t = find((s32)a->a0);

    if (!t)
        return -EINVAL;
    end(current_proc()->timers, t);
    done();
    return 0;
}
