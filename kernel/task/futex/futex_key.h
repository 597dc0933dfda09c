/* SPDX-License-Identifier: MIT
 *
 * Names of futexes, queues of waiters, and the user's word.
 */
#pragma once

#include "kernel/task/futex/futex.h"

/* At boot: what keys are hashed with, so that nobody can choose many that share a bucket. */
void futex_seed(u64 seed);

/* 0, -EFAULT, -ENOMEM. futex_key_put for every key. */
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

/* Waiters that get another key, and its bucket. */
struct futex_moving {
    struct futex_bucket *bucket, *to_bucket;
    const struct futex_key *from, *to;
    u64 last; /* who came to the bucket later stays */
    s64 limit;
    int moved;
    bool pauses;                                     /* in pieces */
    int (*admit)(struct futex_waiter *w, void *arg); /* 0, or the errno to end with */
    void *arg;
    int err;
};
/* Both buckets locked. False: others are to have their turn before more are moved. */
bool futex_move_some(struct futex_moving *m);

/* The user word. 0; -EFAULT: futex_fault_in, then again. xchg: -EAGAIN it was not `old`. */
int must_check futex_load_now(vaddr_t addr, u32 *value);
int must_check futex_xchg_now(vaddr_t addr, u32 old, u32 new);
/* Makes the word accessible, for a moment; -EFAULT: it cannot be. */
int must_check futex_fault_in(vaddr_t addr, enum futex_access access);

/* Queues w behind the word if that holds `expected`, which is seen under the lock under which
 * wakers look: 0. -EAGAIN: it does not; -EFAULT. Gets w->key, which is put again on failure. */
int must_check futex_queue(struct futex_waiter *w, vaddr_t addr, bool private,
                           u32 expected);

/* Sleeps until *woken, deadline or a signal: 0, -ETIMEDOUT, -EINTR. */
int futex_sleep(const bool *woken, u64 deadline);
