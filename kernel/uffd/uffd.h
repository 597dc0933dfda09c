/* SPDX-License-Identifier: MIT
 *
 * userfaultfd(2), from inside: what the descriptor, its ioctls and waiting faults share.
 *
 *   fault ── FAULT_ASK_* ──> pending ── read() ──> asked ── UFFDIO_COPY, _WAKE, close ──> tries again
 *
 * A waiting thread holds no lock but those of the call in which it touched memory, and a reference.
 * Locks: mm->lock -> uffd.lock -> run queues.
 */
#pragma once

#include "fs/file.h"
#include "lib/list.h"
#include "lib/uapi/userfaultfd.h"
#include "lib/waitq.h"
#include "mm/vm/monitor.h"

struct uffd {
    struct monitor monitor; /* its references are this record's */
    struct mm *mm;          /* [c] of who made it; mm_hold() */
    u64 features;   /* atomic, with UFFD_READY: UFFDIO_API was called; 0: not yet */
    bool user_only; /* [c] UFFD_USER_MODE_ONLY */
    spinlock_t lock;
    struct list pending; /* [lock] waiters whose message nobody has read, oldest first */
    struct list asked;   /* [lock] the others */
    u64 waits;           /* [lock] so many there have been */
    struct waitq readers;
};
#define UFFD_READY (1ull << 63)

/* What can be asked for by UFFDIO_API: what there is. */
#define UFFD_FEATURES                                                                    \
    (UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_MISSING_SHMEM | UFFD_FEATURE_SIGBUS | \
     UFFD_FEATURE_THREAD_ID | UFFD_FEATURE_MINOR_SHMEM | UFFD_FEATURE_EXACT_ADDRESS)

/* A thread that waits, on its stack. */
struct uffd_waiter {
    struct list link; /* [uffd.lock] empty: in no list */
    void *thread;     /* [c] */
    bool woken;       /* [uffd.lock] */
    u64 number;       /* [uffd.lock] uffd.waits when it came */
    struct uffd_msg msg;
    vaddr_t va; /* [c] */
};

static inline struct uffd *uffd_of(struct monitor *m)
{
    return (struct uffd *)((char *)m - offsetof(struct uffd, monitor));
}

/* Takes the oldest message nobody has read: whether there was one. */
bool uffd_take(struct uffd *u, struct uffd_msg *msg);

/* Who waits for an address in [start, end) tries again. No spinlock held, interrupts on. */
void uffd_wake(struct uffd *u, vaddr_t start, vaddr_t end);

long uffd_ioctl(struct file *f, u32 cmd, uintptr_t arg);
