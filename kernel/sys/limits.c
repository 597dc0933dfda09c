/* SPDX-License-Identifier: MIT
 *
 * Resource limits and usage, priorities: the nice values, and those of input and output.
 */
#include "kernel/task/limits.h"
#include "arch/time.h"
#include "fs/fdtable.h"
#include "kernel/pause.h"
#include "kernel/syscall.h"
#include "kernel/task/proc.h"
#include "kernel/task/proc_access.h"
#include "kernel/task/sched/policy.h"
#include "kernel/task/threads.h"
#include "kernel/task/uaccess.h"
#include "kernel/task/usage.h"
#include "kernel/task/walk.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/sched.h"

#define NSEC 1000000000ull

/* ---- limits ---- */

static int check_limit(const struct proc *p, u32 which, const struct rlimit64 *new)
{
    if (new->rlim_cur > new->rlim_max)
        return -EINVAL;
    if (which == RLIMIT_NOFILE && new->rlim_max > READ_ONCE(fd_max))
        return -EPERM;
    if (new->rlim_max > p->rlim[which].rlim_max && !capable(CAP_SYS_RESOURCE))
        return -EPERM;
    return 0;
}

static int change_limit(s32 pid, u32 which, const struct rlimit64 *new,
                        struct rlimit64 *old)
{
    irqflags_t flags = spin_lock_irq(&proc_lock);
    struct proc *p = proc_find_by_thread(pid);
    int err = !p                                                                 ? -ESRCH
              : !proc_may_limit(p, pid ? thread_find(0, pid) : current_thread()) ? -EPERM
                                                                                 : 0;

    if (!err && new)
        err = check_limit(p, which, new);
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
    u32 which = (u32)a->a0;

    return a->a1 || which >= RLIM_NLIMITS ? do_prlimit(0, which, 0, a->a1) : -EFAULT;
}

long sys_setrlimit(const struct syscall_args *a)
{
    return a->a1 ? do_prlimit(0, (u32)a->a0, a->a1, 0) : -EFAULT;
}

/* ---- usage ---- */

long sys_getrusage(const struct syscall_args *a)
{
    struct proc *p = current_proc();
    struct rusage ru;
    irqflags_t flags = spin_lock_irq(&p->sig.lock);
    bool known = true;

    switch ((s32)a->a0) {
    case RUSAGE_SELF:
        usage_of_proc(p, false, &ru);
        break;
    case RUSAGE_THREAD:
        usage_of_thread(current_thread(), &ru);
        break;
    case RUSAGE_CHILDREN:
        usage_of_children(p, &ru);
        break;
    default:
        known = false;
    }
    spin_unlock_irq(&p->sig.lock, flags);
    return known ? copy_to_user(a->a1, &ru, sizeof(ru)) : -EINVAL;
}

long sys_times(const struct syscall_args *a)
{
    const u64 tick = NSEC / USER_HZ;
    struct proc *p = current_proc();
    irqflags_t flags = spin_lock_irq(&p->sig.lock);
    u64 out[4] = {READ_ONCE(p->utime_ns) / tick, READ_ONCE(p->stime_ns) / tick,
                  p->cutime_ns / tick, p->cstime_ns / tick};

    spin_unlock_irq(&p->sig.lock, flags);

    if (a->a0 && copy_to_user(a->a0, out, sizeof(out)) != 0)
        return -EFAULT;
    return (long)(clock_monotonic_ns() / tick);
}

/* ---- priorities: the weights of the run queue, kernel/task/sched/runq.h ---- */

#define PRIO_PROCESS 0
#define PRIO_PGRP    1
#define PRIO_USER    2

/* The threads that a group's or a user's number `who` names (0: the caller's), one after the other. */
struct chosen {
    struct procs w;
    u32 uid;
    bool by_uid;
    struct proc *p;    /* whose threads are looked at; NULL: the next one's */
    u64 birth, serial; /* of the last process, and of the last of its threads */
};

/* Takes proc_lock. */
static struct chosen chosen_begin(s32 which, s32 who)
{
    struct chosen c = {.by_uid = which == PRIO_USER,
                       .uid = who ? (u32)who : own_cred()->uid};

    c.w = c.by_uid ? procs_begin_all()
                   : procs_begin(who ? who : READ_ONCE(current_proc()->pgid));
    return c;
}

/* NULL: the end. Others may run before it answers. */
static struct thread *chosen_next(struct chosen *c)
{
    struct thread *t;

    for (;;) {
        if (c->p && breath_due()) {
            c->w.birth = c->birth - 1; /* the same once more, if it is still there */
        } else if (c->p && (t = thread_after(c->p, c->serial)) != NULL) {
            c->serial = t->serial;
            if (!c->by_uid || t->cred->uid == c->uid)
                return t;
            continue;
        }
        c->p = procs_next(&c->w);
        if (!c->p)
            return NULL;
        if (c->p->birth != c->birth)
            c->serial = 0;
        c->birth = c->p->birth;
    }
}

/* PRIO_PROCESS: who is named by the number of a thread; t NULL: of a first one that has ended. */
static struct proc *named(s32 who, struct thread **t)
{
    REQUIRES(&proc_lock);
    *t = who ? thread_find(0, who) : current_thread();
    return *t ? (*t)->proc : proc_find_by_thread(who);
}

static s32 nice_of(const struct proc *p, const struct thread *t)
{
    return t ? t->nice : p->nice;
}

