/* SPDX-License-Identifier: MIT
 *
 * Wait queue: threads that sleep until a condition that others change holds. Wake-ups may
 * come from interrupt handlers. The condition is checked after joining the queue, and a
 * wake-up between the check and the sleep is remembered by thread_park, so none is lost.
 */
#pragma once

#include "lib/list.h"
#include "lib/mutex.h"
#include "lib/spinlock.h"

/* Internal result of an interrupted wait: the signal code turns it into a restart of the
 * call or into -EINTR (kernel/task/signal.c). Never reaches a program. */
#define ERESTARTSYS 512

#define NO_DEADLINE (~0ull)

struct waitq {
    spinlock_t lock;     /* taken with interrupts off */
    struct list waiters; /* [lock] */
    struct list *next;   /* [lock] the first of a wake-up's rest, NULL: none is due */
    bool taken, again;   /* [lock] by an exclusive one; all over again after the rest */
    bool queued;         /* with the next one: lib/waitq.c */
    struct list rest;
};

struct waitq_entry {
    struct list link; /* [waitq.lock] */
    void *thread;     /* [c] while queued; with `wake`: its own */
    /* [c] instead of waking `thread`, NULL: none. Whether it reached somebody. */
    bool (*wake)(struct waitq_entry *e);
    bool
        exclusive; /* [c] with `wake`: not asked when another exclusive one took the call */
};

/* Provided by kernel/task/sched/sched.c (host: tests/host/port_fs.c). As thread_park, but returns at
 * `deadline_ns` (monotonic) at the latest: -ETIMEDOUT then, else 0. */
int thread_park_until(u64 deadline_ns);

/* Whether the running thread has a signal to act on, so that it must stop waiting. */
bool thread_interrupted(void);

/* Takes m exclusively; false when a signal came before it. */
static always_inline bool must_check mutex_lock_interruptible(struct mutex *m)
{
    return mutex_take(m, MUTEX_EXCLUSIVE, thread_interrupted);
}

void waitq_init(struct waitq *q);
void waitq_add(struct waitq *q, struct waitq_entry *e);
/* An entry with everything but its link filled in: at each wake-up e->wake is called, with q
 * locked and interrupts off. It must not wake another queue. */
void waitq_watch(struct waitq *q, struct waitq_entry *e);
void waitq_remove(struct waitq *q, struct waitq_entry *e);

/* Wakes all waiters; they stay queued until they leave by themselves. When they are many, those
 * that there is no time for are left to a thread. */
void waitq_wake_all(struct waitq *q);

/* Before the memory of a queue that many may have waited in goes or is used again: nobody waits in
 * it any more. Any context in which q->lock is not held. */
void waitq_fini(struct waitq *q);

/* That thread wakes some more: false when no rest is left. It is set up by giving waitq_rest_due,
 * which is called with a queue locked when there is a rest; NULL: all are woken at once. */
bool waitq_wake_rest(void);
extern void (*waitq_rest_due)(void);

/* Sleeps until `cond` holds: 0; -ERESTARTSYS on a signal; -ETIMEDOUT at the deadline. */
#define waitq_wait_until(q, cond, deadline)                    \
    ({                                                         \
        struct waitq_entry entry_;                             \
        int result_ = 0;                                       \
        waitq_add((q), &entry_);                               \
        while (!(cond)) {                                      \
            if (thread_interrupted()) {                        \
                result_ = -ERESTARTSYS;                        \
                break;                                         \
            }                                                  \
            if (thread_park_until(deadline) != 0 && !(cond)) { \
                result_ = -110; /* ETIMEDOUT */                \
                break;                                         \
            }                                                  \
        }                                                      \
        waitq_remove((q), &entry_);                            \
        result_;                                               \
    })

#define waitq_wait(q, cond) waitq_wait_until(q, cond, NO_DEADLINE)
