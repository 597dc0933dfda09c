/* SPDX-License-Identifier: MIT
 *
 * What sending signals needs of how they are kept; sig.lock is held for all of it.
 */
#pragma once

#include "kernel/task/proc.h"

extern const struct sig_record signal_of_kernel;

/* A queued signal for p, made of *spare; it counts with all of its user. NULL: too many, or no
 * memory. */
struct sig_queued *signal_claim(struct proc *p, struct sig_queued **spare);

/* None of the set is pending any more. trash NULL: there are no queued ones in the set. */
void signal_discard(u64 *pending, struct sig_records *records, u64 set,
                    struct list *trash);
