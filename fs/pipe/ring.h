/* SPDX-License-Identifier: MIT
 *
 * A ring of bytes in pages that exist only while they hold something, but for one that it keeps when
 * it was emptied: what is inside a pipe.
 * The owner locks. How much is in it can be read without the lock: it is then what it was at
 * some moment, never what a transfer under way or half undone would make of it.
 *
 * Packets (O_DIRECT of pipe2(2)) lie in pages of their own, one each, and bytes before one do not
 * share its page: places between the last byte of a page and its end are skipped. A ring knows
 * where its pages end from the first packet on.
 */
#pragma once

#include "fs/uio.h"
#include "lib/types.h"

struct ring {
    char **slots; /* pages, NULL where nothing is; the first may be kept for what comes */
    u32 nslots;   /* the owner's lock; read without it */
    u32 used; /* the same: head - tail between two calls; whole pages if there are `ends` */
    u16 *
        ends; /* where the bytes of each slot end, and whether they are a packet; 0: a whole
                  page of bytes. NULL: there has been no packet */
    u64 head, tail; /* running numbers: byte n lies in slot (n / PAGE_SIZE) % nslots */
};

/* Room that is taken, 0 when nothing is inside. */
static inline u64 ring_used(const struct ring *r)
{
    return READ_ONCE(r->used);
}

static inline u64 ring_capacity(const struct ring *r)
{
    return (u64)READ_ONCE(r->nslots) * PAGE_SIZE;
}

int must_check ring_init(struct ring *r, u32 nslots); /* 0, -ENOMEM */
void ring_fini(struct ring *r);

/* Bytes move by pieces of at most a page: one that meets bad memory does not move at all, as
 * on Linux. */

/* Bytes moved, at most as many as there are; -EFAULT. Something is inside. */
ssize_t ring_take(struct ring *r, struct uio *u);

/* How many of the oldest bytes lie together, and where; 0: nothing is inside. */
size_t ring_peek(struct ring *r, const char **bytes);
void ring_drop(struct ring *r, size_t n); /* the oldest n, which lie together */
u64 ring_bytes(struct ring *r);           /* all there are */

/* Puts up to n bytes in, as far as there is room: bytes moved; -EFAULT, -ENOMEM. */
ssize_t ring_put(struct ring *r, struct uio *u, size_t n);
/* The same for one packet of n <= PAGE_SIZE bytes: n; 0: no room, which `used` tells from now on. */
ssize_t ring_put_packet(struct ring *r, struct uio *u, size_t n);
/* Copies what lies together at place *at (0: the oldest), n bytes at most, and moves *at behind
 * it. Bytes; 0: nothing there, or no room; -ENOMEM. */
ssize_t ring_pass(struct ring *from, u64 *at, struct ring *to, size_t n);

/* Changes the number of slots; what is inside fits. 0, -ENOMEM: nothing has changed. */
int must_check ring_resize(struct ring *r, u32 nslots);
