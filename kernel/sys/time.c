/* SPDX-License-Identifier: MIT
 *
 * Clocks and the interval timers; sleeps are in kernel/event/sleep.c.
 */
#include "arch/time.h"
#include "fs/wallclock.h"
#include "kernel/event/alarm.h"
#include "kernel/sys/time.h"
#include "kernel/syscall.h"
#include "kernel/task/exec/vdso.h"
#include "kernel/task/proc.h"
#include "kernel/task/sched/cpulimit.h"
#include "kernel/task/sched/timespec.h"
#include "kernel/task/threads.h"
#include "kernel/task/uaccess.h"
#include "kernel/task/usage.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/time.h"

#define NSEC             1000000000ull
#define SECONDS_MAX      (UINT64_MAX / NSEC / 2)
/* 30 years less: what is set must still be a number when the machine has run for long. */
#define SETTABLE_SECONDS (SECONDS_MAX - 30ull * 365 * 24 * 3600)
#define ZONE_MOST        (15 * 60)

/* struct timezone, as one word: minutes west of Greenwich, kind of summer time. Atomic. */
static u64 time_zone;

/* Microseconds or nanoseconds after seconds. */
struct two_words {
    s64 seconds, fraction;
};
STATIC_ASSERT(sizeof(struct two_words) == 16);

u64 clock_realtime_ns(void)
{
    return wall_ns();
}

static int read_words(vaddr_t src, u64 per_second, u64 *ns)
{
    struct two_words w;

    if (copy_from_user(&w, src, sizeof(w)) != 0)
        return -EFAULT;
    if (w.seconds < 0 || w.fraction < 0 || (u64)w.fraction >= per_second)
        return -EINVAL;
    *ns = MIN((u64)w.seconds, SECONDS_MAX) * NSEC + (u64)w.fraction * (NSEC / per_second);
    return 0;
}

int timespec_from_user(vaddr_t src, u64 *ns)
{
    return read_words(src, NSEC, ns);
}

int timeval_from_user(vaddr_t src, u64 *ns)
{
    return read_words(src, 1000000, ns);
}

int timespec_to_user(vaddr_t dst, u64 ns)
{
    struct two_words w = {(s64)(ns / NSEC), (s64)(ns % NSEC)};

    return copy_to_user(dst, &w, sizeof(w));
}

static int timeval_to_user(vaddr_t dst, u64 ns)
{
    struct two_words w = {(s64)(ns / NSEC), (s64)(ns % NSEC / 1000)};

    return copy_to_user(dst, &w, sizeof(w));
}

int deadline_from_user(vaddr_t timespec, u64 *deadline)
{
    u64 now = clock_monotonic_ns(), ns;
    int err = timespec_from_user(timespec, &ns);

    if (!err)
        *deadline = now + ns; /* ns is at most half the range */
    return err;
}

/* ---- reading clocks ---- */

static u64 cpu_ns(u64 user, u64 system, s32 clock)
{
    return (clock & CPU_CLOCK_KIND) == CPU_CLOCK_USER ? user : user + system;
}

/* A clock of another process, or of another thread of this one: clock_getcpuclockid(3). */
static int read_cpu_clock(s32 clock, u64 *ns)
{
    s32 id = ~(clock >> 3), pid = current_proc()->pid;
    const struct thread *t;
    const struct proc *p;
    irqflags_t flags;

    if ((clock & CPU_CLOCK_KIND) == CPU_CLOCK_KIND) /* a descriptor's */
        return -EINVAL;
    if (clock & CPU_CLOCK_THREAD) {
        id = id ?: current_thread()->tid;
        t = thread_lock(pid, id, &flags);
        if (!t)
            return -EINVAL;
        *ns = cpu_ns(READ_ONCE(t->utime_ns), READ_ONCE(t->stime_ns), clock);
        thread_unlock(id, flags);
        return 0;
    }
    flags = spin_lock_irq(&proc_lock);
    p = id && id != current_thread()->tid ? proc_find(id) : current_proc();
    if (p)
        *ns = cpu_ns(READ_ONCE(p->utime_ns), READ_ONCE(p->stime_ns), clock);
    spin_unlock_irq(&proc_lock, flags);
    return p ? 0 : -EINVAL;
}

