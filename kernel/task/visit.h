/* SPDX-License-Identifier: MIT
 *
 * Visits of all threads of a process, which may be thousands, for those that send it signals: they
 * hold locks or are interrupts, and have no time for them. A kernel thread makes the visits, with
 * pauses. Neither have those that wake all in a wait queue.
 */
#pragma once

#include "lib/types.h"

struct proc;

/* So many threads a sender looks at itself, so many it wakes. */
#define VISIT_LOOKS 128u
#define VISIT_WAKES 128u

/* What for: a thread that takes what is pending of the process is found; those that are traced
 * hear that it went on. */
enum visit { VISIT_PENDING = 1, VISIT_TRACED = 2 };

/* All threads of p will be visited. False: the visitor was never made, so the caller goes to all
 * itself. sig.lock held. */
bool visit_later(struct proc *p, enum visit what);

/* The last thread of p has left. proc_lock and sig.lock held. */
void visit_forget(struct proc *p);

void visits_init(void);
