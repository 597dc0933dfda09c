/* SPDX-License-Identifier: MIT
 *
 * Copies between kernel memory and the buffers of a uio.
 */
#include "fs/uio.h"
#include "arch/uaccess.h"
#include "lib/pause.h"
#include "lib/string.h"

enum direction { TO_CALLER, FROM_CALLER, ZERO };

/* Bytes of this piece that were copied. */
static always_inline size_t copy_piece(const struct uio *u, uintptr_t at, void *buf,
                                       size_t n, enum direction dir)
{
    switch (dir) {
    case TO_CALLER:
        if (u->user)
            return n - arch_copy_to_user(at, buf, n);
        memcpy((void *)at, buf, n);
        return n;
    case FROM_CALLER:
        if (u->user)
            return n - arch_copy_from_user(buf, at, n);
        memcpy(buf, (void *)at, n);
        return n;
    case ZERO:
        if (u->user)
            return n - arch_clear_user(at, n);
        memset((void *)at, 0, n);
        return n;
    }
    return 0;
}

static always_inline size_t transfer(struct uio *u, char *buf, size_t n,
                                     enum direction dir)
{
    size_t done = 0;

    while (done < n && u->niov) {
        size_t part = MIN(MIN(n - done, u->iov->len - u->skip), UIO_AT_ONCE), copied;

        if (u->skip == u->iov->len) { /* used up */
            u->iov++;
            u->niov--;
            u->skip = 0;
            continue;
        }
        copied =
            copy_piece(u, u->iov->base + u->skip, buf ? buf + done : NULL, part, dir);
        done += uio_take(u, copied);
        if (copied < part)
            break;
        if (done < n)
            pause_anyway();
    }
    return done;
}

size_t uio_copy_to_pieces(struct uio *u, const void *src, size_t n)
{
    return transfer(u, (char *)src, n, TO_CALLER);
}

size_t uio_copy_from_pieces(struct uio *u, void *dst, size_t n)
{
    return transfer(u, dst, n, FROM_CALLER);
}

size_t uio_zero(struct uio *u, size_t n)
{
    return transfer(u, NULL, n, ZERO);
}
