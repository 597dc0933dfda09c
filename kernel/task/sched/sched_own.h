/* SPDX-License-Identifier: MIT
 *
 * What the files of the scheduler share.
 */
#pragma once

#include "kernel/task/sched/runq.h"
#include "lib/spinlock.h"

static inline struct runq *own_runq(void)
{
    return this_cpu_ptr(runq);
}

/* Locks the queue that protects t. Interrupts off. */
static inline struct runq *lock_runq_of(const struct thread *t)
{
    for (;;) {
        struct runq *q = runqs[READ_ONCE(t->cpu)];

        spin_lock(&q->lock);
        if (likely(READ_ONCE(t->cpu) == q->cpu))
            return q;
        spin_unlock(&q->lock); /* it moved */
    }
}
