/* SPDX-License-Identifier: MIT
 *
 * poll: a file says which events hold now and, when asked, on which wait queues it will
 * tell of changes.
 */
#pragma once

#include "lib/types.h"
#include "lib/waitq.h"

#define POLLIN     0x001u
#define POLLPRI    0x002u
#define POLLOUT    0x004u
#define POLLERR    0x008u
#define POLLHUP    0x010u
#define POLLNVAL   0x020u
#define POLLRDNORM 0x040u
#define POLLWRNORM 0x100u
#define POLLWRBAND 0x200u
#define POLLRDHUP  0x2000u

/* A file joins so many at most: it waits for input and for room. A queue stays as long as its
 * file, and each change is told on it after it was made. */
#define POLL_QUEUES 2u

struct poll_link {
    struct waitq *q;
    struct waitq_entry entry;
};

/* The waiter's record; links has room for max queues. What poll and select use for the time of
 * a call, epoll and signals of files use for as long as they watch. */
struct poll_table {
    struct poll_link *links;
    size_t count, max;
    /* For the entries, as in struct waitq_entry; NULL: the running thread waits. */
    bool (*wake)(struct waitq_entry *e);
    void *watcher;
    bool exclusive;
};

/* Joins the queue for the running thread. pt may be NULL: only the present state counts. */
void poll_add(struct poll_table *pt, struct waitq *q);
void poll_leave(struct poll_table *pt);
