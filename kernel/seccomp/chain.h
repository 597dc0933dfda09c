/* SPDX-License-Identifier: MIT
 *
 * seccomp(2): filters of the system calls of a thread. They form chains: each has the one that was
 * set before it below it, and all of a chain are asked. A thread that is made takes part in the
 * chain of its maker, exec keeps it, and nothing takes a filter off again. How many there are, and
 * the mode, are in the thread's credentials (kernel/task/cred.h).
 */
#pragma once

#include "lib/types.h"
#include "lib/uapi/seccomp.h"

struct bpf_filter;
struct thread;

/* What a filter looks at. */
struct seccomp_data {
    s32 nr;
    u32 arch;
    u64 instruction_pointer;
    u64 args[6];
};

/* struct seccomp_metadata: PTRACE_SECCOMP_GET_METADATA. */
struct seccomp_metadata {
    u64 filter_off, flags;
};

struct seccomp {
    u32 refs; /* atomic: threads, and filters that stand on it */
    u32 path; /* [c] instructions from here down, with what each filter costs */
    u64 mark; /* [P] of the last who looked at the chain */
    bool log; /* [c] SECCOMP_FILTER_FLAG_LOG */
    struct seccomp *below;  /* [c] referenced; NULL: the first */
    struct bpf_filter *bpf; /* [c] owned */
};

/* The running thread's for a child that nobody can find yet; proc_lock held. */
void seccomp_share(struct thread *child);
/* t has left its process. It pauses. */
void seccomp_leave(struct thread *t);

/* As seccomp(2). */
long seccomp_set(u64 op, u64 flags, vaddr_t args);

/* The n-th filter of t, the oldest is 0, referenced; proc_lock held. -EINVAL: it has none of this
 * kind; -ENOENT: not so many. */
int must_check seccomp_nth(const struct thread *t, u64 n, struct seccomp **out);
void seccomp_put(struct seccomp *f); /* NULL: nothing. It pauses. */
