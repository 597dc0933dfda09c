/* SPDX-License-Identifier: MIT
 *
 * Urgent data of TCP and AF_UNIX.
 *
 * Places are counted in bytes of the stream: socket.taken is the next to be read. A sender
 * that makes an urgent byte lose its rank while it is the next cannot take it out of the queue,
 * which is the readers': it counts it as read, in urgent.lost, and the next reader drops it.
 */
#include "fs/socket/urgent.h"
#include "fs/file.h"
#include "fs/socket/packet.h"
#include "fs/socket/socket.h"
#include "fs/socket/socket_own.h"
#include "fs/uio.h"
#include "lib/uapi/errno.h"

static bool is_next(const struct socket *s)
{
    REQUIRES(&s->lock);
    return s->urgent.state != URGENT_NONE && s->urgent.at == s->taken;
}

void urgent_mark(struct socket *s, struct packet *p)
{
    REQUIRES(&s->lock);
    struct urgent *u = &s->urgent;

    if (is_next(s) && !option_on(s, OPT_OOBINLINE)) {
        u->lost++;
        s->taken++;
        WRITE_ONCE(s->queued, s->queued - 1);
    }
    u->byte = packet_byte(p, p->len - 1);
    u->at = is_unix(s) ? ~0ull : s->taken + s->queued - 1;
    u->mark = is_unix(s) ? p : NULL;
    WRITE_ONCE(u->state, URGENT_HERE);
    if (READ_ONCE(s->file)) /* as long as the socket is not dead */
        file_async_urgent(s->file);
}

void urgent_unmark(struct socket *s, const struct packet *p)
{
    REQUIRES(&s->lock);
    if (s->urgent.mark != p)
        return;
    s->urgent.mark = NULL;
    WRITE_ONCE(s->urgent.state, URGENT_NONE);
}

u32 urgent_count_lost(struct socket *s, size_t n)
{
    REQUIRES(&s->lock);
    u32 counted = (u32)MIN(n, (size_t)s->urgent.lost);

    s->urgent.lost -= counted;
    return counted;
}

void urgent_passed(struct socket *s)
{
    REQUIRES(&s->lock);
    if (unlikely(s->urgent.state != URGENT_NONE) && s->taken > s->urgent.at)
        WRITE_ONCE(s->urgent.state, URGENT_NONE);
}

size_t urgent_before(struct socket *s, size_t ahead)
{
    SCOPED_LOCK(&s->lock);
    if (s->urgent.state == URGENT_NONE || s->urgent.at < s->taken + ahead)
        return ~(size_t)0;
    return s->urgent.at - s->taken - ahead;
}

u32 urgent_inq(struct socket *s)
{
    REQUIRES(&s->lock);
    if (s->urgent.state == URGENT_NONE || is_unix(s) || option_on(s, OPT_OOBINLINE))
        return (u32)s->queued;
    return (u32)(s->urgent.at - s->taken);
}

u64 urgent_unread(struct socket *s)
{
    REQUIRES(&s->lock);
    return s->queued - (is_next(s) && !option_on(s, OPT_OOBINLINE));
}

bool urgent_is_next(struct socket *s)
{
    SCOPED_LOCK(&s->lock);
    return is_unix(s) ? s->urgent.mark && s->queue.next == &s->urgent.mark->link
                      : is_next(s);
}

/* That of AF_UNIX is read for good; its packet stays, as the mark. The readers' mutex. */
static void take_marked(struct socket *s)
{
    struct packet *p;

    spin_lock(&s->lock);
    p = s->urgent.state == URGENT_READ ? s->urgent.mark : NULL;
    spin_unlock(&s->lock);
    if (p && p->start < p->len)
        packet_used(s, p, 1);
}

static int take_urgent(struct socket *s, const struct message *m, u8 *byte)
{
    SCOPED_LOCK(&s->lock);
    int err = 0;

    if (s->state == SOCKET_LISTENING && !is_unix(s))
        err = -ENOTCONN;
    else if (option_on(s, OPT_OOBINLINE) || s->urgent.state != URGENT_HERE)
        err = -EINVAL;
    else if (!(m->flags & MSG_PEEK))
        WRITE_ONCE(s->urgent.state, URGENT_READ);
    *byte = s->urgent.byte;
    return err;
}

ssize_t urgent_receive(struct socket *s, struct message *m)
{
    int err;
    u8 byte;

    if (is_unix(s))
        mutex_lock(&s->reading);
    err = take_urgent(s, m, &byte);
    if (is_unix(s)) {
        take_marked(s);
        mutex_unlock(&s->reading);
    }
    if (err)
        return err;
    m->out_flags |= MSG_OOB;
    if (!m->uio->left) {
        if (is_unix(s))
            return 1;
        m->out_flags |= MSG_TRUNC;
        return 0;
    }
    if (!(m->flags & MSG_TRUNC) && uio_copy_to(m->uio, &byte, 1) != 1)
        return -EFAULT;
    return 1;
}
