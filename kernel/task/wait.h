/* SPDX-License-Identifier: MIT
 *
 * Children that wait to be waited for.
 */
#pragma once

#include "lib/types.h"
#include "lib/uapi/resource.h"

struct proc;
struct tracee;

struct wait_request {
    int type; /* P_ALL, P_PID, P_PGID */
    s32 id;
    u32 options;
    u64 serial; /* of P_PID: it must be this process; 0: the one that has the number */
};

struct wait_result {
    int code;   /* CLD_* */
    int status; /* wait4's word */
    u32 uid;
    struct rusage usage;
    struct proc *reaped; /* to free */
    struct tracee *dead; /* the same */
};

/* Puts a zombie among those its parent can wait for, in the order they were born in.
 * proc_lock held. */
void zombie_queue(struct proc *p);
/* Takes it out again, if it is there: before its parent is another one. proc_lock held. */
void zombie_unqueue(struct proc *p);

/* Counts stops and continuations of processes and changes of parents: as long as it stands
 * still, children of which none had such news have none. Atomic. */
extern u64 job_changes;
static inline void job_changed(void)
{
    __atomic_fetch_add(&job_changes, 1, __ATOMIC_RELEASE);
}
