/* SPDX-License-Identifier: MIT
 *
 * Scheduling policies and affinity, sched(7). What they mean is in kernel/task/sched/runq.h.
 */
#include "kernel/task/sched/sched.h"
#include "arch/time.h"
#include "kernel/sys/time.h"
#include "kernel/syscall.h"
#include "kernel/task/limits.h"
#include "kernel/task/proc.h"
#include "kernel/task/proc_access.h"
#include "kernel/task/sched/policy.h"
#include "kernel/task/sched/timespec.h"
#include "kernel/task/threads.h"
#include "kernel/task/uaccess.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/resource.h"
#include "lib/uapi/sched.h"

#define RR_TURN_NS   (100 * 1000000ull)
#define PRIORITY_MAX 99u
#define SAME_POLICY  (-1) /* sched_setparam: what it is */

long sys_sched_yield(const struct syscall_args *a)
{
    (void)a;
    deadline_yield();
    sched_yield_now();
    return 0;
}

/* The calls take numbers of threads, 0: the running one. */
static struct thread *find(s32 tid)
{
    REQUIRES(&proc_lock);
    return tid ? thread_find(0, tid) : current_thread();
}

static bool exists(s32 tid)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    bool found = find(tid) != NULL;

    spin_unlock_irq(&proc_lock, flags);
    return found;
}

/* ---- affinity ---- */

long sys_sched_getaffinity(const struct syscall_args *a)
{
    irqflags_t flags;
    const struct thread *t;
    u64 mask = 0;

    if ((u32)a->a1 < sizeof(mask) || a->a1 & (sizeof(mask) - 1))
        return -EINVAL;
    flags = spin_lock_irq(&proc_lock);
    t = find((s32)a->a0);
    if (t)
        mask = READ_ONCE(t->allowed) & cpus_running();
    spin_unlock_irq(&proc_lock, flags);
    if (!t)
        return -ESRCH;
    return copy_to_user(a->a2, &mask, sizeof(mask)) ? -EFAULT : (long)sizeof(mask);
}

/* Who has a deadline goes to any CPU: on fewer it could not be promised. */
static int may_use(const struct thread *t, u64 mask)
{
    u64 all = cpus_running();

    if (!proc_may_schedule(t->proc, t))
        return -EPERM;
    if (!(mask & all))
        return -EINVAL;
    return t->policy == SCHED_DEADLINE && (mask & all) != all ? -EBUSY : 0;
}

/* Any set with an existing CPU will do. Returns when the thread uses no other any more. */
long sys_sched_setaffinity(const struct syscall_args *a)
{
    u64 mask = 0;
    size_t size = MIN((u32)a->a1, sizeof(mask));
    bool set = false, placed = false;

    if (size && copy_from_user(&mask, a->a2, size) != 0)
        return -EFAULT;
    while (!placed) {
        irqflags_t flags = spin_lock_irq(&proc_lock);
        struct thread *t = find((s32)a->a0);
        int err = !t || t->state == THREAD_ZOMBIE ? -ESRCH : 0;

        if (!err && !set)
            err = may_use(t, mask);
        if (!err)
            placed = set ? sched_is_placed(t) : sched_set_allowed(t, mask);
        spin_unlock_irq(&proc_lock, flags);
        if (err)
            return set ? 0 : err; /* it was set, and the thread has ended since */
        set = true;
        if (!placed)
            sched_yield_now();
    }
    return 0;
}

/* ---- policies ---- */

/* struct sched_attr: nice counts where `whole`, else it stays; the reset flag stays with the policy. */
struct wish {
    s32 policy; /* or SAME_POLICY */
    u32 priority;
    s32 nice;
    bool reset_on_fork, whole, keep_params, util;
    struct deadline dl;
};

/* Of those with a priority. */
static bool is_realtime(s32 policy)
{
    return policy == SCHED_FIFO || policy == SCHED_RR;
}

/* Whose share the nice value is. */
static bool is_fair(s32 policy)
{
    return policy == SCHED_OTHER || policy == SCHED_BATCH;
}

static bool is_valid(s32 policy)
{
    return policy >= SCHED_OTHER && policy <= SCHED_DEADLINE && policy != 4;
}

static u8 told_priority(const struct thread *t)
{
    return t->policy == SCHED_DEADLINE ? 0 : t->priority;
}

