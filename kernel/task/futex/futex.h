/* SPDX-License-Identifier: MIT
 *
 * Inside futexes: names of words, queues of waiters, ownership of PI futexes.
 *
 * Locks, in this order: buckets (two by address), the lock of a thread's number, the lock of
 * PI ownership. User words are read and changed under a bucket's lock by the _now forms, which do
 * not bring pages in: when they fail, everything is given up and done again after
 * futex_fault_in.
 *
 * What a bucket's lock guards: its list, `arrivals`, and of each waiter in the list all but
 * `thread` and `bits`, which are constant. A waiter that is `woken` may be gone as soon as the
 * lock is given up.
 */
#pragma once

#include "kernel/task/proc.h"
#include "lib/uapi/futex.h"

/* object NULL: at is an address of mm, with bit 0 set when the call did not say that the
 * word is private: such calls do not meet those that did. Else referenced, at is a byte of
 * the object. */
struct futex_key {
    struct mm *mm;
    struct vm_object *object;
    u64 at;
};

/* Waiters whose keys have the same hash. A line of its own for each: neighbours are strangers. */
struct futex_bucket {
    spinlock_t lock;
    struct list
        waiters; /* of struct futex_waiter: real-time threads by priority, then first
                            come first served */
    u64 arrivals;
} __attribute__((aligned(64)));

/* Who has a PI futex that others wait for; lives as long as it has waiters. */
struct futex_pi {
    struct thread *owner; /* NULL: none was made yet */
    struct list link;     /* owner->pi_owned */
    struct futex_key key; /* no reference: the waiters have them */
    u32 nwaiters;
};

struct futex_waiter {
    struct list link;
    struct futex_bucket *bucket; /* changed under the locks of the old and the new one */
    u64 arrival;                 /* in its bucket */
    struct thread *thread;
    struct futex_key key;
    u32 bits;
    bool woken;          /* out of the queue; PI: owns the futex, still queued */
    bool owner_died;     /* ... and must write that into the word */
    struct futex_pi *pi; /* waits to own this */
    const struct futex_key
        *requeue_key; /* WAIT_REQUEUE_PI: the PI futex it will move to */
};

enum futex_access { FUTEX_READS, FUTEX_WRITES };

/* Wakes up to n waiters of the key that came no later than `last`. 1: done; 0: it was time
 * for a pause, *woken of them so far; -EINVAL: somebody waits there for a PI futex. The
 * bucket's lock is held. */
int futex_wake_some(struct futex_bucket *b, const struct futex_key *key, int n, u32 bits,
                    u64 last, int *woken);
/* All of that: the number woken, -EINVAL. */
int futex_wake_key(const struct futex_key *key, int n, u32 bits);
struct futex_two {
    vaddr_t addr, other_addr;
    int n, n_other;
    bool compare;
    u32 value; /* expected, or FUTEX_WAKE_OP's code */
    struct futex_key key, other;
};

/* Futexes: wakes up to n waiters of a word of the running program that may be shared with
 * others; the number woken, or -EFAULT, -EINVAL. */
int futex_wake_shared(vaddr_t addr, int n);
