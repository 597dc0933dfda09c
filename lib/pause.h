/* SPDX-License-Identifier: MIT
 *
 * Where long calls let others run. The kernel is not preempted, so each loop whose length a
 * program chooses pauses: at least once in 100,000 instructions it asks one of these.
 *
 * A thread may pause with sleeping locks held (struct mutex), never with a spinlock or with
 * interrupts off. A loop under a spinlock asks pause_due() at each step; when it says yes,
 * the loop brings what the lock protects into order, gives the lock up, calls pause_point(),
 * takes the lock again, looks anew at whatever may have changed, and goes on from where it
 * was.
 */
#pragma once

#include "lib/percpu.h"
#include "lib/spinlock.h"
#include "lib/string.h"

/* Cycles a thread stays in the kernel before it looks whether others wait; 0: each point
 * pauses, so that tests see the interleavings. */
extern u64 pause_cycles;

/* When the running thread last got this CPU, by cpu_cycles(), or later if it looked since. */
DECLARE_PER_CPU(u64, pause_since);

/* Provided by kernel/pause.c (host: tests/host/port.c). Of a thread that could pause: whether somebody
 * waits for it, or might for all that is known. Any context. */
bool pause_wanted(void);

/* Whether the running thread has been at it for so long that it must give up its spinlock and
 * pause. Any context. */
static inline bool pause_due(void)
{
    return unlikely(cpu_cycles() - this_cpu(pause_since) >= pause_cycles) &&
           pause_wanted();
}

/* Provided by kernel/pause.c (host: tests/host/port.c). Lets others run. */
void pause_now(void);

/* Whether the running thread is about to be killed: a loop that can gives up then, with what
 * it has done or -EINTR. False for kernel threads. Any context. */
bool pause_killed(void);

/* A pause under a spinlock would stop all who want it. */
static inline void pause_check(void)
{
#if defined(TESSERA_HOST) || defined(TESSERA_DEBUG)
    ASSERT(cpu_spinlocks() == 0);
#endif
}

/* Lets others run when it is time. No spinlock held, interrupts on. Returns pause_killed(). */
static inline bool pause_point(void)
{
    pause_check();
    if (pause_due())
        pause_now();
    return pause_killed();
}

/* The same for loops that must go on to their end, such as tearing something down. */
static inline void pause_anyway(void)
{
    pause_check();
    if (pause_due())
        pause_now();
}

/* Pauses inside a loop that holds `lock`, when it is time: true: the lock was given up for a
 * while, so everything it protects may have changed. */
static inline bool pause_unlocked(spinlock_t *lock)
{
    if (!pause_due())
        return false;
    spin_unlock(lock);
    pause_now();
    spin_lock(lock);
    return true;
}

/* memcpy of what may be megabytes. No spinlock held, interrupts on. */
static inline void memcpy_pausing(void *dst, const void *src, size_t n)
{
    const size_t at_once = 256u << 10;

    for (size_t at = 0; at < n; at += at_once) {
        memcpy((char *)dst + at, (const char *)src + at, MIN(n - at, at_once));
        pause_anyway();
    }
}