/* Whether the running process may make that of t without CAP_SYS_NICE. */
static bool may_without(const struct thread *t, const struct wish *w, s32 policy)
{
    const struct proc *p = t->proc;
    u64 limit = proc_rlimit(p, RLIMIT_RTPRIO), nice_limit = proc_rlimit(p, RLIMIT_NICE);

    if (policy == SCHED_DEADLINE)
        return false;
    if (is_realtime(policy)) {
        if (policy != t->policy && !limit)
            return false;
        if (w->priority > told_priority(t) && w->priority > limit)
            return false;
    } else if (w->whole && is_fair(policy) && w->nice < t->nice &&
               (u64)(20 - w->nice) > nice_limit) {
        return false;
    }
    if (t->policy == SCHED_IDLE && policy != SCHED_IDLE &&
        (u64)(20 - t->nice) > nice_limit)
        return false;
    return !t->reset_on_fork || w->reset_on_fork;
}

/* 0, -EINVAL, -EPERM, -EBUSY. */
static int set_thread(struct thread *t, struct wish w)
{
    REQUIRES(&proc_lock);
    s32 policy = w.policy == SAME_POLICY ? t->policy : w.policy;
    bool dl = policy == SCHED_DEADLINE;

    if (w.policy == SAME_POLICY)
        w.reset_on_fork = t->reset_on_fork;
    if (w.keep_params && t->policy == SCHED_DEADLINE)
        w.dl = t->dl;
    else if (w.keep_params && t->realtime)
        w.priority = t->priority;
    else if (w.keep_params)
        w.nice = t->nice;
    if (!is_valid(policy) || w.priority > PRIORITY_MAX ||
        is_realtime(policy) != (w.priority != 0) || (dl && deadline_check(&w.dl) != 0))
        return -EINVAL;
    if (!proc_may_schedule(t->proc, t))
        return -EPERM;
    if (!capable(CAP_SYS_NICE) && !may_without(t, &w, policy))
        return -EPERM;
    if (w.util) /* clocks of processors are not ours to choose */
        return -EOPNOTSUPP;
    if (dl && (t->allowed & cpus_running()) != cpus_running())
        return -EPERM;
    if (dl && !w.keep_params && !deadline_admit(t, &w.dl))
        return -EBUSY;
    t->reset_on_fork = w.reset_on_fork;
    if (w.keep_params) /* as Linux: all was looked at, and all stays */
        return 0;
    if (w.whole && is_fair(policy))
        sched_set_nice(t, w.nice);
    if (!dl && t->policy == SCHED_DEADLINE)
        deadline_forget(t);
    sched_set_policy(t, (u8)policy, dl ? DEADLINE_PRIORITY : (u8)w.priority,
                     dl ? &w.dl : NULL);
    return 0;
}

static int set_policy(s32 tid, const struct wish *w)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    struct thread *t = find(tid);
    int err = t ? set_thread(t, *w) : -ESRCH;

    spin_unlock_irq(&proc_lock, flags);
    return err;
}

static int set_param(s32 tid, s32 policy, vaddr_t param)
{
    struct wish w = {.policy = policy};

    if (tid < 0 || !param)
        return -EINVAL;
    if (copy_from_user(&w.priority, param, sizeof(w.priority)) != 0)
        return -EFAULT;
    if (policy != SAME_POLICY && policy & SCHED_RESET_ON_FORK) {
        w.policy &= ~SCHED_RESET_ON_FORK;
        w.reset_on_fork = true;
    }
    return set_policy(tid, &w);
}

long sys_sched_setscheduler(const struct syscall_args *a)
{
    return (s32)a->a1 < 0 ? -EINVAL : set_param((s32)a->a0, (s32)a->a1, a->a2);
}

long sys_sched_setparam(const struct syscall_args *a)
{
    return set_param((s32)a->a0, SAME_POLICY, a->a1);
}

/* What the calls that ask tell of one thread. */
struct have {
    u32 policy, priority;
    s32 nice;
    bool reset_on_fork;
    struct deadline dl;
};

static int get_policy(s32 tid, struct have *out)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    const struct thread *t = find(tid);

    if (t)
        *out =
            (struct have){t->policy, told_priority(t), t->nice, t->reset_on_fork, t->dl};
    spin_unlock_irq(&proc_lock, flags);
    return t ? 0 : -ESRCH;
}

long sys_sched_getscheduler(const struct syscall_args *a)
{
    struct have h;

    if ((s32)a->a0 < 0)
        return -EINVAL;
    if (get_policy((s32)a->a0, &h) != 0)
        return -ESRCH;
    return (long)(h.policy | (h.reset_on_fork ? SCHED_RESET_ON_FORK : 0));
}

long sys_sched_getparam(const struct syscall_args *a)
{
    struct have h;

    if ((s32)a->a0 < 0 || !a->a1)
        return -EINVAL;
    if (get_policy((s32)a->a0, &h) != 0)
        return -ESRCH;
    return copy_to_user(a->a1, &h.priority, sizeof(h.priority));
}

static long priority_range(s32 policy, long of_realtime)
{
    if (!is_valid(policy))
        return -EINVAL;
    return is_realtime(policy) ? of_realtime : 0;
}

