/* SPDX-License-Identifier: MIT
 *
 * Messages: datagrams, and the sequenced packets of AF_UNIX.
 */
#include "fs/socket/dgram.h"
#include "fs/filter/packet.h"
#include "fs/socket/friend.h"
#include "fs/socket/inet.h"
#include "fs/socket/netlink.h"
#include "fs/socket/packet.h"
#include "fs/socket/ports.h"
#include "fs/socket/rights.h"
#include "fs/socket/socket.h"
#include "fs/socket/socket_own.h"
#include "fs/socket/udp.h"
#include "fs/socket/unix.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

#define QUEUE_MAX    10u /* messages that wait at a unix socket, and one */
#define SNDBUF_SLACK 32u /* of the room, which no message may fill */

bool dgram_is_full_for(const struct socket *to)
{
    return is_unix(to) && !is_stream(to) && READ_ONCE(to->npackets) > QUEUE_MAX;
}

/* The peer's queue is full, and not because it talks to s alone. */
bool dgram_is_full(struct socket *s)
{
    struct socket *peer = socket_peer_get(s);
    bool full = peer && READ_ONCE(peer->peer) != s && dgram_is_full_for(peer) &&
                friend_awaits_room(s, peer);

    if (peer)
        socket_put(peer);
    return full;
}

/* ---- whom it talks to ---- */

void dgram_set_peer(struct socket *s, struct socket *peer)
{
    struct socket *old;

    if (peer) {
        socket_get(peer);
        friend_join(s, peer);
    }
    spin_lock(&s->lock);
    old = s->peer;
    s->peer = peer;
    WRITE_ONCE(s->state, peer ? SOCKET_CONNECTED : SOCKET_NEW);
    spin_unlock(&s->lock);
    if (old)
        socket_put(old);
}

/* What waits for one of AF_UNIX is lost with its peer, who learns of it if he talks to s. */
static void drop_waiting(struct socket *s, struct socket *peer)
{
    if (!READ_ONCE(s->npackets))
        return;
    mutex_lock(&s->reading);
    packet_purge(s);
    mutex_unlock(&s->reading);
    if (peer != s && READ_ONCE(peer->peer) == s && !READ_ONCE(peer->dead))
        socket_fail(peer, ECONNRESET, 0);
}

/* Ends it, for another one or (NULL) for nobody; s->calls held, or s is going. */
static void forget_peer(struct socket *s, const struct socket *next)
{
    struct socket *peer = socket_peer_get(s);

    if (!peer)
        return;
    if (peer != next)
        drop_waiting(s, peer);
    friend_leave(s, peer);
    socket_put(peer);
    dgram_set_peer(s, NULL);
}

/* The one it talked to is gone: unless it has found another meanwhile, it has none. */
static void lose_peer(struct socket *s, const struct socket *to)
{
    bool same;

    mutex_lock(&s->calls);
    spin_lock(&s->lock);
    same = s->peer == to;
    spin_unlock(&s->lock);
    if (same)
        forget_peer(s, NULL);
    mutex_unlock(&s->calls);
}

static bool may_send(const struct socket *s, const struct socket *to)
{
    const struct socket *peer = READ_ONCE(to->peer);

    return !peer || peer == s;
}

static int connect_inet(struct socket *s, const struct address *a)
{
    struct inet_name to;
    int err = inet_parse(s, a, &to);

    if (err == -ENETUNREACH && a->bytes[0] == AF_INET)
        return -EAFNOSUPPORT; /* of a socket for IPv6 only; sends are told the other */
    if (!err)
        err = inet_route_from(s, &to);
    if (!err)
        err = inet_autobind(s);
    if (err)
        return err;
    inet_set_remote(s, &to);
    socket_set_state(s, SOCKET_CONNECTED);
    return 0;
}

