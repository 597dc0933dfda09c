/* SPDX-License-Identifier: MIT
 *
 * Who pays. An account is what one user (real user id) has of the kernel's memory beside
 * what hangs on his processes; a quota counts pages and inodes of a file system, or of a
 * user's nameless files. docs/decisions/0008-every-page-has-a-payer.md says what is counted where and why.
 */
#pragma once

#include "lib/list.h"
#include "lib/spinlock.h"
#include "lib/types.h"

/* How far the running thread may draw on the last free pages; who has a higher rank is
 * also above the limits of users. */
enum rank {
    RANK_USER,
    RANK_ADMIN,  /* CAP_SYS_RESOURCE or CAP_SYS_ADMIN */
    RANK_KERNEL, /* kernel threads, and who ends and will give memory back */
};

#define QUOTA_NONE (~0ull)

struct quota {
    u32 refs;          /* atomic: file system or account, inodes, objects */
    u64 pages, inodes; /* atomic: in use */
    u64 max_pages;     /* QUOTA_NONE: no limit */
    u64 max_inodes;
    u64 kept_pages, kept_inodes; /* of these maxima only for RANK_ADMIN and above */
    u64 bytes; /* atomic: of the kernel's records about its pages; full pages of them are in `pages` */
    bool exact; /* [c] but not here, where max_pages was given for data alone */
};

struct account {
    struct list link;       /* all accounts */
    u32 refs;               /* atomic */
    u32 uid;                /* [c] */
    u32 tasks;              /* processes, zombies too, and their further threads;
                             * proc_lock; beside `refs`, for each new one changes both */
    u32 signals;            /* atomic: queued ones */
    u64 pipe_pages;         /* atomic: room of pipes */
    u64 watches;            /* atomic: files that epolls watch */
    u64 bytes;              /* atomic: records of the kernel: open files, locks */
    u64 ipc_bytes;          /* atomic: System V semaphores and messages */
    u64 flying;             /* atomic: descriptors in messages nobody has received */
    struct quota *files;    /* [c] nameless files: memfd, shared anonymous memory */
    struct quota *segments; /* [c] System V segments: they outlive their creator */
    u64 points;             /* kernel/task/oom.c, in the middle of a choice; proc_lock */
};

/* The account of a user, with a reference; NULL: no memory. */
struct account *account_get(u32 uid);
void account_hold(struct account *a);
void account_put(struct account *a);
/* Pages of memory that stand on an account and on no process. */
u64 account_pages(const struct account *a);

/* The kernel gives these (host tests: tests/host/port.c): the account of the running
 * thread (before there is one: account_root), its rank, and whether it has that capability. */
struct account *account_current(void);
enum rank rank_current(void);
bool caller_may(unsigned cap);
extern struct account account_root; /* user 0: there from the start, for ever */

/* A quota without limits and one reference. NULL: no memory. */
struct quota *quota_create(void);
static inline struct quota *quota_get(struct quota *q)
{
    __atomic_fetch_add(&q->refs, 1, __ATOMIC_RELAXED);
    return q;
}
void quota_put(struct quota *q);
/* What a file system may have unless it is told otherwise: half of the memory it could have,
 * and as many inodes as that is pages; root has a sixteenth of both for itself. */
void quota_set_default(struct quota *q);

/* Whether n more pages or inodes may be had; then they are counted. */
bool must_check quota_charge_inode(struct quota *q);
static inline void quota_uncharge_pages(struct quota *q, u64 n)
{
    __atomic_fetch_sub(&q->pages, n, __ATOMIC_RELAXED);
}
static inline void quota_uncharge_inodes(struct quota *q, u64 n)
{
    __atomic_fetch_sub(&q->inodes, n, __ATOMIC_RELAXED);
}
/* The rest of quota_charge_pages() where the rank of the running thread decides. */
bool must_check quota_charge_last(struct quota *q, u64 n, u64 used);
static inline bool must_check quota_charge_pages(struct quota *q, u64 n)
{
    u64 used = __atomic_add_fetch(&q->pages, n, __ATOMIC_RELAXED);

    return likely(used + q->kept_pages <= q->max_pages) || quota_charge_last(q, n, used);
}
/* Whether anybody may have another page, of whatever rank. */
static inline bool quota_ample(const struct quota *q)
{
    return READ_ONCE(q->pages) + q->kept_pages < q->max_pages;
}
/* Records about pages: whether n more bytes may be had. */
bool must_check quota_charge_bytes(struct quota *q, u64 n);
void quota_uncharge_bytes(struct quota *q, u64 n);
/* Pages the running thread may still take, by the quota alone. */
u64 quota_room(const struct quota *q);
