/* SPDX-License-Identifier: MIT
 *
 * What the tick does for the process that runs: RLIMIT_CPU, RLIMIT_RTTIME, and the interval
 * timers of used processor time.
 */
#include "kernel/task/cpulimit.h"
#include "kernel/task/proc.h"
#include "kernel/task/signal.h"
#include "lib/uapi/time.h"

#define NSEC 1000000000ull
#define USEC 1000000ull

/* As on Linux the soft limit moves on by a second each time it is told of. */
static void check_cpu(struct proc *p)
{
    struct rlimit64 *limit = &p->rlim[RLIMIT_CPU];
    u64 seconds = p->cpu_ns / NSEC;

    if (seconds >= MAX(limit->rlim_max, 1ull)) {
        signal_send_proc(p, SIGKILL);
    } else if (seconds >= MAX(limit->rlim_cur, 1ull)) {
        limit->rlim_cur = seconds + 1;
        signal_send_proc(p, SIGXCPU);
    }
}

/* Microseconds for which a real-time thread may run without sleeping. */
static void check_realtime(struct thread *t, u64 tick_ns)
{
    struct rlimit64 *limit = &t->proc->rlim[RLIMIT_RTTIME];
    u64 us = t->rt_ticks * (tick_ns / (NSEC / USEC));

    if (us > limit->rlim_max) {
        signal_send_proc(t->proc, SIGKILL);
    } else if (us > limit->rlim_cur) {
        limit->rlim_cur += USEC;
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

    p->cpu_ns += ns;
    if (unlikely(READ_ONCE(p->rlim[RLIMIT_CPU].rlim_cur) != RLIM_INFINITY))
        check_cpu(p);
    if (unlikely(t->realtime &&
                 READ_ONCE(p->rlim[RLIMIT_RTTIME].rlim_cur) != RLIM_INFINITY))
        check_realtime(t, ns);
    if (unlikely(READ_ONCE(p->cpu_itimers[0].left)) && in_user)
        run_timer(p, &p->cpu_itimers[0], ns, SIGVTALRM);
    if (unlikely(READ_ONCE(p->cpu_itimers[1].left)))
        run_timer(p, &p->cpu_itimers[1], ns, SIGPROF);
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
