/* SPDX-License-Identifier: MIT
 *
 * Streams: bytes without borders, but for those that descriptors and senders draw.
 */
#include "fs/socket/stream.h"
#include "fs/socket/end.h"
#include "fs/socket/packet.h"
#include "fs/socket/rights.h"
#include "fs/socket/socket.h"
#include "fs/socket/socket_own.h"
#include "fs/socket/urgent.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

#define PART_SLACK 64u /* of half the room, which no part may fill */

/* ---- sending ---- */

static bool may_go_on(struct socket *s)
{
    return has_room(s) || READ_ONCE(s->closed) & CLOSED_WRITE || READ_ONCE(s->error) ||
           READ_ONCE(s->state) == SOCKET_NEW;
}

/* 0, or why s cannot send now. */
static int check_send(struct socket *s, struct uio *u)
{
    enum socket_state state = READ_ONCE(s->state);
    int err = is_unix(s) ? 0 : socket_take_error(s);

    if (state != SOCKET_CONNECTED && !err)
        err = is_unix(s) ? -ENOTCONN : -EPIPE;
    if (READ_ONCE(s->closed) & CLOSED_WRITE && !err)
        err = -EPIPE;
    u->broken = err == -EPIPE;
    return err ? err : socket_take_error(s);
}

/* How many bytes go at once. Those of a unix stream take at most half of the sender's room, as on
 * Linux: a writer waits before all of a long message lies there, however small the room is. */
static size_t part_size(const struct socket *s)
{
    size_t half = READ_ONCE(s->sndbuf) / 2 - PART_SLACK;

    return is_unix(s) ? MIN(half, (size_t)STREAM_PART) : STREAM_PART;
}

/* One part; the rights go with it. Bytes or errno. */
static ssize_t send_part(struct socket *s, struct socket *peer, struct message *m)
{
    size_t n = MIN(m->uio->left, part_size(s));
    struct packet *p;
    int err;

    if (m->flags & MSG_OOB && is_unix(s)) /* the last byte is a part of its own */
        n = MAX(MIN(n, m->uio->left - 1), (size_t)1);
    p = packet_create(s, n);
    if (!p)
        return -ENOBUFS;
    err = packet_fill(p, NULL, m->uio);
    if (!err) {
        packet_set_cred(p, s, peer, m);
        err = rights_fly(p, m->rights, peer, m->max_flying);
    }
    if (!err) {
        struct rights *sent = m->rights;

        p->urgent = m->flags & MSG_OOB && !m->uio->left;
        m->rights = NULL;
        err = packet_queue(peer, p);
        if (!err)
            return (ssize_t)n;
        m->rights = sent ? rights_land(p) : NULL;
    }
    packet_free(p);
    if (err != -EPIPE)
        return err;
    if (is_unix(s)) {
        m->uio->broken = true;
        return err;
    }
    socket_fail(s, EPIPE,
                CLOSED_BOTH |
                    CLOSED_RESET); /* the network takes the bytes before it says so */
    return (ssize_t)n;
}

static int wait_room(struct socket *s, bool wait)
{
    if (READ_ONCE(s->sent) < READ_ONCE(s->sndbuf))
        return 0;
    return wait ? socket_wait(s, may_go_on(s), READ_ONCE(s->sndtimeo)) : -EAGAIN;
}

/* A stream of the network whose connection is under way is waited for. */
static int wait_connected(struct socket *s, bool wait)
{
    if (READ_ONCE(s->state) != SOCKET_CONNECTING || is_unix(s))
        return 0;
    return wait ? socket_wait(s, READ_ONCE(s->state) != SOCKET_CONNECTING,
                              READ_ONCE(s->sndtimeo))
                : -EAGAIN;
}

ssize_t stream_send(struct socket *s, struct message *m, bool wait)
{
    struct socket *peer;
    ssize_t done = 0, n = wait_connected(s, wait);

    if (m->address.len && is_unix(s))
        return READ_ONCE(s->state) == SOCKET_CONNECTED ? -EISCONN : -EOPNOTSUPP;
    if (n || (n = check_send(s, m->uio)) != 0)
        return n;
    peer = socket_peer_get(s);
    if (!peer)
        return -ENOTCONN;
    while (m->uio->left) {
        n = wait_room(s, wait);
        if (!n)
            n = check_send(s, m->uio);
        if (!n)
            n = send_part(s, peer, m);
        if (n <= 0)
            break;
        done += n;
        if (pause_point())
            break;
    }
    socket_put(peer);
    return done ? done : n;
}

