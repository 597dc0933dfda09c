/* SPDX-License-Identifier: MIT
 *
 * Resource limits and usage, priorities, scheduling parameters.
 */
#include "arch/time.h"
#include "kernel/sys/syscall.h"
#include "kernel/task/process.h"
#include "kernel/task/uaccess.h"
#include "kernel/task/usage.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/sched.h"

#define NSEC 1000000000ull

/* ---- limits ---- */

static int check_limit(const struct proc *me, const struct proc *p, u32 which,
                       const struct rlimit64 *new)
{
    if (new->rlim_cur > new->rlim_max)
        return -EINVAL;
    if (which == RLIMIT_NOFILE && new->rlim_max > FD_MAX_HARD)
        return -EPERM;
    if (new->rlim_max > p->rlim[which].rlim_max && !proc_capable(me, CAP_SYS_RESOURCE))
        return -EPERM;
    return 0;
}

static int change_limit(s32 pid, u32 which, const struct rlimit64 *new,
                        struct rlimit64 *old)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    struct proc *me = current_proc(), *p = proc_find_by_thread(pid);
    int err = !p ? -ESRCH : !proc_may_limit(p) ? -EPERM : 0;

    if (!err && new)
        err = check_limit(me, p, which, new);
    if (!err) {
        *old = p->rlim[which];
        if (new)
            p->rlim[which] = *new;
        if (new && p->mm)
            proc_limits_changed(p, p->mm);
    }
    spin_unlock_irq(&proc_lock, flags);
    return err;
}

static long do_prlimit(s32 pid, u32 which, vaddr_t new_at, vaddr_t old_at)
{
    struct rlimit64 new, old;
    int err;

    if (new_at && copy_from_user(&new, new_at, sizeof(new)) != 0)
        return -EFAULT;
    if (which >= RLIM_NLIMITS)
        return -EINVAL;
    err = change_limit(pid, which, new_at ? &new : NULL, &old);
    if (!err && old_at)
        err = copy_to_user(old_at, &old, sizeof(old));
    return err;
}

long sys_prlimit64(const struct syscall_args *a)
{
    return do_prlimit((s32)a->a0, (u32)a->a1, a->a2, a->a3);
}

long sys_getrlimit(const struct syscall_args *a)
{
    return a->a1 ? do_prlimit(0, (u32)a->a0, 0, a->a1) : -EFAULT;
}

long sys_setrlimit(const struct syscall_args *a)
{
    return a->a1 ? do_prlimit(0, (u32)a->a0, a->a1, 0) : -EFAULT;
}

/* ---- usage ---- */

static void set_times(struct rusage *ru, u64 utime, u64 stime)
{
    ru->ru_utime_sec = (s64)(utime / NSEC);
    ru->ru_utime_usec = (s64)(utime % NSEC / 1000);
    ru->ru_stime_sec = (s64)(stime / NSEC);
    ru->ru_stime_usec = (s64)(stime % NSEC / 1000);
}

static void usage_of_children(const struct proc *p, struct rusage *ru)
{
    memset(ru, 0, sizeof(*ru));
    set_times(ru, p->cutime_ns, p->cstime_ns);
    ru->ru_maxrss = (s64)p->cmaxrss_kb;
    ru->ru_minflt = (s64)p->cminflt;
    ru->ru_majflt = (s64)p->cmajflt;
}

static u64 peak_kb(const struct mm *mm)
{
    return MAX(mm->hiwater_rss, mm_rss(mm)) * (PAGE_SIZE / 1024);
}