/* s->calls held. a NULL: to nobody. */
int dgram_connect(struct socket *s, const struct address *a, struct fs_context *fs)
{
    REQUIRES(&s->calls);
    struct socket *to;
    int err;

    if (!a) {
        forget_peer(s, NULL);
        if (!is_unix(s))
            inet_forget_remote(s);
        socket_set_state(s, SOCKET_NEW);
        return 0;
    }
    if (!is_unix(s))
        return connect_inet(s, a);
    err = unix_find(a, s->type, fs, &to);
    if (err)
        return err;
    if (option_on(s, OPT_PASSCRED))
        err = unix_autobind(s);
    if (!err && !may_send(s, to))
        err = -EPERM;
    if (!err) {
        forget_peer(s, to);
        dgram_set_peer(s, to);
    }
    socket_put(to);
    return err;
}

/* ---- sending ---- */

/* To whom, referenced. *to NULL with 0: to nobody who is there. */
static int find_unix(struct socket *s, const struct message *m, struct socket **to)
{
    int err = 0;

    if (s->type == SOCK_SEQPACKET && READ_ONCE(s->state) != SOCKET_CONNECTED)
        return -ENOTCONN;
    if (m->address.len && s->type == SOCK_DGRAM) {
        err = unix_find(&m->address, s->type, m->fs, to);
    } else {
        *to = socket_peer_get(s);
        if (!*to)
            err = -ENOTCONN;
    }
    if (!err && option_on(s, OPT_PASSCRED))
        (void)unix_autobind(s);
    return err;
}

/* No more fits there, and it is not s alone it talks to. */
static bool is_crowded(const struct socket *s, const struct socket *to)
{
    return to != s && READ_ONCE(to->peer) != s && dgram_is_full_for(to);
}

/* 0: it stands in the queue. */
static int deliver_unix(struct socket *s, struct socket *to, struct message *m,
                        struct packet *p, bool wait)
{
    struct rights *sent;
    int err = 0;

    if (s->type == SOCK_DGRAM && !may_send(s, to))
        return -EPERM;
    while (!err && is_crowded(s, to) && !READ_ONCE(to->dead) &&
           !(READ_ONCE(to->closed) & CLOSED_READ))
        err = wait ? socket_wait(to, !is_crowded(s, to) || READ_ONCE(to->dead),
                                 READ_ONCE(s->sndtimeo))
                   : -EAGAIN;
    if (!err && READ_ONCE(s->closed) & CLOSED_WRITE)
        err = -EPIPE;
    if (err)
        return err;
    packet_set_cred(p, s, to, m);
    p->from = unix_name_get(s);
    err = rights_fly(p, m->rights, to, m->max_flying);
    if (err)
        return err;
    sent = m->rights;
    m->rights = NULL;
    err = packet_queue(to, p);
    if (!err)
        return 0;
    m->rights = sent ? rights_land(p) : NULL;
    if (READ_ONCE(to->dead) && s->type == SOCK_DGRAM) {
        err = -ECONNREFUSED;
        if (!m->address.len)
            lose_peer(s, to);
    }
    return err;
}

static int check_send(struct socket *s, size_t len)
{
    int err = socket_check_send(s);

    if (!err && len + SNDBUF_SLACK > READ_ONCE(s->sndbuf))
        err = -EMSGSIZE;
    return err;
}

static int wait_room(struct socket *s, bool wait)
{
    if (READ_ONCE(s->sent) < READ_ONCE(s->sndbuf))
        return 0;
    if (!wait)
        return -EAGAIN;
    return socket_wait(s, has_room(s) || READ_ONCE(s->closed) & CLOSED_WRITE,
                       READ_ONCE(s->sndtimeo));
}

ssize_t dgram_send(struct socket *s, struct message *m, bool wait)
{
    struct socket *to = NULL;
    size_t len = m->uio->left;
    struct packet *p;
    bool dropped;
    int err;

    if (!is_unix(s))
        return udp_send(s, m);
    err = check_send(s, len);
    if (!err)
        err = find_unix(s, m, &to);
    if (!err)
        err = wait_room(s, wait);
    p = err ? NULL : packet_create(s, len);
    if (!err && !p)
        err = -ENOBUFS;
    if (!err)
        err = packet_fill(p, NULL, m->uio);
    dropped = !err && packet_filtered_out(to, p); /* which nobody is told */
    if (!err && !dropped)
        err = deliver_unix(s, to, m, p, wait);
    if (p && (err || dropped))
        packet_free(p);
    if (to)
        socket_put(to);
    return err ? err : (ssize_t)len;
}