/* ---- receiving ---- */

/* Bytes that have not been looked at: `ahead` are passed over by one who peeks. */
static bool has_bytes(struct socket *s, size_t ahead)
{
    return ahead ? READ_ONCE(s->queued) > ahead : READ_ONCE(s->npackets) != 0;
}

static bool has_news(struct socket *s, size_t ahead)
{
    return has_bytes(s, ahead) || READ_ONCE(s->closed) & CLOSED_READ ||
           READ_ONCE(s->error) || READ_ONCE(s->state) == SOCKET_NEW;
}

/* Nothing lies in the queue: 0: go and look again; 1: it is the end; or errno. s->reading is
 * given up for a wait. */
static int wait_bytes(struct socket *s, size_t ahead, bool wait)
{
    REQUIRES(&s->reading);
    u32 closed = __atomic_load_n(&s->closed, __ATOMIC_ACQUIRE);
    enum socket_state state = READ_ONCE(s->state);
    int err = READ_ONCE(s->error) == EPIPE ? 0 : socket_take_error(s);

    if (has_bytes(s, ahead))
        return 0;
    if (err)
        return err;
    if (is_unix(s) && (state == SOCKET_NEW || state == SOCKET_LISTENING))
        return -EINVAL;
    if (state == SOCKET_LISTENING)
        return -ENOTCONN;
    if (closed & CLOSED_READ)
        return 1;
    if (state == SOCKET_NEW)
        return -ENOTCONN;
    if (!wait)
        return -EAGAIN;
    mutex_unlock(&s->reading);
    err = socket_wait(s, has_news(s, ahead), READ_ONCE(s->rcvtimeo));
    mutex_lock(&s->reading);
    return err;
}

/* What is read so far. */
struct reading {
    struct message *m;
    struct packet *last; /* peeked at last */
    size_t want, done;
    size_t skip, ahead; /* peeked at: not yet of this packet; of all */
    size_t pass;        /* SO_PEEK_OFF: bytes of the queue still to be passed over */
    struct socket_cred cred;
    bool has_cred, any, ends;
};

/* Bytes of different senders are not mixed where one asks who they are. */
static bool belongs(const struct socket *s, const struct reading *r,
                    const struct packet *p)
{
    if (!r->any || !is_unix(s) || !option_on(s, OPT_PASSCRED))
        return true;
    return r->has_cred == p->has_cred && !memcmp(&r->cred, &p->cred, sizeof(p->cred));
}

/* n bytes at the head of the queue, p, are read. */
static void consume(struct socket *s, struct packet *p, size_t n)
{
    packet_used(s, p, n);
    if (p->start < p->len)
        return;
    packet_take(s, p);
    packet_free(p);
}

/* Takes what it can, `most` bytes at most, out of p: 0 or errno when not a byte came. */
static int read_packet(struct socket *s, struct reading *r, struct packet *p, size_t most)
{
    bool peek = r->m->flags & MSG_PEEK, drop = !is_unix(s) && r->m->flags & MSG_TRUNC;
    size_t want = MIN(r->want - r->done, p->len - p->start - r->skip), n;
    int err = 0;

    want = MIN(want, most);
    n = drop ? want : packet_copy(p, r->m->uio, r->skip, want);
    if (!n)
        return -EFAULT;
    r->done += n;
    r->ends = n < want;
    r->cred = p->cred;
    r->has_cred = p->has_cred;
    r->any = true;
    if (is_tcp(s))
        packet_tell_time(s, p, r->m);
    if (READ_ONCE(p->rights)) {
        r->m->rights = peek ? rights_peek(p, &err) : rights_land(p);
        r->ends = true;
    }
    r->last = p;
    r->skip = 0;
    packet_peek_moved(s, peek, n);
    if (peek)
        r->ahead += n;
    else
        consume(s, p, n);
    return err;
}

/* The urgent byte, at the head of p, is left out. */
static void skip_urgent(struct socket *s, struct reading *r, struct packet *p)
{
    if (!(r->m->flags & MSG_PEEK)) {
        consume(s, p, 1);
        return;
    }
    r->ahead++;
    r->skip++;
    if (p->start + r->skip < p->len)
        return;
    r->last = p;
    r->skip = 0;
}

/* p has the urgent byte of AF_UNIX, or had it: a read stops before the mark, and what was read is
 * gone. */
