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

struct pipe {
    struct mutex lock;               /* the ring */
    struct waitq readable, writable; /* also: an end was opened or closed */
    struct ring ring;
    u32 readers, writers;
    u32 reader_opens, writer_opens; /* ever */
    u32 users;                      /* open files, and opens that wait */
    struct account
        *account; /* [c] who made it has room for the ring charged, referenced */
};

/* Room a write of `left` bytes waits for: small ones go in whole. */
static inline bool pipe_has_room(const struct pipe *p, size_t left)
{
    return ring_capacity(&p->ring) - ring_used(&p->ring) >= (left <= PIPE_BUF ? left : 1);
}