long sys_getpriority(const struct syscall_args *a)
{
    s32 which = (s32)a->a0, best = -ESRCH;
    const struct proc *p;
    struct chosen c;
    struct thread *t;

    if (which < PRIO_PROCESS || which > PRIO_USER)
        return -EINVAL;
    if (which == PRIO_PROCESS) {
        SCOPED_LOCK_IRQ(&proc_lock);
        p = named((s32)a->a1, &t);
        return p ? 20 - nice_of(p, t) : -ESRCH;
    }
    c = chosen_begin(which, (s32)a->a1);
    while ((t = chosen_next(&c)))
        best = MAX(best, 20 - t->nice);
    procs_end(&c.w);
    return best;
}

/* RLIMIT_NICE of n lets a process without rights come down to 20 - n. 0, -EPERM, -EACCES. */
static int set_nice(struct proc *p, struct thread *t, s32 nice)
{
    REQUIRES(&proc_lock);
    if (!proc_may_schedule(p, t))
        return -EPERM;
    if (nice < nice_of(p, t) && !capable(CAP_SYS_NICE) &&
        (u64)(20 - nice) > proc_rlimit(p, RLIMIT_NICE))
        return -EACCES;
    if (t)
        sched_set_nice(t, nice);
    else
        p->nice = nice;
    return 0;
}

long sys_setpriority(const struct syscall_args *a)
{
    s32 which = (s32)a->a0, nice = (s32)a->a2;
    struct proc *p;
    struct chosen c;
    struct thread *t;
    int err = -ESRCH, one;

    if (which < PRIO_PROCESS || which > PRIO_USER)
        return -EINVAL;
    nice = nice < -20 ? -20 : nice > 19 ? 19 : nice;
    if (which == PRIO_PROCESS) {
        SCOPED_LOCK_IRQ(&proc_lock);
        p = named((s32)a->a1, &t);
        return p ? set_nice(p, t, nice) : -ESRCH;
    }
    c = chosen_begin(which, (s32)a->a1);
    while ((t = chosen_next(&c))) {
        one = set_nice(t->proc, t, nice);
        if (one || err == -ESRCH)
            err = one;
    }
    procs_end(&c.w);
    return err;
}

/* ---- ioprio: remembered for each thread; there is no disk whose queue it could order ---- */

#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_WHO_USER    3
#define IOPRIO_CLASS_SHIFT 13
#define IOPRIO_LEVELS      8u

enum ioprio_class { IOPRIO_NONE, IOPRIO_RT, IOPRIO_BE, IOPRIO_IDLE };

/* What a thread that was given none has, as on Linux by its policy and nice value. */
static u32 ioprio_in_effect(const struct thread *t)
{
    u32 class = t->ioprio >> IOPRIO_CLASS_SHIFT;

    if (class != IOPRIO_NONE)
        return t->ioprio;
    class = t->realtime ? IOPRIO_RT : t->policy == SCHED_IDLE ? IOPRIO_IDLE : IOPRIO_BE;
    return class << IOPRIO_CLASS_SHIFT | (u32)(t->nice + 20) / 5;
}

/* 0, -EINVAL, -EPERM. Hints of Linux 6.5 beside the level are not known. */
static int check_ioprio(u32 value)
{
    u32 level = value & ((1u << IOPRIO_CLASS_SHIFT) - 1);

    switch (value >> IOPRIO_CLASS_SHIFT & 7) {
    case IOPRIO_RT:
        if (!capable(CAP_SYS_ADMIN) && !capable(CAP_SYS_NICE))
            return -EPERM;
        return level < IOPRIO_LEVELS ? 0 : -EINVAL;
    case IOPRIO_BE:
        return level < IOPRIO_LEVELS ? 0 : -EINVAL;
    case IOPRIO_IDLE:
        return 0;
    case IOPRIO_NONE:
        return level ? -EINVAL : 0;
    default:
        return -EINVAL;
    }
}

/* Sets that of t: 0, -EPERM; or adds it to *best (set < 0). */
static int one_ioprio(struct thread *t, s32 set, u32 *best)
{
    if (set >= 0) {
        if (t->cred->uid != own_cred()->euid && t->cred->uid != own_cred()->uid &&
            !capable(CAP_SYS_NICE))
            return -EPERM;
        t->ioprio = (u16)set;
        return 0;
    }
    *best = MIN(*best, ioprio_in_effect(t));
    return 0;
}

/* Every thread that `which` and `who` name. 0, -ESRCH, -EPERM. */
static int all_ioprios(s32 which, s32 who, s32 set, u32 *best)
{
    struct chosen c = chosen_begin(which - IOPRIO_WHO_PROCESS, who);
    struct thread *t;
    int err = -ESRCH;

    while ((err == -ESRCH || !err) && (t = chosen_next(&c)))
        err = one_ioprio(t, set, best);
    procs_end(&c.w);
    return err;
}

static int ioprio(s32 which, s32 who, s32 set, u32 *best)
{
    irqflags_t flags;
    struct thread *t;
    int err;

    if (which < IOPRIO_WHO_PROCESS || which > IOPRIO_WHO_USER)
        return -EINVAL;
    if (which != IOPRIO_WHO_PROCESS)
        return all_ioprios(which, who, set, best);
    flags = spin_lock_irq(&proc_lock);
    t = who ? thread_find(0, who) : current_thread();
    err = t ? one_ioprio(t, set, best) : -ESRCH;
    if (!err && set < 0)
        *best = t->ioprio; /* of one thread: what was given */
    spin_unlock_irq(&proc_lock, flags);
    return err;
}

long sys_ioprio_get(const struct syscall_args *a)
{
    u32 best = ~0u;
    int err = ioprio((s32)a->a0, (s32)a->a1, -1, &best);

    return err ? err : (long)best;
}

long sys_ioprio_set(const struct syscall_args *a)
{
    int err = check_ioprio((u32)a->a2);

    return err ? err : ioprio((s32)a->a0, (s32)a->a1, (u16)a->a2, NULL);
}
