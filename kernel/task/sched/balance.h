/* SPDX-License-Identifier: MIT
 *
 * How CPUs share the ready threads: where a thread goes when it wakes up, what an idle CPU takes
 * from others, and how progress is kept even between queues that are never empty.
 */
#pragma once

#include "lib/types.h"

struct runq;
struct thread;

/* The CPU for t, which becomes ready and was on `last`: that one if it is idle, else another
 * idle one, else `last`; always one of t->allowed, if one of these runs. Any context; a guess,
 * since nothing is locked. */
u32 balance_choose(const struct thread *t, u32 last);

/* q got a thread that waits, or its CPU becomes idle: others may look here for work, or for a
 * CPU that takes some. q's lock held. */
void balance_note_waiting(const struct runq *q);
void balance_note_idle(const struct runq *q);

/* q has nobody ready: takes a thread from another queue. q's lock held, interrupts off. False:
 * there is none for this CPU. */
bool balance_steal(struct runq *q);

/* From the tick of q's CPU, whose lock is held, for the thread that runs: gets idle CPUs to take
 * what waits here, and takes from a queue that makes less progress. */
void balance_tick(struct runq *q, u64 now);
