/* SPDX-License-Identifier: MIT
 *
 * Queues of messages of System V: msgop(2). A sender gives its message to the first receiver that
 * waits for such a one; else it goes into the queue. Locks: msg_table.lock, then a queue's.
 */
#pragma once

#include "kernel/ipc/table.h"
#include "lib/waitq.h"

/* kernel.msg*: bytes of a message and of a queue, queues. Single words. */
extern u32 msg_max, msg_mnb, msg_mni;

struct message {
    struct list link;        /* [Q] */
    struct account *account; /* [c] the sender's: it stands there */
    s64 type;
    size_t len;
    char bytes[];
};

struct msg_queue {
    struct ipc_object ipc;
    struct mutex lock; /* Q */
    u32 refs;          /* atomic: the table, calls under way */
    bool removed;      /* [Q], and all below */
    s64 stime, rtime;
    u64 cbytes, qnum, qbytes; /* inside: bytes, messages; bytes there may be */
    s32 lspid, lrpid;
    struct list messages;  /* of struct message */
    struct list receivers; /* of struct msg_receiver */
    struct waitq senders;
    struct account *account; /* [c] it stands there */
};

/* The queue with a reference, locked; msg_put. -EINVAL: none. */
int must_check msg_get(s32 id, struct msg_queue **out);
void msg_put(struct msg_queue *q);
/* What waiters look at has changed: all try again. q->lock held. */
void msg_retry(struct msg_queue *q);
/* Takes a queue, whose lock is held, out of the table, whose lock is held too; the table's reference
 * is the caller's to give back. Then, with the former alone: its messages and waiters leave. */
void msg_unlist(struct msg_queue *q);
void msg_drain(struct msg_queue *q);
/* Bytes and messages of all queues; single words. */
extern u64 msg_all_bytes, msg_all;