/* ---- receiving ---- */

/* More than there was when `last` was the end of the queue. */
static bool has_news(struct socket *s, const struct list *last)
{
    return READ_ONCE(s->queue.prev) != last || READ_ONCE(s->closed) & CLOSED_READ ||
           READ_ONCE(s->error);
}

/* 0: look again; 1: nothing will come; or errno. */
static int wait_message(struct socket *s, const struct list *last, bool wait)
{
    REQUIRES(&s->reading);
    u32 closed = __atomic_load_n(&s->closed, __ATOMIC_ACQUIRE);
    int err = socket_take_error(s);

    if (err || READ_ONCE(s->queue.prev) != last)
        return err;
    if (s->type == SOCK_SEQPACKET && READ_ONCE(s->state) != SOCKET_CONNECTED)
        return -ENOTCONN;
    if (closed & CLOSED_READ && (wait || s->type == SOCK_SEQPACKET))
        return 1;
    if (!wait)
        return -EAGAIN;
    mutex_unlock(&s->reading);
    err = socket_wait(s, has_news(s, last), READ_ONCE(s->rcvtimeo));
    mutex_lock(&s->reading);
    return err;
}

static void tell_sender(const struct socket *s, const struct packet *p, struct message *m)
{
    m->cred = p->cred;
    m->has_cred = p->has_cred;
    if (is_netlink(s))
        netlink_tell(s, m);
    else if (!is_unix(s))
        udp_tell(s, p, m);
    else if (p->from)
        unix_address(p->from, &m->address);
}

/* The message is gone afterwards even where its reader's memory is not there. */
static ssize_t read_message(struct socket *s, struct message *m, struct packet *p,
                            size_t skip)
{
    size_t most = p->len - skip, n = MIN(m->uio->left, most);
    bool peek = m->flags & MSG_PEEK;
    ssize_t result;
    int err = 0;

    tell_sender(s, p, m);
    packet_tell_time(s, p, m);
    if (!is_unix(s)) /* which is told of the whole of it */
        most = p->len;
    if (packet_copy(p, m->uio, skip, n) != n)
        err = -EFAULT;
    if (n < most)
        m->out_flags |= MSG_TRUNC;
    result = (ssize_t)(m->flags & MSG_TRUNC ? most : n);
    if (!err && READ_ONCE(p->rights))
        m->rights = peek ? rights_peek(p, &err) : rights_land(p);
    if (!err)
        packet_peek_moved(s, peek, is_unix(s) ? (peek ? n : p->len) : (size_t)result);
    if (!peek) {
        packet_take(s, p);
        packet_free(p);
    }
    return err ? err : result;
}

/* The first one, or that in which a peek begins (SO_PEEK_OFF), after *skip of its bytes. NULL: there
 * is none as long as *last is the end of the queue. */
static struct packet *find_message(struct socket *s, const struct message *m,
                                   size_t *skip, const struct list **last)
{
    REQUIRES(&s->reading);
    s64 from = m->flags & MSG_PEEK ? packet_peek_from(s) : -1;
    struct packet *p;

    *last = READ_ONCE(s->queue.prev);
    p = packet_after(s, NULL);
    for (; p && from >= p->len && (p->len || from || p->peeked); p = packet_after(s, p)) {
        from -= p->len;
        pause_anyway();
    }
    if (p && from >= 0 && !p->len)
        p->peeked = true;
    *skip = (size_t)MAX(from, 0);
    return p;
}

ssize_t dgram_receive(struct socket *s, struct message *m, bool wait)
{
    const struct list *last;
    struct packet *p;
    ssize_t n = 0;
    size_t skip;

    mutex_lock(&s->reading);
    while (!(p = find_message(s, m, &skip, &last)) || READ_ONCE(s->error)) {
        n = wait_message(s, p ? NULL : last, wait);
        if (n)
            break;
    }
    if (n == 0)
        n = read_message(s, m, p, skip);
    else if (n == 1)
        n = 0;
    mutex_unlock(&s->reading);
    return n;
}
