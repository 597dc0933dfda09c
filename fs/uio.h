/* SPDX-License-Identifier: MIT
 *
 * One direction-neutral description of the caller's memory: a list of buffers in user or
 * kernel space, consumed from the front. File code copies through it and never sees a user
 * pointer.
 */
#pragma once

#include "arch/uaccess.h"
#include "lib/types.h"

#define UIO_AT_ONCE 65536u /* bytes between two pauses */

struct iovec {
    uintptr_t base;
    size_t len;
};

/* Where a write goes: as O_APPEND of the file says, or this call. */
enum uio_place { AS_OPENED, AT_END, AT_POSITION };

struct uio {
    const struct iovec *iov; /* kernel copy of the caller's array */
    size_t niov;
    size_t skip;   /* bytes of iov[0] already used */
    size_t left;   /* bytes left in all */
    bool user;     /* buffers are user addresses, range-checked by the caller */
    bool nonblock; /* as if the file had O_NONBLOCK: pipes look at it */
    bool plain;    /* makes no packets of a pipe: what splicing hands on, as on Linux */
    bool
        broken; /* set by a pipe whose last reader left before all was written: SIGPIPE */
    bool limited; /* a write to a regular file ends at byte `limit` */
    bool over;    /* set by one that would begin there: SIGXFSZ */
    u8 place;     /* enum uio_place, for a write to a regular file */
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
    u->plain = !user;
    u->place = AS_OPENED;
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

/* Linux' rule: no transfer ends beyond the largest position. */
static inline bool uio_in_range(const struct uio *u, u64 pos)
{
    s64 end;

    return !__builtin_add_overflow((s64)pos, (s64)u->left, &end);
}

/* Cuts the transfer at the caller's limit; false: nothing is left. */
static inline bool uio_keep_limit(struct uio *u, u64 pos)
{
    if (!u->limited)
        return true;
    u->over = pos >= u->limit;
    if (!u->over)
        u->left = MIN(u->left, u->limit - pos);
    return !u->over;
}

/* Whether the next n bytes are one copy to or from a buffer of the caller's. A buffer used up stays
 * in front until more is wanted. */
static inline bool uio_is_one(const struct uio *u, size_t n)
{
    return u->user && n - 1 < UIO_AT_ONCE && n <= u->iov->len - u->skip;
}

/* Takes n bytes from the front; n is returned. */
static inline size_t uio_take(struct uio *u, size_t n)
{
    u->skip += n;
    u->left -= n;
    return n;
}

/* The general form of the three below: piece by piece. */
size_t uio_copy_to_pieces(struct uio *u, const void *src, size_t n);
size_t uio_copy_from_pieces(struct uio *u, void *dst, size_t n);

/* Copy n <= u->left bytes between src/dst and the caller's memory and advance.
 * Return the bytes copied: less than n when user memory faulted (0: -EFAULT is due). */
static inline size_t uio_copy_to(struct uio *u, const void *src, size_t n)
{
    if (unlikely(!uio_is_one(u, n)))
        return uio_copy_to_pieces(u, src, n);
    return uio_take(u, n - arch_copy_to_user(u->iov->base + u->skip, src, n));
}

static inline size_t uio_copy_from(struct uio *u, void *dst, size_t n)
{
    if (unlikely(!uio_is_one(u, n)))
        return uio_copy_from_pieces(u, dst, n);
    return uio_take(u, n - arch_copy_from_user(dst, u->iov->base + u->skip, n));
}

size_t uio_zero(struct uio *u, size_t n);