int clock_read(s32 clock, u64 *ns)
{
    const struct thread *t = current_thread();

    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_REALTIME_ALARM:
    case CLOCK_TAI:
        *ns = clock_realtime_ns();
        return 0;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
    case CLOCK_BOOTTIME_ALARM:
        *ns = clock_monotonic_ns();
        return 0;
    case CLOCK_PROCESS_CPUTIME_ID:
        *ns = proc_cpu_ns(t->proc);
        return 0;
    case CLOCK_THREAD_CPUTIME_ID:
        *ns = t->utime_ns + t->stime_ns;
        return 0;
    default:
        return clock < 0 ? read_cpu_clock(clock, ns) : -EINVAL;
    }
}

long sys_clock_gettime(const struct syscall_args *a)
{
    u64 ns;
    int err = clock_read((s32)a->a0, &ns);

    return err ? err : timespec_to_user(a->a1, ns);
}

long sys_clock_getres(const struct syscall_args *a)
{
    s32 clock = (s32)a->a0;
    u64 ns;
    int err = clock_read(clock, &ns);
    bool coarse = clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE ||
                  clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID ||
                  clock < 0;

    if (err || !a->a1)
        return err;
    return timespec_to_user(a->a1, coarse ? TICK_NS : 1);
}

/* Whether the clock can show that moment for as long as a machine runs. */
static bool settable(u64 ns)
{
    return ns < SETTABLE_SECONDS * NSEC;
}

int clock_set_realtime(u64 ns)
{
    if (!settable(ns) ||
        ns < clock_monotonic_ns()) /* the machine was started after 1970 */
        return -EINVAL;
    wall_set(ns);
    vdso_clock_was_set();
    alarm_clock_was_set();
    return 0;
}

long sys_clock_settime(const struct syscall_args *a)
{
    s32 clock = (s32)a->a0;
    u64 ns;
    int err;

    if (clock > CLOCK_REALTIME)
        return -EINVAL;
    err = timespec_from_user(a->a1, &ns);
    if (clock < 0 && err != -EFAULT) /* used time is not set, not even by root */
        return clock_read(clock, &ns) ?: -EPERM;
    if (err)
        return err;
    if (!settable(ns))
        return -EINVAL;
    return capable(CAP_SYS_TIME) ? clock_set_realtime(ns) : -EPERM;
}

long sys_gettimeofday(const struct syscall_args *a)
{
    int err = a->a0 ? timeval_to_user(a->a0, clock_realtime_ns()) : 0;

    u64 zone = __atomic_load_n(&time_zone, __ATOMIC_RELAXED);

    return !err && a->a1 ? copy_to_user(a->a1, &zone, sizeof(zone)) : err;
}

/* The first zone, when it comes without a time, says that the machine's clock showed local time. */
static int set_zone(u64 zone, bool with_time)
{
    static bool was_set;
    s32 minutes_west = (s32)zone;

    if (minutes_west > ZONE_MOST || minutes_west < -ZONE_MOST)
        return -EINVAL;
    __atomic_store_n(&time_zone, zone, __ATOMIC_RELAXED);
    if (__atomic_exchange_n(&was_set, true, __ATOMIC_RELAXED) || with_time ||
        !minutes_west)
        return 0;
    return clock_set_realtime(clock_realtime_ns() +
                              (u64)((s64)minutes_west * 60 * (s64)NSEC));
}

long sys_settimeofday(const struct syscall_args *a)
{
    u64 ns = 0, zone;
    int err = a->a0 ? timeval_from_user(a->a0, &ns) : 0;

    if (err)
        return err;
    if (a->a1 && copy_from_user(&zone, a->a1, sizeof(zone)) != 0)
        return -EFAULT;
    if (a->a0 && !settable(ns))
        return -EINVAL;
    if (!capable(CAP_SYS_TIME))
        return -EPERM;
    if (a->a1)
        err = set_zone(zone, a->a0 != 0);
    return !err && a->a0 ? clock_set_realtime(ns) : err;
}

