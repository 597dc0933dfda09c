/* SPDX-License-Identifier: MIT
 *
 * userfaultfd(2), from inside: what the descriptor, its ioctls and waiting faults share.
 *
 *   fault ── FAULT_ASK_* ──> pending ── read() ──> asked ── UFFDIO_COPY, _WAKE, close ──> tries again
 *
 * What calls tell is kernel/uffd/event.h.
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
    u64 features; /* atomic, with UFFD_READY: UFFDIO_API was called; 0: not yet */
    u32 flags;    /* [c] of who made it: UFFD_USER_MODE_ONLY, O_NONBLOCK, O_CLOEXEC */
    struct uffd *parent; /* [c until its event is made] at fork, referenced, its monitor
                          * `changing`: whom the descriptor is to be offered; NULL */
    spinlock_t lock;
    struct list pending; /* [lock] waiters whose message nobody has read, oldest first */
    struct list asked;   /* [lock] the others */
    u64 waits;           /* [lock] so many there have been */
    struct list events;  /* [lock] that nobody has read, oldest first */
    bool closed;         /* [lock] nobody will read any more */
    struct waitq readers;
};
#define UFFD_READY (1ull << 63)

#define UFFD_EVENTS                                                                   \
    (UFFD_FEATURE_EVENT_FORK | UFFD_FEATURE_EVENT_REMAP | UFFD_FEATURE_EVENT_REMOVE | \
     UFFD_FEATURE_EVENT_UNMAP)
#define UFFD_FEATURE_EVENT(event)                           \
    ((event) == UFFD_EVENT_UNMAP ? UFFD_FEATURE_EVENT_UNMAP \
                                 : UFFD_FEATURE_EVENT_FORK << ((event)-UFFD_EVENT_FORK))

/* What can be asked for by UFFDIO_API: what there is. */
#define UFFD_FEATURES                                                                \
    (UFFD_EVENTS | UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_MISSING_HUGETLBFS | \
     UFFD_FEATURE_MISSING_SHMEM | UFFD_FEATURE_SIGBUS | UFFD_FEATURE_THREAD_ID |     \
     UFFD_FEATURE_MINOR_HUGETLBFS | UFFD_FEATURE_MINOR_SHMEM |                       \
     UFFD_FEATURE_EXACT_ADDRESS | UFFD_FEATURE_WP_HUGETLBFS_SHMEM)

/* A thread that waits, on its stack. */
struct uffd_waiter {
    struct list link; /* [uffd.lock] empty: in no list */
    void *thread;     /* [c] */
    bool woken;       /* [uffd.lock] */
    u64 number;       /* [uffd.lock] uffd.waits when it came */
    struct uffd_msg msg;
    vaddr_t va; /* [c] */
};

/* What a call tells. */
struct uffd_event {
    struct list link; /* of what the call gathers; then [uffd.lock] */
    struct uffd *u;   /* [c] referenced, `changing` */
    struct uffd
        *heir; /* [uffd.lock] UFFD_EVENT_FORK: whose descriptor is offered; referenced */
    void *thread; /* [c] that waits */
    bool told;    /* [uffd.lock] it need not wait any longer */
    bool taken;   /* [uffd.lock] a reader is making the descriptor: it has to wait */
    struct uffd_msg msg;
};

static inline struct uffd *uffd_of(struct monitor *m)
{
    return (struct uffd *)((char *)m - offsetof(struct uffd, monitor));
}

/* A descriptor's record, with one reference, that is mm's and nobody's yet. NULL: no memory. */
struct uffd *uffd_alloc(struct mm *mm, u32 flags);
/* The features, once; false: they were set before. */
bool uffd_set_features(struct uffd *u, u64 features);
/* A descriptor of the caller's for u, which takes the reference over: or -EMFILE, -ENFILE, -ENOMEM. */
int uffd_open(struct uffd *u);
/* The end of u for who had it open, and of his reference. */
void uffd_close(struct uffd *u);

long uffd_ioctl(struct file *f, u32 cmd, uintptr_t arg);

/* /dev/userfaultfd, once at boot. */
void uffd_init(void);

/* /proc/sys/vm/unprivileged_userfaultfd */
extern u32 uffd_unprivileged;
