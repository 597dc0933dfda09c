/* SPDX-License-Identifier: MIT
 *
 * Waiting for locks of files.
 */
#pragma once

#include "lib/types.h"

struct file_locks;
struct lock_request;

/* A lock of somebody else that r cannot stand, or one he is about to have; NULL: none. */
const struct lock_request *lock_conflict(struct file_locks *f,
                                         const struct lock_request *r);
/* Whether another call of the same owner is at work on the file. */
bool lock_owner_busy(const struct file_locks *f, u64 owner);

/* Waits until the one in the way (NULL: another call of the same owner) is not: 0 when it is
 * time for a new look, -ERESTARTSYS, -EDEADLOCK. The lock is released meanwhile; the caller
 * then takes what it wanted, or wakes the next. */
int lock_wait(struct file_locks *f, const struct lock_request *r,
              const struct lock_request *in_the_way);
/* Wakes the first waiter that has nothing in its way. It does the same when it leaves, so all
 * get their turn, and not all of them at once. The lock is given up now and then. */
void lock_wake_next(struct file_locks *f);