long sys_sched_get_priority_max(const struct syscall_args *a)
{
    return priority_range((s32)a->a0, PRIORITY_MAX);
}

long sys_sched_get_priority_min(const struct syscall_args *a)
{
    return priority_range((s32)a->a0, 1);
}

long sys_sched_rr_get_interval(const struct syscall_args *a)
{
    struct have h;

    if ((s32)a->a0 < 0)
        return -EINVAL;
    if (get_policy((s32)a->a0, &h) != 0)
        return -ESRCH;
    return timespec_to_user(a->a1, h.policy == SCHED_RR ? RR_TURN_NS
                                   : h.policy == SCHED_FIFO || h.policy == SCHED_DEADLINE
                                       ? 0
                                       : TICK_NS);
}

/* ---- sched_setattr, sched_getattr ---- */

struct sched_attr {
    u32 size, policy;
    u64 flags;
    s32 nice;
    u32 priority;
    u64 runtime, deadline, period;
    u32 util_min, util_max;
};

#define ATTR_SIZE_FIRST  48u
#define ATTR_RESET       0x01u
#define ATTR_KEEP_POLICY 0x08u
#define ATTR_KEEP_PARAMS 0x10u
#define ATTR_UTIL        0x60u
#define ATTR_FLAGS       0x7fu

/* Larger ones than ours must be zero behind it: -E2BIG, and ours is told. */
static int read_attr(vaddr_t at, struct sched_attr *attr)
{
    u32 size;
    u8 more = 0;

    memset(attr, 0, sizeof(*attr));
    if (copy_from_user(&size, at, sizeof(size)) != 0)
        return -EFAULT;
    if (!size)
        size = ATTR_SIZE_FIRST;
    for (u32 i = sizeof(*attr); i < MIN(size, (u32)PAGE_SIZE) && !more; i++)
        if (copy_from_user(&more, at + i, 1) != 0)
            return -EFAULT;
    if (size < ATTR_SIZE_FIRST || size > PAGE_SIZE || more) {
        size = sizeof(*attr);
        return copy_to_user(at, &size, sizeof(size)) ? -EFAULT : -E2BIG;
    }
    if (copy_from_user(attr, at, MIN(size, (u32)sizeof(*attr))) != 0)
        return -EFAULT;
    if (attr->flags & ATTR_UTIL && size < sizeof(*attr))
        return -EINVAL;
    return 0;
}

long sys_sched_setattr(const struct syscall_args *a)
{
    struct sched_attr attr;
    struct wish w = {.whole = true};
    int err;

    if (!a->a1 || (s32)a->a0 < 0 || (u32)a->a2)
        return -EINVAL;
    err = read_attr(a->a1, &attr);
    if (err)
        return err;
    if ((s32)attr.policy < 0)
        return -EINVAL;
    w.policy = attr.flags & ATTR_KEEP_POLICY ? SAME_POLICY : (s32)attr.policy;
    w.priority = attr.priority;
    w.nice = attr.nice < -20 ? -20 : attr.nice > 19 ? 19 : attr.nice;
    w.reset_on_fork = attr.flags & ATTR_RESET;
    w.util = attr.flags & ATTR_UTIL;
    w.keep_params = attr.flags & ATTR_KEEP_PARAMS;
    w.dl = (struct deadline){.runtime = attr.runtime,
                             .deadline = attr.deadline,
                             .period = attr.period,
                             .flags = attr.flags & (DEADLINE_RECLAIM | DEADLINE_OVERRUN)};
    if (!exists((s32)a->a0))
        return -ESRCH;
    if (attr.flags & ~(u64)ATTR_FLAGS)
        return -EINVAL;
    return set_policy((s32)a->a0, &w);
}

long sys_sched_getattr(const struct syscall_args *a)
{
    struct sched_attr attr = {.size = MIN((u32)a->a2, (u32)sizeof(attr))};
    struct have h;

    if (!a->a1 || (s32)a->a0 < 0 || (u32)a->a2 > PAGE_SIZE ||
        (u32)a->a2 < ATTR_SIZE_FIRST || (u32)a->a3)
        return -EINVAL;
    if (get_policy((s32)a->a0, &h) != 0)
        return -ESRCH;
    attr.policy = h.policy;
    attr.flags = h.reset_on_fork ? ATTR_RESET : 0;
    attr.priority = h.priority;
    if (h.policy == SCHED_DEADLINE) {
        attr.flags |= h.dl.flags;
        attr.runtime = h.dl.runtime;
        attr.deadline = h.dl.deadline;
        attr.period = h.dl.period;
    } else if (!is_realtime((s32)h.policy)) {
        attr.nice = h.nice;
    }
    return copy_to_user(a->a1, &attr, attr.size);
}
