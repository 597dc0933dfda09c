/* SPDX-License-Identifier: MIT
 *
 * Pauses of loops with interrupts off; all others are in lib/pause.h.
 *
 * Debug kernels measure each stretch of kernel code from where a thread enters the kernel, or
 * gets the CPU, or ends a pause, to where it leaves, sleeps or pauses. In release kernels
 * nothing of this is there.
 */
#pragma once

#include "lib/percpu.h"

/* For loops that hold a lock with interrupts off: whether to give it up, because others shall run or
 * interrupts shall come in. Then, without it and with interrupts on, breathe() lets them. */
bool breath_due(void);
void breathe(void);

#ifdef TESSERA_DEBUG

/* The longest so far: cycles, the system call of the thread (-1 when the stretch was an
 * exception), the code address where it ended. In /proc/vmstat; writing there forgets it. */
struct stall {
    u64 cycles;
    s64 call;
    uintptr_t end;
};

extern struct stall stall_longest;
/* Whether the address space is looked at after each memory call, and fresh memory filled
 * (lib/stale.h); switch check=off. */
extern bool check_calls;
/* Threads that have paused in a call: what a truncate has not come to yet is not as it shall be. */
extern s32 pauses;
DECLARE_PER_CPU(u64, stall_since); /* 0: nothing is measured */

static inline void stall_begin(void)
{
    this_cpu(stall_since) = cpu_cycles();
}

void stall_end(uintptr_t where);

static inline void pauses_count(s32 n)
{
    __atomic_fetch_add(&pauses, n, __ATOMIC_RELAXED);
}

#else

static inline void stall_begin(void)
{
}

static inline void stall_end(uintptr_t where)
{
    (void)where;
}

static inline void pauses_count(s32 n)
{
    (void)n;
}

#endif

/* When the running thread got this CPU or paused, by cpu_cycles(). */
DECLARE_PER_CPU(u64, pause_began);

/* Clocks are there: from now on long calls pause. */
void pause_init(void);

/* What a CPU does where it holds no pointer found without a lock (lib/grace.h): gives back the
 * free pages it keeps when it is asked to, passes, and frees what has waited for that. No
 * spinlock held, interrupts on. */
void pass_work(void);
/* Whether there is more to do than pass. */
bool pass_pending(void);

/* Every CPU does so; what has been freed is free afterwards. For those who count memory, and
 * before somebody is killed for want of it. The same context. */
void memory_settle(void);
