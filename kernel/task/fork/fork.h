/* SPDX-License-Identifier: MIT
 *
 * Making processes and threads, once the flags of the call have been judged.
 */
#pragma once

#include "kernel/task/proc.h"

struct fork_args {
    u64 flags;
    u64 stack; /* 0: the parent's */
    vaddr_t parent_tid, child_tid;
    u64 tls;
    vaddr_t pidfd; /* CLONE_PIDFD: where its number goes */
    s32 tid;       /* that it gets, 0: any */
};

/* The number of the new thread or process, -EAGAIN, -ENOMEM, -EEXIST. */
long fork_thread(const struct fork_args *args);
long fork_process(const struct fork_args *args);

/* Gives the calling thread a table of descriptors of its own, if others have the same. 0, -EMFILE
 * (fdtable_may_clone), -ENOMEM. */
int must_check fork_unshare_files(void);

/* exec or exit of a vfork child, process or thread: who made it may go on. */
void vfork_release(struct thread *t);
