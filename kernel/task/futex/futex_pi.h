/* SPDX-License-Identifier: MIT
 *
 * What the two files of PI futexes share.
 */
#pragma once

#include "kernel/task/futex/futex.h"

/* Fresh memory for a PI futex, or NULL; drop: it was not used. */
struct futex_pi *futex_pi_alloc(void);
void futex_pi_drop(struct futex_pi *unused);
/* It has no waiters, or lost the last. */
void futex_pi_free(struct futex_pi *pi);

/* The first in the queue, also one that has been given the lock. Bucket's lock held. */
struct futex_waiter *futex_first_waiter(struct futex_bucket *b,
                                        const struct futex_key *key);

enum taking { TAKE_ALONE, TAKE_WITH_WAITERS };

/* Tries to own the futex for t. 1: it does (TAKE_WITH_WAITERS: and *pi is set); 0: another
 * does, *pi is set; -EFAULT, -EAGAIN: futex_pi_retry; -EDEADLOCK: t has it; -ESRCH, -EINVAL:
 * the word is not what it should be. *spare is used up for a new *pi. The bucket's lock is
 * held. */
int futex_pi_take(vaddr_t addr, struct futex_bucket *b, const struct futex_key *key,
                  struct thread *t, enum taking how, struct futex_pi **spare,
                  struct futex_pi **pi);
/* After -EFAULT and -EAGAIN, without locks: 0 to try again. */
int futex_pi_retry(int err, vaddr_t addr);

/* The waiter wants to own it: 0; -EDEADLOCK: it would wait for itself. */
int must_check futex_pi_wait_on(struct futex_waiter *w, struct futex_pi *pi);
/* Ends a wait for w->pi that futex_sleep came back from with `err`: 0 when it is owned. */
int futex_pi_finish(struct futex_waiter *w, vaddr_t addr, int err);

/* ---- calls ---- */
long futex_lock_pi(vaddr_t addr, bool private, u64 deadline, bool try);
long futex_unlock_pi(vaddr_t addr, bool private);

/* The thread leaves its program: its PI futexes go to the first who waits, and nobody makes it the
 * owner of one any more, until futex_pi_begin(). */
void futex_pi_exit(struct thread *t);
void futex_pi_begin(struct thread *t);
