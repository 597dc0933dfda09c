/* SPDX-License-Identifier: MIT
 *
 * One direction-neutral description of the caller's memory: a list of buffers in user or
 * kernel space, consumed from the front. File code copies through it and never sees a user
 * pointer.
 */
#pragma once

#include "lib/types.h"

struct iovec {
    uintptr_t base;
    size_t len;
};

struct uio {
    const struct iovec *iov; /* kernel copy of the caller's array */
    size_t niov;
    size_t skip;   /* bytes of iov[0] already used */
    size_t left;   /* bytes left in all */
    bool user;     /* buffers are user addresses, range-checked by the caller */
    bool nonblock; /* as if the file had O_NONBLOCK: pipes look at it */
    bool
        broken; /* set by a pipe whose last reader left before all was written: SIGPIPE */
    bool limited; /* a write to a regular file ends at byte `limit` */
    bool over;    /* set by one that would begin there: SIGXFSZ */
    u64 limit;    /* if limited */
};

/* A uio over one buffer; `iov` is the caller's storage. */
static inline void uio_init(struct uio *u, struct iovec *iov, uintptr_t buf, size_t len,
                            bool user)
{
    *iov = (struct iovec){buf, len};
    u->iov = iov;
    u->niov = 1;
    u->skip = 0;
    u->left = len;
    u->user = user;
    u->nonblock = u->broken = u->limited = u->over = false;
}

static inline void uio_init_kernel(struct uio *u, struct iovec *iov, void *buf,
                                   size_t len)
{
    uio_init(u, iov, (uintptr_t)buf, len, false);
}

static inline void uio_init_user(struct uio *u, struct iovec *iov, uintptr_t buf,
                                 size_t len)
{
    uio_init(u, iov, buf, len, true);
}

/* Copy n <= u->left bytes between src/dst and the caller's memory and advance.
 * Return the bytes copied: less than n when user memory faulted (0: -EFAULT is due). */
size_t uio_copy_to(struct uio *u, const void *src, size_t n);
size_t uio_copy_from(struct uio *u, void *dst, size_t n);
size_t uio_zero(struct uio *u, size_t n);
