/* SPDX-License-Identifier: MIT
 *
 * Who may look into another process, and handles that name one.
 */
#pragma once

#include "kernel/task/threads.h"

/* Whose numbers count when a process asks to look into another. */
enum whose_ids {
    REAL_IDS, /* calls: the real ones */
    FS_IDS,   /* /proc: those for files, and effective capabilities */
};

/* Whether the running thread may look into p: it is its own process; or it has CAP_SYS_PTRACE; or
 * all numbers of t, p's thread that is meant (NULL: p's first, which has ended), are the caller's, p may be
 * dumped and t has no capability the caller lacks. proc_lock held. */
bool proc_may_look(const struct proc *p, const struct thread *t, enum whose_ids ids);
/* The same by a handle: 0, -ESRCH, -EACCES. */
int must_check task_check_look(const struct task_id *id, enum whose_ids ids);
/* The memory of a process one may look into, by the number of one of its threads, referenced:
 * -ESRCH no such process or no memory left; -EPERM. */
int must_check proc_access_mm(s32 pid, enum whose_ids ids, struct mm **out);
/* The same by a handle: not of the next one with that number. */
int must_check task_access_mm(const struct task_id *id, enum whose_ids ids,
                              struct mm **out);

/* Whether the running thread may change how p's thread t (as above) is scheduled (its effective user is one of
 * t's and t has no capability more, or CAP_SYS_NICE), and its limits (its own; all of t's numbers are
 * its real ones, or CAP_SYS_RESOURCE). proc_lock held. */
bool proc_may_schedule(const struct proc *p, const struct thread *t);
bool proc_may_limit(const struct proc *p, const struct thread *t);

/* While numbers are pinned they go to no other process or thread, though their own may end.
 * The pin lies on the caller's stack. false: that process or thread has gone. */
struct pid_pin {
    struct list link;
    s32 pid, tid;
};
bool must_check pid_pin(struct pid_pin *pin, const struct task_id *id);
void pid_unpin(struct pid_pin *pin);

bool pid_is_pinned(s32 pid); /* proc_lock held */
