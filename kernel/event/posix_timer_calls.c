/* SPDX-License-Identifier: MIT
 *
 * timer_create(2) and its kin.
 */
#include "arch/time.h"
#include "kernel/event/alarm.h"
#include "kernel/event/pidfd.h"
#include "kernel/event/posix_timer.h"
#include "kernel/sys/time.h"
#include "kernel/syscall.h"
#include "kernel/task/signal.h"
#include "kernel/task/threads.h"
#include "kernel/task/uaccess.h"
#include "kernel/task/walk.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/sigevent.h"
#include "lib/uapi/time.h"
#include "mm/phys/slab.h"

/* A clock of CPU time that is not the process's own one: other is that process, referenced. */
static int find_other(s32 clock, struct pidref **other)
{
    s32 id = ~(clock >> 3);
    int err;

    if ((clock & (CPU_CLOCK_THREAD | CPU_CLOCK_KIND)) == CPU_CLOCK_KIND)
        return -EOPNOTSUPP; /* a descriptor's */
    if (clock & CPU_CLOCK_THREAD || (clock & CPU_CLOCK_KIND) == CPU_CLOCK_KIND)
        return -EINVAL;
    err = pidref_of(id && id != current_thread()->tid ? id : current_proc()->pid, other);
    return err == -ENOMEM ? -EAGAIN : err ? -EINVAL : 0;
}

/* Whose clock it is; `other` is referenced then. */
static int check_clock(s32 clock, struct pidref **other)
{
    *other = NULL;
    if (clock < 0)
        return find_other(clock, other);
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
        return capable(CAP_WAKE_ALARM) ? 0 : -EPERM;
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
    if (t->other)
        pidref_put(t->other);
    kfree(t);
}

/* Without its clock yet. */
static struct posix_timer *build(const struct sigevent *ev, u64 target)
{
    struct posix_timer *t = kzalloc(sizeof(*t));

    if (!t)
        return NULL;
    alarm_init(&t->alarm, posix_timer_ring);
    list_init(&t->due_link);
    t->proc = current_proc();
    t->notify = ev->notify;
    t->target = target;
    t->q = record_for(t, ev);
    if (t->q)
        return t;
    kfree(t);
    return NULL;
}

/* The C library's names of the process's own clocks; a thread's: whose, by its serial. 0 is the
 * caller. All time and time in both modes are the same here. */
static s32 own_clock(s32 clock, u64 *runner)
{
    const struct thread *me = current_thread(), *t;
    s32 id = clock < 0 ? ~(clock >> 3) : 0;
    irqflags_t flags;

    *runner = clock == CLOCK_THREAD_CPUTIME_ID ? me->serial : 0;
    if (clock >= 0 || clock & CPU_CLOCK_USER) /* or a descriptor's */
        return clock;
    if (!(clock & CPU_CLOCK_THREAD))
        return id && id != me->proc->pid ? clock : CLOCK_PROCESS_CPUTIME_ID;
    id = id ?: me->tid;
    t = thread_lock(me->proc->pid, id, &flags);
    if (!t)
        return clock;
    *runner = t->serial;
    thread_unlock(id, flags);
    return CLOCK_THREAD_CPUTIME_ID;
}

/* Gives it its number and tells that. Until then no call finds it: the other threads may guess
 * numbers, and the copy waits for as long as the program likes. */
static int number_and_tell(struct posix_timers *all, struct posix_timer *t, vaddr_t user,
                           bool by_default)
{
    int err;

    mutex_lock(&all->lock);
    err = posix_timer_number(all, t);
    mutex_unlock(&all->lock);
    if (err) {
        discard(t);
        return -EAGAIN;
    }
    t->q->rec.pid = (s32)t->id;
    if (by_default)
        t->q->rec.value = t->id;
    err = copy_to_user(user, &t->id, sizeof(t->id));
    SCOPED_LOCK(&all->lock);
    if (err)
        posix_timer_end(all, t);
    else
        t->told = true;
    return err;
}

long sys_timer_create(const struct syscall_args *a)
{
    struct sigevent ev = {.signo = SIGALRM};
    struct posix_timers *all;
    struct posix_timer *t;
    struct pidref *other;
    u64 target, runner;
    s32 clock = own_clock((s32)a->a0, &runner);
    int err;

    if (a->a1 && copy_from_user(&ev, a->a1, sizeof(ev)) != 0)
        return -EFAULT;
    err = check_clock(clock, &other);
    if (err)
        return err;
    err = find_target(&ev, &target);
    all = err ? NULL : posix_timers_own();
    t = all ? build(&ev, target) : NULL;
    if (!t) {
        if (other)
            pidref_put(other);
        return err ? err : -EAGAIN;
    }
    t->clock = clock;
    t->runner = runner;
    t->other = other;
    return number_and_tell(all, t, a->a2, !a->a1);
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
    if (t && t->told)
        return t;
    mutex_unlock(&all->lock);
    return NULL;
}

static void done(void)
{
    mutex_unlock(&current_proc()->timers->lock);
}

/* One that has run out and is not told yet does not look as if it were off. */
static u64 left_of(const struct posix_timer *t)
{
    u64 left = alarm_left(&t->alarm, posix_timer_now(t));

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
    bool over;

    if (!t)
        return -EINVAL;
    flags = spin_lock_irq(&t->proc->sig.lock);
    over = t->other && posix_timer_is_over(t);
    left = over ? 0 : left_of(t);
    interval = over ? 0 : t->alarm.interval;
    spin_unlock_irq(&t->proc->sig.lock, flags);
    done();
    return setting_to_user(a->a1, left, interval);
}

/* -ESRCH: nobody's time is left to pass. */
static int set(struct posix_timer *t, bool absolute, u64 value, u64 interval)
{
    REQUIRES(&t->proc->sig.lock);
    bool used = clock_is_cpu_time(t->clock);
    u64 now = used || t->other ? posix_timer_now(t) : clock_monotonic_ns();

    if (posix_timer_is_over(t))
        return -ESRCH;
    if (value && !absolute)
        value += now;
    t->overrun = 0;
    alarm_set(&t->alarm, absolute && clock_is_wall(t->clock), value, interval);
    if (used)
        posix_timer_look(t, value);
    if (used && value && value <= now)
        posix_timer_try(t, now); /* its thread may never run again */
    return 0;
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
    err = set(t, a->a1 & TIMER_ABSTIME, value, interval);
    spin_unlock_irq(&t->proc->sig.lock, flags);
    if (!err && !clock_is_cpu_time(t->clock))
        posix_timer_arm(t);
    done();
    return err ? err : a->a3 ? setting_to_user(a->a3, old_left, old_interval) : 0;
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
    posix_timer_end(current_proc()->timers, t);
    done();
    return 0;
}