void usage_of_proc(const struct proc *p, bool with_children, struct rusage *out)
{
    u64 utime, stime, maxrss = p->maxrss_kb;

    memset(out, 0, sizeof(*out));
    proc_times(p, &utime, &stime);
    if (p->mm)
        maxrss = MAX(maxrss, peak_kb(p->mm));
    out->ru_minflt = (s64)p->minflt;
    out->ru_majflt = (s64)p->majflt;
    out->ru_nvcsw = (s64)p->nvcsw;
    out->ru_nivcsw = (s64)p->nivcsw;
    if (with_children) {
        utime += p->cutime_ns;
        stime += p->cstime_ns;
        maxrss = MAX(maxrss, p->cmaxrss_kb);
        out->ru_minflt += (s64)p->cminflt;
        out->ru_majflt += (s64)p->cmajflt;
    }
    out->ru_maxrss = (s64)maxrss;
    set_times(out, utime, stime);
}

long sys_getrusage(const struct syscall_args *a)
{
    struct proc *p = current_proc();
    struct rusage ru;
    irqflags_t flags = spin_lock_irq(&proc_lock);
    bool known = true;

    switch ((s32)a->a0) {
    case RUSAGE_SELF:
    case RUSAGE_THREAD:
        usage_of_proc(p, false, &ru);
        break;
    case RUSAGE_CHILDREN:
        usage_of_children(p, &ru);
        break;
    default:
        known = false;
    }
    spin_unlock_irq(&proc_lock, flags);
    return known ? copy_to_user(a->a1, &ru, sizeof(ru)) : -EINVAL;
}

long sys_times(const struct syscall_args *a)
{
    const u64 tick = NSEC / USER_HZ;
    struct proc *p = current_proc();
    u64 utime, stime;
    irqflags_t flags = spin_lock_irq(&proc_lock);

    proc_times(p, &utime, &stime);
    spin_unlock_irq(&proc_lock, flags);
    u64 out[4] = {utime / tick, stime / tick, p->cutime_ns / tick, p->cstime_ns / tick};

    if (a->a0 && copy_to_user(a->a0, out, sizeof(out)) != 0)
        return -EFAULT;
    return (long)(clock_monotonic_ns() / tick);
}

/* ---- priorities: the weights of the run queue, kernel/task/runq.h ---- */

#define PRIO_PROCESS 0
#define PRIO_PGRP    1
#define PRIO_USER    2

static bool priority_matches(const struct proc *p, s32 which, s32 who)
{
    const struct proc *me = current_proc();

    switch (which) {
    case PRIO_PROCESS:
        return p == proc_find_by_thread(who);
    case PRIO_PGRP:
        return p->pgid == (who ? who : me->pgid);
    default:
        return p->uid == (who ? (u32)who : me->uid);
    }
}

long sys_getpriority(const struct syscall_args *a)
{
    s32 which = (s32)a->a0, best = -ESRCH;
    irqflags_t flags;
    struct list *pos;

    if (which < PRIO_PROCESS || which > PRIO_USER)
        return -EINVAL;
    flags = spin_lock_irq(&proc_lock);
    list_for_each (pos, &all_procs) {
        const struct proc *p = list_entry(pos, struct proc, all);

        if (priority_matches(p, which, (s32)a->a1))
            best = MAX(best, 20 - p->nice);
    }
    spin_unlock_irq(&proc_lock, flags);
    return best;
}

/* RLIMIT_NICE of n lets a process without rights come down to 20 - n. */
static bool may_raise(const struct proc *me, const struct proc *p, s32 nice)
{
    return proc_capable(me, CAP_SYS_NICE) ||
           (u64)(20 - nice) <= proc_rlimit(p, RLIMIT_NICE);
}

long sys_setpriority(const struct syscall_args *a)
{
    const struct proc *me = current_proc();
    s32 which = (s32)a->a0, nice = (s32)a->a2;
    irqflags_t flags;
    struct list *pos;
    int err = -ESRCH;

    if (which < PRIO_PROCESS || which > PRIO_USER)
        return -EINVAL;
    nice = nice < -20 ? -20 : nice > 19 ? 19 : nice;
    flags = spin_lock_irq(&proc_lock);
    list_for_each (pos, &all_procs) {
        struct proc *p = list_entry(pos, struct proc, all);

        if (!priority_matches(p, which, (s32)a->a1))
            continue;
        if (!proc_may_schedule(p)) {
            err = -EPERM;
        } else if (nice < p->nice && !may_raise(me, p, nice)) {
            err = -EACCES;
        } else {
            p->nice = nice;
            err = err == -ESRCH ? 0 : err;
        }
    }
    spin_unlock_irq(&proc_lock, flags);
    return err;
}

