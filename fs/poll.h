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

struct poll_link {
    struct waitq *q;
    struct waitq_entry entry;
};

/* The waiter's record; links has room for max queues. */
struct poll_table {
    struct poll_link *links;
    size_t count, max;
    void (*wake)(
        struct waitq_entry *e); /* as waitq_watch; NULL: the running thread waits */
};

/* Joins the queue for the running thread. pt may be NULL: only the present state counts. */
void poll_add(struct poll_table *pt, struct waitq *q);
void poll_leave(struct poll_table *pt);