long sys_time(const struct syscall_args *a)
{
    u64 now = clock_realtime_ns() / NSEC;

    if (a->a0 && copy_to_user(a->a0, &now, sizeof(now)) != 0)
        return -EFAULT;
    return (long)now;
}

long sys_restart_syscall(const struct syscall_args *a)
{
    struct thread *t = current_thread();
    long (*fn)(void) = t->restart_fn;

    (void)a;
    t->restart_fn = NULL;
    return fn ? fn() : -EINTR;
}

/* ---- the interval timer ---- */

/* Nanoseconds left, 0: off; and sets the timer anew. One that is off has no interval. */
static u64 replace_itimer(struct proc *p, u64 value, u64 interval)
{
    u64 now = clock_monotonic_ns(), old;

    old = ktimer_set(&p->itimer, 0);
    p->itimer_interval = value ? interval : 0;
    if (value)
        ktimer_set(&p->itimer, now + value);
    if (!old)
        return 0;
    return old > now ? old - now : 1;
}

long sys_alarm(const struct syscall_args *a)
{
    u64 left = replace_itimer(current_proc(), (u32)a->a0 * NSEC, 0);

    return (long)((left + NSEC - 1) / NSEC);
}

static int itimer_to_user(vaddr_t dst, u64 interval, u64 left)
{
    int err = timeval_to_user(dst, interval);

    /* A timer that is on must not look as if it were off. */
    return err ? err : timeval_to_user(dst + 16, left && left < 1000 ? 1000 : left);
}

/* A tick more is waited for, which nobody asked for. */
static u64 cpu_left(const struct cpu_itimer *timer)
{
    return timer->left > TICK_NS ? timer->left - TICK_NS : MIN(timer->left, (u64)1000);
}

long sys_getitimer(const struct syscall_args *a)
{
    struct proc *p = current_proc();
    u64 now = clock_monotonic_ns(), deadline = READ_ONCE(p->itimer.deadline);

    if ((u32)a->a0 > ITIMER_PROF)
        return -EINVAL;
    if ((s32)a->a0 != ITIMER_REAL) {
        struct cpu_itimer timer;

        cpu_itimer_set(p, (s32)a->a0, NULL, &timer);
        return itimer_to_user(a->a1, timer.interval, cpu_left(&timer));
    }
    return itimer_to_user(a->a1, p->itimer_interval,
                          !deadline        ? 0
                          : deadline > now ? deadline - now
                                           : 1);
}

long sys_setitimer(const struct syscall_args *a)
{
    struct proc *p = current_proc();
    u64 interval = 0, value = 0, old_interval, left;
    int err = 0;

    if (a->a1) {
        err = timeval_from_user(a->a1, &interval);
        if (!err)
            err = timeval_from_user(a->a1 + 16, &value);
    }
    if (err)
        return err;
    if ((u32)a->a0 > ITIMER_PROF)
        return -EINVAL;
    if ((s32)a->a0 != ITIMER_REAL) {
        /* Time is used in ticks, of which the first is partly over: never early. */
        struct cpu_itimer old,
            new = {value ? value + TICK_NS : 0, interval ? MAX(interval, TICK_NS) : 0};

        cpu_itimer_set(p, (s32)a->a0, &new, &old);
        return a->a2 ? itimer_to_user(a->a2, old.interval, cpu_left(&old)) : 0;
    }
    old_interval = p->itimer_interval;
    left = replace_itimer(p, value, interval);
    return a->a2 ? itimer_to_user(a->a2, old_interval, left) : 0;
}

long sys_getcpu(const struct syscall_args *a)
{
    u32 cpu = cpu_id(), node = 0;

    if (a->a0 && copy_to_user(a->a0, &cpu, sizeof(cpu)) != 0)
        return -EFAULT;
    if (a->a1 && copy_to_user(a->a1, &node, sizeof(node)) != 0)
        return -EFAULT;
    return 0;
}
