/* SPDX-License-Identifier: MIT
 *
 * What connected sockets are called, and how they end: who learns of it and how.
 */
#include "fs/socket/end.h"
#include "fs/socket/connect.h"
#include "fs/socket/friend.h"
#include "fs/socket/group/group.h"
#include "fs/socket/inet.h"
#include "fs/socket/netlink.h"
#include "fs/socket/packet.h"
#include "fs/socket/ports.h"
#include "fs/socket/socket.h"
#include "fs/socket/socket_own.h"
#include "fs/socket/udp.h"
#include "fs/socket/unix.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

/* ---- names ---- */

int socket_name(struct socket *s, bool peer, struct address *out)
{
    struct socket *of = s;
    struct unix_name *name;
    struct inet_name inet;

    out->len = 0;
    if (is_netlink(s)) {
        netlink_name(s, peer, out);
        return 0;
    }
    if (peer && READ_ONCE(s->state) != SOCKET_CONNECTED)
        return -ENOTCONN;
    if (!is_unix(s)) {
        spin_lock(&s->lock);
        inet = peer ? s->remote : s->local;
        spin_unlock(&s->lock);
        if (peer && !inet.port)
            return -ENOTCONN; /* as Linux has it of who talks to port 0 */
        inet_address(s, &inet, out);
        return 0;
    }
    if (peer && !(of = socket_peer_get(s)))
        return -ENOTCONN;
    name = unix_name_get(of);
    unix_address(name, out);
    if (name)
        unix_name_put(name);
    if (peer)
        socket_put(of);
    return 0;
}

int socket_peer_name(struct socket *s, struct address *out)
{
    return is_over(s) ? -ENOTCONN : socket_name(s, true, out);
}

u32 socket_tcp_state(const struct socket *s)
{
    u32 closed = READ_ONCE(s->closed);

    switch (READ_ONCE(s->state)) {
    case SOCKET_NEW:
        return 7; /* CLOSE */
    case SOCKET_CONNECTING:
        return 2; /* SYN_SENT */
    case SOCKET_LISTENING:
        return 10; /* LISTEN */
    case SOCKET_CONNECTED:
        break;
    }
    if (is_over(s))
        return 7;
    if (closed & CLOSED_END)
        return 8;                         /* CLOSE_WAIT */
    return closed & CLOSED_WRITE ? 5 : 1; /* FIN_WAIT2, ESTABLISHED */
}

/* ---- the end ---- */

/* Nobody will accept these. */
static void refuse_all(struct socket *listener)
{
    for (;;) {
        struct list *first;
        struct socket *n, *client;
        bool late;

        spin_lock(&listener->lock);
        first = list_first(&listener->ready);
        late = !first;
        if (late)
            first = list_first(&listener->late);
        if (first) {
            list_del(first);
            WRITE_ONCE(listener->nready, listener->nready - !late);
        }
        spin_unlock(&listener->lock);
        if (!first)
            return;
        n = list_entry(first, struct socket, link);
        client = n->peer;
        if (late) {
            if (is_tcp(client))
                socket_fail(client, ECONNREFUSED, CLOSED_BOTH);
            WRITE_ONCE(client->error, ECONNREFUSED);
            __atomic_store_n(&client->state, SOCKET_NEW, __ATOMIC_RELEASE);
            socket_wake(client);
        }
        socket_end(n);
        socket_put(n);
        pause_anyway();
    }
}

void socket_stop_listening(struct socket *s)
{
    spin_lock(&s->lock);
    WRITE_ONCE(s->state, SOCKET_NEW);
    if (is_tcp(s))
        WRITE_ONCE(s->closed, 0); /* as if it had never been used */
    spin_unlock(&s->lock);
    socket_wake(s);
    refuse_all(s);
}

/* What the other side of a stream learns. hard: something that was sent was not read, or is
 * not to be. */
static void tell_peer(struct socket *s, struct socket *peer, bool hard)
{
    bool mine;

    spin_lock(&peer->lock);
    mine = peer->peer == s && peer->state == SOCKET_CONNECTED;
    spin_unlock(&peer->lock);
    if (!mine)
        return;
    if (is_unix(s))
        socket_fail(peer, hard ? ECONNRESET : 0, CLOSED_BOTH);
    else
        socket_fail(peer, hard ? ECONNRESET : 0,
                    hard ? CLOSED_BOTH | CLOSED_RESET : CLOSED_READ | CLOSED_END);
}

/* Its peers know of the end, its queue is empty. hard: of the connection, too. */
static void part(struct socket *s, bool hard)
{
    struct socket *peer;

    spin_lock(&s->lock);
    hard |= !list_empty(&s->queue) || (s->listener && !s->file) ||
            (!is_unix(s) && option_on(s, OPT_LINGER) && READ_ONCE(s->linger) == 0);
    peer = s->peer;
    s->peer = NULL;
    WRITE_ONCE(s->closed, CLOSED_BOTH);
    spin_unlock(&s->lock);
    if (peer && is_connected_kind(s))
        tell_peer(s, peer, hard);
    if (peer)
        socket_put(peer);
}

/* A datagram socket's friends have nobody to talk to now. */
static void leave_friends(struct socket *s)
{
    struct socket *peer = socket_peer_get(s);

    if (peer) {
        friend_leave(s, peer);
        socket_put(peer);
    }
    friends_end(s);
}

void socket_end(struct socket *s)
{
    bool listened;

    spin_lock(&s->lock);
    s->dead = true;
    listened = s->state == SOCKET_LISTENING;
    spin_unlock(&s->lock);
    if (is_unix(s))
        unix_unbind(s);
    else if (is_netlink(s))
        netlink_unbind(s);
    else
        inet_unbind(s);
    if (listened)
        socket_stop_listening(s);
    if (is_connected_kind(s))
        (void)socket_withdraw(s);
    else
        leave_friends(s);
    udp_forget(s);
    groups_leave(s);
    part(s, false);
    packet_purge(s);
    socket_wake(s); /* senders that wait for its queue */
}

/* connect to nobody: a stream of the network begins anew, a listener too. */
int socket_reset(struct socket *s)
{
    SCOPED_LOCK(&s->calls);
    if (READ_ONCE(s->state) == SOCKET_LISTENING) {
        socket_stop_listening(s);
        inet_forget_remote(s);
        return 0;
    }
    if (READ_ONCE(s->state) == SOCKET_CONNECTING)
        (void)socket_withdraw(s);
    part(s, true);
    mutex_lock(&s->reading);
    packet_purge(s);
    mutex_unlock(&s->reading);
    spin_lock(&s->lock);
    s->fresh = false;
    WRITE_ONCE(s->state, SOCKET_NEW);
    WRITE_ONCE(s->closed, 0);
    WRITE_ONCE(s->error, 0);
    WRITE_ONCE(s->urgent.state, URGENT_NONE);
    s->urgent.lost = 0;
    spin_unlock(&s->lock);
    inet_forget_remote(s);
    socket_wake(s); /* who waits for a connection, or for what one would bring */
    return 0;
}
