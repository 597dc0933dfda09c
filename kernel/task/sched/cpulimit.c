/* SPDX-License-Identifier: MIT
 *
 * What the tick does for the process that runs: RLIMIT_CPU, RLIMIT_RTTIME, and the interval
 * timers of used processor time.
 */
#include "kernel/task/sched/cpulimit.h"
#include "kernel/event/pidfd.h"
#include "kernel/event/posix_timer.h"
#include "kernel/task/proc.h"
#include "kernel/task/signal.h"
#include "kernel/task/usage.h"
#include "lib/uapi/time.h"

#define NSEC 1000000000ull
#define USEC 1000000ull

/* The soft limit becomes `to`, unless somebody sets another one at this moment, which stays. */
static void move_on(struct rlimit64 *limit, u64 to)
{
    u64 old = READ_ONCE(limit->rlim_cur);

    __atomic_compare_exchange_n(&limit->rlim_cur, &old, to, false, __ATOMIC_RELAXED,
                                __ATOMIC_RELAXED);
}

/* As on Linux the soft limit moves on by a second each time it is told of. */
static void check_cpu(struct proc *p, u64 used)
{
    struct rlimit64 *limit = &p->rlim[RLIMIT_CPU];
    u64 seconds = used / NSEC;

    if (seconds >= MAX(READ_ONCE(limit->rlim_max), 1ull)) {
        signal_send_proc(p, SIGKILL);
    } else if (seconds >= MAX(READ_ONCE(limit->rlim_cur), 1ull)) {
        move_on(limit, seconds + 1);
        signal_send_proc(p, SIGXCPU);
    }
}

/* Microseconds for which a real-time thread may run without sleeping. */
static void check_realtime(struct thread *t, u64 tick_ns)
{
    struct rlimit64 *limit = &t->proc->rlim[RLIMIT_RTTIME];
    u64 us = t->rt_ticks * (tick_ns / (NSEC / USEC));

    if (us > READ_ONCE(limit->rlim_max)) {
        signal_send_proc(t->proc, SIGKILL);
    } else if (us > READ_ONCE(limit->rlim_cur)) {
        move_on(limit, limit->rlim_cur + USEC);
        signal_send_proc(t->proc, SIGXCPU);
    }
}

static void run_timer(struct proc *p, struct cpu_itimer *timer, u64 ns, int signo)
{
    bool due = false;

    spin_lock(&p->sig.lock);
    if (timer->left) {
        due = timer->left <= ns;
        timer->left = due ? timer->interval : timer->left - ns;
    }
    spin_unlock(&p->sig.lock);
    if (due)
        signal_send_proc(p, signo);
}

void cpu_limit_tick(struct thread *t, u64 ns, bool in_user)
{
    struct proc *p = t->proc;
    u64 used;

    __atomic_fetch_add(in_user ? &p->utime_ns : &p->stime_ns, ns, __ATOMIC_RELAXED);
    used = proc_cpu_ns(p);
    if (unlikely(READ_ONCE(p->pidref)))
        pidref_tick(p->pidref, p);
    if (unlikely(READ_ONCE(p->rlim[RLIMIT_CPU].rlim_cur) != RLIM_INFINITY))
        check_cpu(p, used);
    if (unlikely(t->realtime &&
                 READ_ONCE(p->rlim[RLIMIT_RTTIME].rlim_cur) != RLIM_INFINITY))
        check_realtime(t, ns);
    if (unlikely(READ_ONCE(p->cpu_itimers[0].left)) && in_user)
        run_timer(p, &p->cpu_itimers[0], ns, SIGVTALRM);
    if (unlikely(READ_ONCE(p->cpu_itimers[1].left)))
        run_timer(p, &p->cpu_itimers[1], ns, SIGPROF);
    if (unlikely(READ_ONCE(p->timers)))
        posix_timers_tick(p, t);
}

void cpu_itimer_set(struct proc *p, int which, const struct cpu_itimer *new,
                    struct cpu_itimer *old)
{
    irqflags_t flags = spin_lock_irq(&p->sig.lock);
    struct cpu_itimer *timer = &p->cpu_itimers[which - ITIMER_VIRTUAL];

    *old = *timer;
    if (new)
        *timer = *new;
    spin_unlock_irq(&p->sig.lock, flags);
}
