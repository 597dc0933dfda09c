/* SPDX-License-Identifier: MIT
 *
 * Limits and timers of processor time.
 */
#pragma once

#include "lib/types.h"

struct cpu_itimer;
struct proc;
struct thread;

/* t has used that much more of a processor: limits, timers of such time. From the tick. */
void cpu_limit_tick(struct thread *t, u64 ns, bool in_user);
/* ITIMER_VIRTUAL or ITIMER_PROF of p becomes *new (NULL: it stays); *old: what it was. */
void cpu_itimer_set(struct proc *p, int which, const struct cpu_itimer *new,
                    struct cpu_itimer *old);
