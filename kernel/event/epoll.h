/* SPDX-License-Identifier: MIT
 *
 * epoll(7), from inside. An epoll is a set of watches; each stays on the wait queues of its file
 * and puts itself on the list of those that may be ready when one of them is told of a change.
 * epoll_wait asks just these files what holds now.
 *
 *   file's queue ── wake ──> watch ──> ready list ──> threads in epoll_wait
 *                                          └── noted ──> who polls the epoll, by `teller`
 *
 * A watch belongs to an open file and a descriptor. It holds the epoll, but not the file: the end
 * of either ends it. Locks: see struct epoll; watches_lock -> epoll.lock; a file's wait queue ->
 * epoll.lock -> noted_lock -> run queues. What others wait for is told by a thread of the
 * kernel, without any lock: so wait queues are never taken one inside the other.
 */
#pragma once

#include "fs/file.h"
#include "fs/poll.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "lib/waitq.h"
#include "mm/phys/account.h"

#define EPOLL_NESTS_MAX \
    4 /* epolls below an epoll that is watched, EP_MAX_NESTS of Linux */

struct epoll {
    u32 refs;               /* atomic: its file, watches, a place among the noted */
    struct file *file;      /* [watches_lock] NULL: closed */
    spinlock_t lock;        /* irq-safe */
    struct rb_root watches; /* [lock] by file and descriptor */
    struct list ready;      /* [lock] of struct watch: may have events */
    struct list sleepers;   /* [lock] threads that wait for events */
    struct list entrants;   /* [lock] threads that wait for `busy` */
    bool busy;              /* [lock] see epoll_enter() */
    struct waitq pollers;   /* who polls this epoll */
    struct list noted;      /* [noted_lock] to be told; empty: not there */
    struct list inner;      /* [watches_lock] watches of epolls */
    u64 seen; /* [watches_lock] by a look at the nesting, and what it found */
    int depth;
};

struct watch {
    struct rb_node node; /* [epoll.lock] */
    bool listed;         /* [epoll.lock] it is in the tree */
    struct epoll *ep;    /* [c] referenced */
    struct file *file;   /* [c] */
    int fd;              /* [c] */
    u32 events;          /* [epoll.lock] with the flags; written by who is inside */
    u64 data;            /* the same */
    struct list ready;   /* [epoll.lock] empty: in no list */
    struct list inner;   /* [watches_lock] empty: the file is no epoll */
    struct watch *next, **link; /* [watches_lock] of the same file */
    struct poll_table table;    /* of who is inside, while the file is there */
    struct poll_link links[POLL_QUEUES];
    struct account *account; /* [c] it counts there, referenced */
};

/* The bits of `events` that are none. */
#define EPOLL_FLAGS (EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | EPOLLEXCLUSIVE)

/* Above anybody's limits: how many watches a user may have, /proc/sys/fs/epoll. */
extern u64 epoll_max_watches;
extern struct mutex watches_lock;
extern const struct file_ops epoll_ops;

static inline bool file_is_epoll(const struct file *f)
{
    return f->ops == &epoll_ops;
}

/* One thread at a time is inside an epoll: it adds, changes, removes, or asks files. It may
 * sleep there, and go inside the epolls that this one watches. No struct mutex: of a chain of
 * epolls all are held at once, outer before inner, an order no address tells. */
void epoll_enter(struct epoll *ep);
void epoll_leave(struct epoll *ep);

/* Inside. Up to max events to the user's array: how many, -EFAULT. max 0: whether there is
 * one. */
int epoll_gather(struct epoll *ep, vaddr_t user, int max);

/* For epoll_wait: how many, 0 at the deadline (0: no wait), -EINTR, -EFAULT. */
long epoll_wait_for(struct epoll *ep, vaddr_t user, int max, u64 deadline);

/* w may have events. Any context; epoll.lock held. Whether somebody is told. */
bool epoll_ready(struct watch *w);

/* A new one: -ENFILE, -ENOMEM. */
int must_check epoll_open(struct file **out);
void epoll_put(struct epoll *ep);

void epoll_init(void);
