/* SPDX-License-Identifier: MIT
 *
 * Inside futexes: names of words, queues of waiters, ownership of PI futexes.
 *
 * Locks, in this order: buckets (two by address), proc_lock, the lock of PI ownership. User
 * words are read and changed under a bucket's lock by the _now forms, which do not bring
 * pages in: when they fail, everything is given up and done again after futex_fault_in.
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

/* Waiters whose keys have the same hash. */
struct futex_bucket {
    spinlock_t lock;
    struct list
        waiters; /* of struct futex_waiter: real-time threads by priority, then first
                            come first served */
    u64 arrivals;
};

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

/* 0 or -EFAULT. futex_key_put for every key. */
int must_check futex_key_get(struct futex_key *key, vaddr_t addr, bool private,
                             enum futex_access access);
void futex_key_put(struct futex_key *key);
bool futex_same_key(const struct futex_key *a, const struct futex_key *b);

struct futex_bucket *futex_bucket_of(const struct futex_key *key);
void futex_lock(struct futex_bucket *b);
/* Both, which may be one. */
void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b);
void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b);
void futex_add(struct futex_bucket *b, struct futex_waiter *w);
/* Locks the bucket that the waiter stands in. */
struct futex_bucket *futex_lock_waiter(struct futex_waiter *w);
/* Gives a queued waiter another key and place; both buckets are locked. Its old key's
 * reference becomes the caller's. */
void futex_move(struct futex_waiter *w, struct futex_bucket *to,
                const struct futex_key *key);

/* Moves up to `limit` waiters of `from` that stand in b to another key and its bucket, both
 * locked; admit says of each whether it may (0, or the errno to end with). How many. */
int futex_move_some(struct futex_bucket *b, const struct futex_key *from,
                    struct futex_bucket *to, const struct futex_key *key, int limit,
                    int (*admit)(struct futex_waiter *w, void *arg), void *arg);

/* The user word. 0; -EFAULT: futex_fault_in, then again. xchg: -EAGAIN it was not `old`. */
int must_check futex_load_now(vaddr_t addr, u32 *value);
int must_check futex_xchg_now(vaddr_t addr, u32 old, u32 new);
/* Makes the word accessible, for a moment; -EFAULT: it cannot be. */
int must_check futex_fault_in(vaddr_t addr, enum futex_access access);

/* Sleeps until *woken, deadline or a signal: 0, -ETIMEDOUT, -EINTR. */
int futex_sleep(const bool *woken, u64 deadline);

/* Wakes up to n waiters of the key that came no later than `last`. 1: done; 0: it was time
 * for a pause, *woken of them so far; -EINVAL: somebody waits there for a PI futex. The
 * bucket's lock is held. */
int futex_wake_some(struct futex_bucket *b, const struct futex_key *key, int n, u32 bits,
                    u64 last, int *woken);
/* All of that: the number woken, -EINVAL. */
int futex_wake_key(const struct futex_key *key, int n, u32 bits);

/* ---- kernel/task/futex/futex_two.c ---- */
struct futex_two {
    vaddr_t addr, other_addr;
    int n, n_other;
    bool compare;
    u32 value; /* expected, or FUTEX_WAKE_OP's code */
    struct futex_key key, other;
};

long futex_two_words(struct futex_two *r, bool private, bool wake_op);

/* ---- kernel/task/futex/futex_pi.c, futex_requeue_pi.c ---- */
long futex_lock_pi(vaddr_t addr, bool private, u64 deadline, bool try);
long futex_unlock_pi(vaddr_t addr, bool private);
long futex_wait_requeue_pi(vaddr_t addr, vaddr_t pi_addr, bool private, u32 expected,
                           u32 bits, u64 deadline);
long futex_cmp_requeue_pi(vaddr_t addr, vaddr_t pi_addr, bool private, int nmove,
                          u32 expected);
/* The thread ends: its PI futexes go to the first who waits. */
void futex_pi_exit(struct thread *t);