static int read_marked(struct socket *s, struct reading *r, struct packet *p)
{
    bool mark = p == READ_ONCE(s->urgent.mark), read = p->start == p->len;

    if (mark && r->any) {
        r->ends = true;
    } else if (!read && (!mark || option_on(s, OPT_OOBINLINE))) {
        return read_packet(s, r, p, ~(size_t)0);
    } else if (!read && r->m->flags & MSG_PEEK) {
        r->ahead++;
        r->last = p;
    } else {
        packet_take(s, p);
        packet_free(p);
    }
    return 0;
}

/* What a peek does not look at, as SO_PEEK_OFF says. Whether all of p is passed over. */
static bool pass_over(struct reading *r, struct packet *p)
{
    size_t n = MIN(r->pass, (size_t)(p->len - p->start));

    r->pass -= n;
    r->ahead += n;
    r->skip = n;
    if (p->start + n < p->len)
        return false;
    r->last = p;
    r->skip = 0;
    return true;
}

/* Reads out of p as far as the urgent byte lets it. */
static int read_some(struct socket *s, struct reading *r, struct packet *p)
{
    size_t n = ~(size_t)0;

    if (unlikely(r->pass) && pass_over(r, p))
        return 0;
    if (unlikely(p->urgent) && is_unix(s))
        return read_marked(s, r, p);
    if (unlikely(READ_ONCE(s->urgent.state) != URGENT_NONE))
        n = urgent_before(s, r->ahead);
    if (unlikely(READ_ONCE(s->urgent.lost))) /* since it was looked at */
        return 0;
    if (!n && r->any) {
        r->ends = true;
        return 0;
    }
    if (n || option_on(s, OPT_OOBINLINE))
        return read_packet(s, r, p, n ? n : ~(size_t)0);
    skip_urgent(s, r, p);
    return 0;
}

/* What a peek has passed over without a byte for its reader is looked at anew. */
static void begin_anew(struct socket *s, struct reading *r)
{
    r->last = NULL;
    r->skip = r->ahead = 0;
    r->pass = r->m->flags & MSG_PEEK ? (size_t)MAX(packet_peek_from(s), 0) : 0;
}

/* The first bytes of the queue that count as read go. */
static void drop_lost(struct socket *s, struct reading *r)
{
    REQUIRES(&s->reading);
    u32 n;

    while ((n = READ_ONCE(s->urgent.lost)) != 0) {
        struct packet *p = packet_after(s, NULL);

        consume(s, p, MIN(n, p->len - p->start));
    }
    begin_anew(s, r);
}

static int read_all(struct socket *s, struct reading *r, bool wait)
{
    REQUIRES(&s->reading);
    bool peek = r->m->flags & MSG_PEEK, all = r->m->flags & MSG_WAITALL;
    size_t enough = all ? r->want : MIN(r->want, (size_t)low_water(s));
    int err = 0;

    while (!r->want && !READ_ONCE(s->npackets)) { /* no bytes are waited for as one is */
        err = wait_bytes(s, 0, wait);
        if (err || pause_point())
            return err == 1 ? 0 : err;
    }
    begin_anew(s, r);
    while (r->done < r->want && !r->ends) {
        struct packet *p;

        if (unlikely(READ_ONCE(s->urgent.lost))) {
            if (r->any && peek)
                break;
            drop_lost(s, r);
        }
        p = packet_after(s, peek ? r->last : NULL);
        if (p && !belongs(s, r, p))
            break;
        if (p) {
            err = read_some(s, r, p);
        } else if (r->any && (r->done >= enough || peek)) {
            break;
        } else {
            err = wait_bytes(s, r->ahead, wait);
            begin_anew(s, r);
            if (err == 1)
                return 0;
        }
        if (err || pause_point())
            break;
    }
    return err;
}

/* From whom bytes came: who has no name is not told of, no more than one beyond the network. */
static void tell_sender(struct socket *s, struct message *m)
{
    if (socket_name(s, true, &m->address) != 0 || m->address.len <= sizeof(u16))
        m->address.len = 0;
}

ssize_t stream_receive(struct socket *s, struct message *m, bool wait)
{
    struct reading r = {.m = m, .want = m->uio->left};
    int err = wait_connected(s, wait);

    if (err)
        return err;
    mutex_lock(&s->reading);
    err = read_all(s, &r, wait);
    mutex_unlock(&s->reading);
    m->cred = r.cred;
    m->has_cred = r.has_cred;
    if (m->asks_name && r.any && is_unix(s))
        tell_sender(s, m);
    m->has_left = asks_left(s);
    if (m->has_left)
        m->left = (s32)READ_ONCE(s->queued);
    return r.done ? (ssize_t)r.done : err;
}
