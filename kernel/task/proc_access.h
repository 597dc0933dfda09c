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

/* Whether the running process may look into p: it is the same one; or has CAP_SYS_PTRACE; or
 * all numbers of p are the caller's, p may be dumped and has no capability the caller lacks.
 * proc_lock held. */
bool proc_may_look(const struct proc *p, enum whose_ids ids);
/* The same by number: 0, -ESRCH, -EACCES. */
int must_check proc_check_look(s32 pid, enum whose_ids ids);
/* The memory of a process one may look into, referenced: -ESRCH no such process or no memory
 * left; -EPERM. */
int must_check proc_access_mm(s32 pid, enum whose_ids ids, struct mm **out);
/* The same by a handle: not of the next one with that number. */
int must_check task_access_mm(const struct task_id *id, enum whose_ids ids,
                              struct mm **out);

/* Whether the running process may change how p is scheduled (its effective user is one of p's
 * and p has no capability more, or CAP_SYS_NICE), and its limits (all of p's numbers are its real ones, or
 * CAP_SYS_RESOURCE). proc_lock held. */
bool proc_may_schedule(const struct proc *p);
bool proc_may_limit(const struct proc *p);

/* While numbers are pinned they go to no other process or thread, though their own may end.
 * The pin lies on the caller's stack. false: that process or thread has gone. */
struct pid_pin {
    struct list link;
    s32 pid, tid;
};
bool must_check pid_pin(struct pid_pin *pin, const struct task_id *id);
void pid_unpin(struct pid_pin *pin);

bool pid_is_pinned(s32 pid); /* proc_lock held */
