/* SPDX-License-Identifier: MIT
 *
 * adjtimex(2), clock_adjtime(2). The clock runs as the machine's does: it is not bent, so a
 * frequency, a tick or an offset that would bend it is refused. It can be read, and set forward or
 * back at once; what programs that compare it with others tell each other of it is kept.
 */
#include "arch/time.h"
#include "kernel/sys/time.h"
#include "kernel/syscall.h"
#include "kernel/task/proc.h"
#include "kernel/task/uaccess.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/timex.h"

#define NSEC 1000000000ull

/* NTP's words for a clock that nobody compares with another. */
#define ERROR_MOST    16000000 /* us */
#define ERROR_GROWS   500      /* us each second: the most that a clock may be wrong */
#define TICK_USEC     10000    /* of a program's tick, USER_HZ */
#define FREQ_MOST     32768000 /* 500 ppm, 16 bits behind the point */
#define TIME_CONSTANT 2
#define CONSTANT_MOST 10

static struct {
    spinlock_t lock;
    s64 maxerror, esterror, constant;
    u64 since; /* clock_monotonic_ns() when maxerror was that */
    s32 status;
} kept = {.maxerror = ERROR_MOST,
          .esterror = ERROR_MOST,
          .constant = TIME_CONSTANT,
          .status = STA_UNSYNC};

static s64 within(s64 value, s64 most)
{
    return value < 0 ? 0 : MIN(value, most);
}

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

/* Whether it would bend the clock, or feed one that is not bent. An offset without STA_PLL is
 * passed over, as on Linux. */
static bool bends(const struct timex *t)
{
    s32 status = t->modes & ADJ_STATUS ? t->status : READ_ONCE(kept.status);

    if (t->modes & ADJ_ADJTIME)
        return t->offset != 0;
    return (t->modes & ADJ_FREQUENCY && t->freq) ||
           (t->modes & ADJ_TICK && t->tick != TICK_USEC) ||
           (t->modes & ADJ_TAI && t->constant) || (status & (STA_INS | STA_DEL)) ||
           (t->modes & ADJ_OFFSET && t->offset && status & STA_PLL);
}

static void keep(const struct timex *t)
{
    SCOPED_LOCK(&kept.lock);

    if (t->modes & ADJ_STATUS) {
        if (kept.status & STA_PLL && !(t->status & STA_PLL))
            kept.status = STA_UNSYNC;
        kept.status = (kept.status & STA_READ_ONLY) | (t->status & ~STA_READ_ONLY);
    }
    if (t->modes & ADJ_NANO)
        kept.status |= STA_NANO;
    if (t->modes & ADJ_MICRO)
        kept.status &= ~STA_NANO;
    if (t->modes & ADJ_MAXERROR) {
        kept.maxerror = within(t->maxerror, ERROR_MOST);
        kept.since = clock_monotonic_ns();
    }
    if (t->modes & ADJ_ESTERROR)
        kept.esterror = within(t->esterror, ERROR_MOST);
    if (t->modes & ADJ_TIMECONST)
        kept.constant =
            within(within(t->constant, CONSTANT_MOST) + (kept.status & STA_NANO ? 0 : 4),
                   CONSTANT_MOST);
}

/* -EOPNOTSUPP: it bends. Nothing is kept of a call that fails. */
static int apply(const struct timex *t)
{
    int err = 0;

    if (t->modes == ADJ_OFFSET_SS_READ || !t->modes)
        return 0;
    if (!capable(CAP_SYS_TIME))
        return -EPERM;
    if (t->modes & ADJ_ADJTIME && !(t->modes & ADJ_OFFSET))
        return -EINVAL;
    if (!(t->modes & ADJ_ADJTIME) && t->modes & ADJ_TICK &&
        (t->tick < TICK_USEC - TICK_USEC / 10 || t->tick > TICK_USEC + TICK_USEC / 10))
        return -EINVAL;
    if (bends(t))
        return -EOPNOTSUPP;
    if (t->modes & ADJ_ADJTIME)
        return 0;
    if (t->modes & ADJ_SETOFFSET)
        err = set_offset(t);
    if (!err)
        keep(t);
    return err;
}

/* The error grows while nobody says what it is, until the clock counts as compared with none. */
static int fill(struct timex *t)
{
    SCOPED_LOCK(&kept.lock);
    u64 now = clock_realtime_ns(), ago = clock_monotonic_ns() - kept.since;
    s64 error = kept.maxerror + (s64)MIN(ago / NSEC, (u64)ERROR_MOST) * ERROR_GROWS;
    u32 modes = t->modes;

    if (error >= ERROR_MOST) {
        error = ERROR_MOST;
        kept.status |= STA_UNSYNC;
    }
    *t = (struct timex){
        .modes = modes,
        .maxerror = error,
        .esterror = kept.esterror,
        .status = kept.status,
        .constant = kept.constant,
        .precision = 1,
        .tolerance = FREQ_MOST,
        .time = {(s64)(now / NSEC),
                 (s64)(now % NSEC / (kept.status & STA_NANO ? 1 : 1000))},
        .tick = TICK_USEC,
    };
    return kept.status & (STA_UNSYNC | STA_CLOCKERR) ? TIME_ERROR : TIME_OK;
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
    int state, err = copy_from_user(&t, user, sizeof(t));

    if (!err && clock != CLOCK_REALTIME)
        err = is_steady(clock) ? -EOPNOTSUPP : -EINVAL;
    if (!err)
        err = apply(&t);
    if (err)
        return err;
    state = fill(&t);
    return copy_to_user(user, &t, sizeof(t)) ? -EFAULT : state;
}

long sys_adjtimex(const struct syscall_args *a)
{
    return adjust(CLOCK_REALTIME, a->a0);
}

long sys_clock_adjtime(const struct syscall_args *a)
{
    return adjust((s32)a->a0, a->a1);
}
