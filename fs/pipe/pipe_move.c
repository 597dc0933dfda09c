/* SPDX-License-Identifier: MIT
 *
 * Bytes of pipes that move without a caller's buffer: what splice and tee stand on.
 */
#include "fs/pipe/pipe_move.h"
#include "fs/pipe/pipe_own.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"

int pipe_wait_data(struct file *f, bool nonblock)
{
    struct pipe *p = f->data;

    if (pipe_has_news(p))
        return 0;
    if (nonblock || file_flags(f) & O_NONBLOCK)
        return -EAGAIN;
    return waitq_wait(&p->readable, pipe_has_news(p));
}

bool pipe_ended(const struct file *f)
{
    const struct pipe *p = f->data;

    return pipe_is_over(p) && !ring_used(&p->ring);
}

int pipe_wait_room(struct file *f, bool nonblock, size_t *room)
{
    struct pipe *p = f->data;
    int err = 0;

    if (READ_ONCE(p->readers) && !pipe_has_room(p, SIZE_MAX)) {
        if (nonblock || file_flags(f) & O_NONBLOCK)
            return -EAGAIN;
        err = waitq_wait(&p->writable,
                         pipe_has_room(p, SIZE_MAX) || !READ_ONCE(p->readers));
    }
    if (!READ_ONCE(p->readers))
        return -EPIPE;
    *room = ring_capacity(&p->ring) - ring_used(&p->ring);
    return err;
}

ssize_t pipe_drain(struct file *f, size_t len, pipe_sink sink, void *arg)
{
    struct pipe *p = f->data;
    ssize_t done = 0, n = 0;
    bool tight;

    mutex_lock(&p->lock);
    tight = pipe_is_tight(p);
    while ((size_t)done < len && ring_used(&p->ring)) {
        const char *bytes;
        size_t part = MIN(ring_peek(&p->ring, &bytes), len - (size_t)done);

        n = sink(arg, bytes, part);
        if (n <= 0)
            break;
        ring_drop(&p->ring, (size_t)n);
        done += n;
        if ((size_t)n < part)
            break;
    }
    mutex_unlock(&p->lock);
    if (done && tight)
        waitq_wake_all(&p->writable);
    return done ? done : n;
}

/* The one at the lower address first. */
static void lock_both(struct pipe *a, struct pipe *b)
{
    mutex_lock(a < b ? &a->lock : &b->lock);
    mutex_lock(a < b ? &b->lock : &a->lock);
}

ssize_t pipe_transfer(struct file *from, struct file *to, size_t len, bool keep)
{
    struct pipe *in = from->data, *out = to->data;
    ssize_t n = 0;
    size_t done = 0;
    u64 at = 0;
    bool tight;

    lock_both(in, out);
    tight = pipe_is_tight(in);
    while (done < len && (n = ring_pass(&in->ring, &at, &out->ring, len - done)) > 0) {
        if (!keep) {
            ring_drop(&in->ring, (size_t)n);
            at = 0;
        }
        done += (size_t)n;
    }
    mutex_unlock(&in->lock);
    mutex_unlock(&out->lock);
    if (done) {
        waitq_wake_all(&out->readable);
        if (tight)
            waitq_wake_all(&in->writable);
    }
    return done ? (ssize_t)done : n;
}

bool pipe_is_same(const struct file *a, const struct file *b)
{
    return a->data == b->data;
}
