/* SPDX-License-Identifier: MIT
 *
 * Grace periods: memory that a walker without its lock may still look at is freed only after
 * every CPU has passed a point where it holds no such pointer. The kernel is not preempted, so
 * these points are few: a switch of threads, a pause of a long call, the way out to a program
 * that the timer stopped, an idle CPU. A walker therefore does nothing to be safe but not
 * pause; an interrupt handler is no walker.
 *
 *   CPU 0   unlink x, grace_defer(x) . . . . . . . . . . . . . . . . . free x
 *   CPU 1   ---- reads x ----|pass           |pass
 *   CPU 2        ----------------|pass   (idle)
 *
 * Who drops translations flushes before its CPU passes, so a frame that left a file is
 * reachable by no CPU any more when its grace period is over: docs/decisions/0014-readers-and-leaf-locks.md.
 * One CPU alone passes at once. Model: tests/models/truncate.pml.
 */
#pragma once

#include "lib/percpu.h"
#include "lib/types.h"

struct grace_item {
    struct grace_item *next;
    void (*fn)(struct grace_item *item);
};

struct grace_cpu {
    u64 passed;                         /* odd: idle; written by its CPU, read by all */
    struct grace_item *fresh, *waiting; /* since the last look; for `seen` to be past */
    u64 seen[MAX_CPUS];
} __attribute__((aligned(64)));

DECLARE_PER_CPU(struct grace_cpu, grace_cpu);

/* Calls fn(item) once all CPUs have passed: now when there is one, else from grace_work() of
 * this CPU. What walkers read of the object around `item` must not be in `item`. Any context
 * but interrupt handlers; spinlocks may be held, so fn takes none that is held around this
 * call. */
void grace_defer(struct grace_item *item, void (*fn)(struct grace_item *item));

/* This CPU holds no pointer to anything it found without a lock. */
static inline void grace_pass(void)
{
    struct grace_cpu *g = this_cpu_ptr(grace_cpu);

    __atomic_store_n(&g->passed, g->passed + 2, __ATOMIC_RELEASE);
}

/* Passes for as long as the CPU is idle: called before and after. */
static inline void grace_idle(void)
{
    struct grace_cpu *g = this_cpu_ptr(grace_cpu);

    __atomic_store_n(&g->passed, g->passed + 1, __ATOMIC_SEQ_CST);
}

/* Whether something of this CPU waits: then it looks again soon, with grace_work(). */
static inline bool grace_pending(void)
{
    const struct grace_cpu *g = this_cpu_ptr(grace_cpu);

    return g->fresh || g->waiting;
}

/* Passes, and frees what may be freed by now. No spinlock held, interrupts on. */
void grace_work(void);
