/* SPDX-License-Identifier: MIT
 *
 * What happens when a page fault finds no memory. Calls that find none say ENOMEM and kill
 * nobody.
 */
#pragma once

#include "kernel/task/proc.h"

/* Ends the process that would give most back, if none is ending already, and waits a while
 * for its memory. true: the access may be tried again; false: the running process has been
 * told to end, nobody is left who could, or (not `user`: in a system call, which may hold
 * locks) it took too long. Sleeps. */
bool oom_handle(bool user);

/* Whether p has begun to end, or has been killed, and is no zombie yet. proc_lock held. */
bool proc_is_ending(const struct proc *p);

/* How much a process is to blame, in pages of memory, corrected by its oom_score_adj; 0: it
 * is never chosen. proc_lock held. */
u64 oom_points(const struct proc *p);
