/* SPDX-License-Identifier: MIT
 *
 * A child before anybody knows it: made in one piece, or taken apart again without a trace.
 */
#pragma once

#include "kernel/task/proc.h"

struct fork_args;

/* A complete child without a number, like the running thread of `parent`. 0, -ENOMEM; -EMFILE:
 * fdtable_may_clone(); -EAGAIN: a deadline is not inherited. */
int child_build(struct proc *parent, const struct fork_args *args, struct proc **out);
void child_discard(struct proc *child);

/* A thread of `child`, which may be the running process, like `from`. Errors as above. */
int must_check child_thread_build(struct proc *child, struct thread *from,
                                  const struct fork_args *args, struct thread **out);
void child_thread_discard(struct thread *t);
