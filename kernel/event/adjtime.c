/* SPDX-License-Identifier: MIT
 *
 * adjtimex(2), clock_adjtime(2). Nothing disciplines the clock: it runs as the machine's does, and
 * says so. It can be read, and set forward or back at once.
 */
#include "kernel/sys/time.h"
#include "kernel/syscall.h"
#include "kernel/task/proc.h"
#include "kernel/task/uaccess.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/timex.h"

#define NSEC 1000000000ull

/* NTP's words for a clock that nobody compares with another. */
#define ERROR_MOST    16000000 /* us */
#define TICK_USEC     10000    /* of a program's tick, USER_HZ */
#define FREQ_MOST     32768000 /* 500 ppm, 16 bits behind the point */
#define TIME_CONSTANT 2

static int set_offset(const struct timex *t)
{
    s64 now = (s64)clock_realtime_ns(), ns, fraction = t->time.tv_usec;

    if (fraction < 0 || fraction >= (t->modes & ADJ_NANO ? (s64)NSEC : 1000000))
        return -EINVAL;
    if (!(t->modes & ADJ_NANO))
        fraction *= 1000;
    if (__builtin_mul_overflow(t->time.tv_sec, (s64)NSEC, &ns) ||
        __builtin_add_overflow(ns, fraction, &ns) ||
        __builtin_add_overflow(ns, now, &ns) || ns < 0)
        return -EINVAL;
    return clock_set_realtime((u64)ns);
}

/* -EOPNOTSUPP: what would bend the clock, or feed one that is not bent. */
static int apply(const struct timex *t)
{
    if (t->modes == ADJ_OFFSET_SS_READ || !t->modes)
        return 0;
    if (!proc_capable(current_proc(), CAP_SYS_TIME))
        return -EPERM;
    if (t->modes & ADJ_ADJTIME && !(t->modes & ADJ_OFFSET))
        return -EINVAL;
    if (t->modes & ADJ_ADJTIME || t->modes & ~(ADJ_SETOFFSET | ADJ_NANO) ||
        !(t->modes & ADJ_SETOFFSET))
        return -EOPNOTSUPP;
    return set_offset(t);
}

static void fill(struct timex *t)
{
    u64 now = clock_realtime_ns();
    u32 modes = t->modes;

    *t = (struct timex){
        .modes = modes,
        .maxerror = ERROR_MOST,
        .esterror = ERROR_MOST,
        .status = STA_UNSYNC,
        .constant = TIME_CONSTANT,
        .precision = 1,
        .tolerance = FREQ_MOST,
        .time = {(s64)(now / NSEC), (s64)(now % NSEC / 1000)},
        .tick = TICK_USEC,
    };
}

/* Clocks that cannot be adjusted: the others with a name, and those of CPU time. Not a descriptor's,
 * which there are none of. */
static bool is_steady(s32 clock)
{
    return clock >= 0 ? clock <= CLOCK_TAI
                      : (clock & (CPU_CLOCK_THREAD | CPU_CLOCK_KIND)) != CPU_CLOCK_KIND;
}

/* The memory is asked before the clock, as on Linux. */
static long adjust(s32 clock, vaddr_t user)
{
    struct timex t;
    int err = copy_from_user(&t, user, sizeof(t));

    if (!err && clock != CLOCK_REALTIME)
        err = is_steady(clock) ? -EOPNOTSUPP : -EINVAL;
    if (!err)
        err = apply(&t);
    if (err)
        return err;
    fill(&t);
    return copy_to_user(user, &t, sizeof(t)) ? -EFAULT : TIME_ERROR;
}

long sys_adjtimex(const struct syscall_args *a)
{
    return adjust(CLOCK_REALTIME, a->a0);
}

long sys_clock_adjtime(const struct syscall_args *a)
{
    return adjust((s32)a->a0, a->a1);
}