/* ---- scheduling ---- */

long sys_sched_yield(const struct syscall_args *a)
{
    (void)a;
    sched_yield_now();
    return 0;
}

/* The calls take numbers of threads. */
static bool proc_exists(s32 pid)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    bool found = proc_find_by_thread(pid) != NULL;

    spin_unlock_irq(&proc_lock, flags);
    return found;
}

/* 0, -ESRCH, -EPERM. */
static int check_schedule(s32 pid)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    const struct proc *p = proc_find_by_thread(pid);
    int err = !p ? -ESRCH : proc_may_schedule(p) ? 0 : -EPERM;

    spin_unlock_irq(&proc_lock, flags);
    return err;
}

long sys_sched_getaffinity(const struct syscall_args *a)
{
    u64 mask = (1ull << cpu_count) - 1;

    if ((u32)a->a1 < sizeof(mask) || a->a1 & (sizeof(mask) - 1))
        return -EINVAL;
    if (!proc_exists((s32)a->a0))
        return -ESRCH;
    return copy_to_user(a->a2, &mask, sizeof(mask)) ? -EFAULT : (long)sizeof(mask);
}

/* Any set with an existing CPU will do as long as there is one. */
long sys_sched_setaffinity(const struct syscall_args *a)
{
    u64 mask = 0, all = (1ull << cpu_count) - 1;
    int err;

    if (copy_from_user(&mask, a->a2, MIN((u32)a->a1, sizeof(mask))) != 0)
        return -EFAULT;
    err = check_schedule((s32)a->a0);
    if (err)
        return err;
    if (!(mask & all))
        return -EINVAL;
    return (mask & all) == all ? 0 : -EINVAL;
}

long sys_sched_getscheduler(const struct syscall_args *a)
{
    if ((s32)a->a0 < 0)
        return -EINVAL;
    return proc_exists((s32)a->a0) ? SCHED_OTHER : -ESRCH;
}

long sys_sched_getparam(const struct syscall_args *a)
{
    u32 priority = 0;

    if ((s32)a->a0 < 0 || !a->a1)
        return -EINVAL;
    if (!proc_exists((s32)a->a0))
        return -ESRCH;
    return copy_to_user(a->a1, &priority, sizeof(priority));
}

/* There is one policy. */
static long set_policy(s32 pid, s32 policy, vaddr_t param)
{
    u32 priority;

    if (policy < 0 || pid < 0 || !param)
        return -EINVAL;
    if (copy_from_user(&priority, param, sizeof(priority)) != 0)
        return -EFAULT;
    if (!proc_exists(pid))
        return -ESRCH;
    if (policy != SCHED_OTHER || priority != 0)
        return -EINVAL;
    return check_schedule(pid);
}

long sys_sched_setscheduler(const struct syscall_args *a)
{
    return set_policy((s32)a->a0, (s32)a->a1, a->a2);
}

long sys_sched_setparam(const struct syscall_args *a)
{
    return set_policy((s32)a->a0, SCHED_OTHER, a->a1);
}

static long priority_range(s32 policy, long of_realtime)
{
    switch (policy) {
    case SCHED_OTHER:
    case SCHED_BATCH:
    case SCHED_IDLE:
        return 0;
    case SCHED_FIFO:
    case SCHED_RR:
        return of_realtime;
    default:
        return -EINVAL;
    }
}

long sys_sched_get_priority_max(const struct syscall_args *a)
{
    return priority_range((s32)a->a0, 99);
}

long sys_sched_get_priority_min(const struct syscall_args *a)
{
    return priority_range((s32)a->a0, 1);
}
