/* SPDX-License-Identifier: MIT
 *
 * nanosleep(2) and clock_nanosleep(2): sleeping until a clock shows a time.
 */
#include "arch/cpu.h"
#include "arch/time.h"
#include "kernel/sys/time.h"
#include "kernel/syscall.h"
#include "kernel/task/proc.h"
#include "kernel/task/sched/timespec.h"
#include "kernel/task/threads.h"
#include "kernel/task/uaccess.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/time.h"

/* A program's time, which passes only while it runs. */
static bool is_used_time(s32 clock)
{
    return clock < 0 || clock_is_cpu_time(clock);
}

/* After which a sleeper looks again: used time passes on all processors at most. */
static u64 shortest_wait(s32 clock, u64 left)
{
    return is_used_time(clock) ? MAX(left / cpu_count, (u64)TICK_NS) : left;
}

static long sleep_on(void);

/* Sleeps until `clock` shows `when`. A signal leaves the rest at `rem` (0: nowhere). */
static long sleep_until(s32 clock, u64 when, vaddr_t rem)
{
    struct thread *t = current_thread();
    u64 now;

    for (;;) {
        int err = clock_read(clock, &now);

        if (err || now >= when)
            return err;
        if (thread_interrupted()) {
            if (rem && timespec_to_user(rem, when - now) != 0)
                return -EFAULT;
            t->restart_fn = sleep_on;
            t->restart_deadline = when;
            t->restart_args[0] = rem;
            t->restart_args[1] = (u64)(u32)clock;
            return -ERESTART_BLOCK;
        }
        thread_park_until(clock_monotonic_ns() + shortest_wait(clock, when - now));
    }
}

static long sleep_on(void)
{
    const struct thread *t = current_thread();

    return sleep_until((s32)t->restart_args[1], t->restart_deadline, t->restart_args[0]);
}

/* An absolute sleep simply starts again with the same arguments. */
static long sleep_absolute(s32 clock, u64 when)
{
    u64 now;

    for (;;) {
        int err = clock_read(clock, &now);

        if (err || now >= when)
            return err;
        if (thread_interrupted())
            return -ERESTARTNOHAND;
        thread_park_until(clock_monotonic_ns() + shortest_wait(clock, when - now));
    }
}

long sys_nanosleep(const struct syscall_args *a)
{
    u64 ns, start = clock_monotonic_ns();
    int err = timespec_from_user(a->a0, &ns);

    return err ? err : sleep_until(CLOCK_MONOTONIC, start + ns, a->a1);
}

/* Whether one can sleep by that clock at all. */
static int check_clock(s32 clock)
{
    if (clock < 0)
        return (clock & (CPU_CLOCK_THREAD | CPU_CLOCK_KIND)) == CPU_CLOCK_KIND
                   ? -EOPNOTSUPP
                   : 0;
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_MONOTONIC:
    case CLOCK_BOOTTIME:
    case CLOCK_TAI:
    case CLOCK_REALTIME_ALARM:
    case CLOCK_BOOTTIME_ALARM:
    case CLOCK_PROCESS_CPUTIME_ID:
        return 0;
    case CLOCK_THREAD_CPUTIME_ID:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_MONOTONIC_COARSE:
        return -EOPNOTSUPP;
    default:
        return -EINVAL;
    }
}

/* Whether this thread may: its own time does not pass while it sleeps. */
static int check_sleeper(s32 clock)
{
    s32 id = ~(clock >> 3);

    if (clock_is_alarm(clock))
        return capable(CAP_WAKE_ALARM) ? 0 : -EPERM;
    return clock < 0 && clock & CPU_CLOCK_THREAD && (!id || id == current_thread()->tid)
               ? -EINVAL
               : 0;
}

long sys_clock_nanosleep(const struct syscall_args *a)
{
    s32 clock = (s32)a->a0;
    u64 ns, now;
    int err = check_clock(clock);

    if (!err)
        err = timespec_from_user(a->a2, &ns);
    if (!err)
        err = check_sleeper(clock);
    if (!err)
        err = clock_read(clock, &now);
    if (err)
        return err;
    if (a->a1 & TIMER_ABSTIME)
        return sleep_absolute(clock, ns);
    /* Setting a clock does not move the end of a span. */
    if (!is_used_time(clock)) {
        clock = CLOCK_MONOTONIC;
        now = clock_monotonic_ns();
    }
    return sleep_until(clock, now + ns, a->a3);
}
