/* SPDX-License-Identifier: MIT
 *
 * Inside pipes: what one is.
 */
#pragma once

#include "fs/pipe/pipe.h"
#include "fs/pipe/ring.h"
#include "lib/mutex.h"
#include "lib/waitq.h"
#include "mm/phys/account.h"

/* Who has opened it stands under the inode's lock (inode.lock) and is read without. Locks of
 * pipes: inode.lock; pipe.lock, of two pipes the one at the lower address first; below it the
 * locks of a file that bytes are moved to. */
struct pipe {
    struct mutex lock;               /* the ring */
    struct waitq readable, writable; /* also: an end was opened or closed */
    struct ring ring;                /* [lock] */
    u32 readers, writers;            /* [inode.lock] */
    u32 reader_opens, writer_opens;  /* [inode.lock] ever */
    u32 users;                       /* [inode.lock] open files, and opens that wait */
    struct account
        *account; /* [c] who made it has room for the ring charged, referenced */
};

/* Whether nobody will write any more, unless a FIFO is opened anew. To be asked before one looks
 * for what is inside: a last writer has written before it goes. */
static inline bool pipe_is_over(const struct pipe *p)
{
    return __atomic_load_n(&p->writers, __ATOMIC_ACQUIRE) == 0;
}

/* What a reader waits for: bytes, or that none will come. */
static inline bool pipe_has_news(const struct pipe *p)
{
    return pipe_is_over(p) || ring_used(&p->ring);
}

/* Whether somebody may wait for room. Only then is he told of more: who watches for changes
 * (EPOLLET) hears that there is room, not of each byte. The lock is held. */
static inline bool pipe_is_tight(const struct pipe *p)
{
    return ring_capacity(&p->ring) - ring_used(&p->ring) < PIPE_BUF;
}

/* Room a write of `left` bytes waits for: small ones go in whole. */
static inline bool pipe_has_room(const struct pipe *p, size_t left)
{
    return ring_capacity(&p->ring) - ring_used(&p->ring) >= (left <= PIPE_BUF ? left : 1);
}
