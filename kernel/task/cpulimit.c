/* SPDX-License-Identifier: MIT
 *
 * RLIMIT_CPU: seconds of processor time a process may use.
 */
#include "kernel/task/process.h"

#define NSEC 1000000000ull

/* As on Linux the soft limit moves on by a second each time it is told of. */
void cpu_limit_tick(struct proc *p, u64 ns)
{
    struct rlimit64 *limit = &p->rlim[RLIMIT_CPU];
    u64 seconds;

    p->cpu_ns += ns;
    if (likely(READ_ONCE(limit->rlim_cur) == RLIM_INFINITY))
        return;
    seconds = p->cpu_ns / NSEC;
    if (seconds >= MAX(limit->rlim_max, 1ull)) {
        signal_send_proc(p, SIGKILL, NULL);
    } else if (seconds >= MAX(limit->rlim_cur, 1ull)) {
        limit->rlim_cur = seconds + 1;
        signal_send_proc(p, SIGXCPU, NULL);
    }
}
