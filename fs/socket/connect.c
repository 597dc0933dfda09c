/* SPDX-License-Identifier: MIT
 *
 * Connections: listening, accepting, connecting, and their end.
 *
 * A client makes the server's socket itself, whole and connected, and puts it into the
 * listener's queue: `ready` where there is room, else `late`, where it waits until an accept
 * makes room. Who takes a server's socket out of `late` decides, with listener.lock held,
 * what becomes of its client.
 */
#include "fs/socket/connect.h"
#include "fs/inode.h"
#include "fs/socket/backlog.h"
#include "fs/socket/dgram.h"
#include "fs/socket/end.h"
#include "fs/socket/inet.h"
#include "fs/socket/netlink.h"
#include "fs/socket/ports.h"
#include "fs/socket/socket.h"
#include "fs/socket/socket_own.h"
#include "fs/socket/unix.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"

u32 socket_backlog_max = 4096;

int socket_bind(struct socket *s, const struct address *a, struct fs_context *fs)
{
    SCOPED_LOCK(&s->calls);
    if (is_netlink(s))
        return netlink_bind(s, a);
    return is_unix(s) ? unix_bind(s, a, fs) : inet_bind(s, a, fs);
}

/* ---- listening ---- */

static int may_listen(struct socket *s)
{
    enum socket_state state = READ_ONCE(s->state);

    if (!is_connected_kind(s))
        return -EOPNOTSUPP;
    if (state == SOCKET_CONNECTED || state == SOCKET_CONNECTING)
        return -EINVAL;
    if (is_unix(s))
        return s->name ? 0 : -EINVAL;
    return state == SOCKET_LISTENING ? 0 : inet_may_listen(s);
}

int socket_listen(struct socket *s, s32 backlog)
{
    SCOPED_LOCK(&s->calls);
    int err = may_listen(s);

    if (err)
        return err;
    socket_cred_current(&s->cred, IDS_EFFECTIVE);
    spin_lock(&s->lock);
    s->backlog = MIN((u32)backlog, READ_ONCE(socket_backlog_max));
    WRITE_ONCE(s->state, SOCKET_LISTENING);
    spin_unlock(&s->lock);
    socket_wake(s);
    return 0;
}

/* The first of those that wait for room gets it, if there is some. */
static void let_in(struct socket *listener)
{
    REQUIRES(&listener->lock);
    struct list *first = list_first(&listener->late);
    struct socket *s;

    if (!first || listener->nready > listener->backlog)
        return;
    s = list_entry(first, struct socket, link);
    list_del(first);
    list_add_tail(&listener->ready, first);
    WRITE_ONCE(listener->nready, listener->nready + 1);
    __atomic_store_n(&s->peer->state, SOCKET_CONNECTED, __ATOMIC_RELEASE);
    socket_wake(s->peer);
}

static struct socket *take_ready(struct socket *listener)
{
    SCOPED_LOCK(&listener->lock);
    struct list *first = list_first(&listener->ready);

    if (!first)
        return NULL;
    list_del(first);
    WRITE_ONCE(listener->nready, listener->nready - 1);
    let_in(listener);
    return list_entry(first, struct socket, link);
}

/* Whether it reads no more: one of TCP listens all the same, and hands that on. */
static bool refuses(const struct socket *s)
{
    return is_unix(s) && READ_ONCE(s->closed) & CLOSED_READ;
}

/* There is no file for it: it stays the next one, unless nobody listens any more. */
static bool give_back(struct socket *listener, struct socket *s)
{
    SCOPED_LOCK(&listener->lock);
    if (listener->state != SOCKET_LISTENING || refuses(listener))
        return false;
    list_add(&listener->ready, &s->link);
    WRITE_ONCE(listener->nready, listener->nready + 1);
    return true;
}

static bool has_arrivals(struct socket *s)
{
    return READ_ONCE(s->nready) || READ_ONCE(s->state) != SOCKET_LISTENING || refuses(s);
}

/* The next one to accept. */
static int wait_arrival(struct socket *s, bool wait, struct socket **out)
{
    for (;;) {
        int err;

        if (READ_ONCE(s->state) != SOCKET_LISTENING)
            return is_connected_kind(s) ? -EINVAL : -EOPNOTSUPP;
        *out = take_ready(s);
        if (*out)
            return 0;
        if (!wait)
            return -EAGAIN;
        if (refuses(s))
            return -EINVAL;
        err = socket_wait(s, has_arrivals(s), READ_ONCE(s->rcvtimeo));
        if (err)
            return err;
    }
}

/* What the listener was not to send any more, n does not: its client reads an end. */
static void tell_inherited(const struct socket *n, struct socket *client)
{
    if (is_tcp(n) && READ_ONCE(n->closed) & CLOSED_WRITE)
        socket_fail(client, 0, CLOSED_READ | CLOSED_END);
}

int socket_accept(struct file *f, u32 flags, struct address *peer, struct file **out)
{
    struct socket *s, *client;
    int err = wait_arrival(f->data, !(file_flags(f) & O_NONBLOCK), &s);

    if (err)
        return err;
    err = socket_file(s, flags, out);
    if (err && give_back(f->data, s)) {
        socket_wake(f->data);
        return err;
    }
    if (err) {
        socket_end(s);
        socket_put(s);
        return err;
    }
    if (socket_name(s, true, peer) != 0)
        peer->len = 0;
    client = socket_peer_get(s);
    if (client) { /* that may have waited for room */
        tell_inherited(s, client);
        socket_put(client);
    }
    return 0;
}

/* ---- connecting ---- */

/* The server's side of a connection of s to a listener. */
static struct socket *make_server(struct socket *s, struct socket *listener)
{
    struct socket *n = socket_alloc(listener->family, s->type, s->protocol);

    if (!n)
        return NULL;
    n->listener = listener;
    socket_get(listener);
    n->cred = listener->cred;
    n->peer_cred = s->cred;
    n->options = READ_ONCE(listener->options);
    n->linger = READ_ONCE(listener->linger);
    n->sndbuf = READ_ONCE(listener->sndbuf);
    n->rcvbuf = READ_ONCE(listener->rcvbuf);
    memcpy(n->values, listener->values, sizeof(n->values));
    if (!is_unix(s)) {
        n->sndtimeo = READ_ONCE(listener->sndtimeo);
        n->rcvtimeo = READ_ONCE(listener->rcvtimeo);
        n->closed = READ_ONCE(listener->closed) & CLOSED_BOTH;
        n->local = s->remote;
        n->remote = s->local;
        inet_join(n);
    } else {
        n->name = unix_name_get(listener);
    }
    n->state = SOCKET_CONNECTED;
    n->peer = s;
    socket_get(s);
    return n;
}

/* s is the client of n from here on. */
static void set_client(struct socket *s, struct socket *n, enum socket_state state)
{
    struct socket *old;

    spin_lock(&s->lock);
    old = s->peer;
    s->peer = n;
    if (n)
        socket_get(n);
    WRITE_ONCE(s->state, state);
    spin_unlock(&s->lock);
    if (old)
        socket_put(old);
}

/* Puts n into the queue of its listener: 0; -ECONNREFUSED; -EAGAIN: no room, and `wait` says
 * that it shall not wait for some. */
static int arrive(struct socket *n, bool wait)
{
    struct socket *listener = n->listener, *s = n->peer;
    int err = 0;

    spin_lock(&listener->lock);
    if (listener->dead || listener->state != SOCKET_LISTENING || refuses(listener)) {
        err = -ECONNREFUSED;
    } else if (listener->nready <= listener->backlog && list_empty(&listener->late)) {
        list_add_tail(&listener->ready, &n->link);
        WRITE_ONCE(listener->nready, listener->nready + 1);
        __atomic_store_n(&s->state, SOCKET_CONNECTED, __ATOMIC_RELEASE);
    } else if (wait) {
        list_add_tail(&listener->late, &n->link);
    } else {
        err = -EAGAIN;
    }
    spin_unlock(&listener->lock);
    if (!err)
        socket_wake(listener);
    return err;
}

bool socket_withdraw(struct socket *s)
{
    struct socket *n = socket_peer_get(s), *listener = n ? n->listener : NULL;
    bool late = false;

    if (listener) {
        spin_lock(&listener->lock);
        late = READ_ONCE(s->state) == SOCKET_CONNECTING && !list_empty(&n->link);
        if (late)
            list_del(&n->link);
        spin_unlock(&listener->lock);
    }
    if (late) {
        set_client(s, NULL, SOCKET_NEW);
        socket_wake(s); /* another thread waits for it, too */
        socket_end(n);
        socket_put(n);
    }
    if (n)
        socket_put(n);
    return late;
}

static int find_listener(struct socket *s, const struct address *a, struct fs_context *fs,
                         struct socket **out)
{
    int err = is_unix(s) && option_on(s, OPT_PASSCRED) ? unix_autobind(s) : 0;

    if (!is_unix(s))
        return inet_find_listener(s, a, out);
    return err ? err : unix_find(a, s->type, fs, out);
}

/* A new connection as far as it goes at once; s->calls held. */
static int begin(struct socket *s, const struct address *a, struct fs_context *fs,
                 bool wait)
{
    REQUIRES(&s->calls);
    struct socket *listener, *n;
    int err = find_listener(s, a, fs, &listener);

    if (err)
        return err;
    if (listener == s) {
        set_client(s, s, SOCKET_CONNECTED);
        socket_put(s);
        return 0;
    }
    socket_cred_current(&s->cred, IDS_EFFECTIVE);
    n = make_server(s, listener);
    if (n)
        s->peer_cred = listener->cred;
    socket_put(listener);
    if (!n)
        return -ENOMEM;
    set_client(s, n, SOCKET_CONNECTING);
    err = arrive(n, wait || !is_unix(s));
    if (!err && READ_ONCE(s->state) == SOCKET_CONNECTED)
        tell_inherited(n, s);
    if (err) {
        set_client(s, NULL, SOCKET_NEW);
        socket_end(n);
        socket_put(n);
    }
    return err;
}

/* A connection that failed leaves nothing behind. */
static void reopen(struct socket *s)
{
    SCOPED_LOCK(&s->lock);
    WRITE_ONCE(s->closed, 0);
}

/* Whether a new connection is to be begun: 1; or what connect says to one that there is. */
static int check_connect(struct socket *s)
{
    s32 err;

    switch (READ_ONCE(s->state)) {
    case SOCKET_LISTENING:
        return is_unix(s) ? -EINVAL : -EISCONN;
    case SOCKET_CONNECTED:
        if (is_unix(s) || !s->fresh)
            return -EISCONN;
        s->fresh = false;
        return 0;
    case SOCKET_CONNECTING:
        return -EALREADY;
    case SOCKET_NEW:
        break;
    }
    if (!s->fresh)
        return 1;
    s->fresh = false;
    err = socket_take_error(s); /* which may have been told already */
    reopen(s);
    return err ? err : -ECONNABORTED;
}

/* Waits until the connection stands or fails. 1: it was another thread's, which gave it up. */
static int finish(struct socket *s)
{
    u64 timeo = READ_ONCE(s->sndtimeo);
    int err = socket_wait(s, READ_ONCE(s->state) != SOCKET_CONNECTING, timeo);

    if (err && is_unix(s))
        return socket_withdraw(s) ? err : 0;
    if (err)
        return err == -EAGAIN ? -EINPROGRESS : err;
    mutex_lock(&s->calls);
    s->fresh = false;
    if (READ_ONCE(s->state) == SOCKET_NEW && !is_unix(s))
        reopen(s); /* it may be connected anew at once */
    mutex_unlock(&s->calls);
    if (READ_ONCE(s->state) == SOCKET_CONNECTED)
        return 0;
    err = socket_take_error(s);
    return err ? err : is_unix(s) ? 1 : -ECONNREFUSED;
}

static int connect_stream(struct socket *s, const struct address *a,
                          struct fs_context *fs, bool wait)
{
    int err;

    mutex_lock(&s->calls);
    err = check_connect(s);
    if (err == 1) {
        err = begin(s, a, fs, wait);
        s->fresh = !err && !is_unix(s);
        /* A network does not answer before the call is over. */
        if (err == -ECONNREFUSED && !is_unix(s) && !wait) {
            s->fresh = true;
            socket_fail(s, ECONNREFUSED, CLOSED_BOTH);
            err = 0;
        }
        if (!err && !wait && !is_unix(s))
            err = -EINPROGRESS;
    } else if (err == -EALREADY && wait) {
        err = 0;
    } else {
        mutex_unlock(&s->calls);
        return err;
    }
    mutex_unlock(&s->calls);
    return err ? err : finish(s);
}

int socket_connect(struct socket *s, const struct address *a, struct fs_context *fs,
                   bool wait)
{
    bool nobody;
    int err = 1;

    if (a->len < sizeof(u16))
        return -EINVAL;
    nobody = a->bytes[0] == AF_UNSPEC && a->bytes[1] == 0;
    if (!is_connected_kind(s)) {
        SCOPED_LOCK(&s->calls);
        if (is_netlink(s))
            return netlink_connect(s, nobody ? NULL : a);
        return dgram_connect(s, nobody ? NULL : a, fs);
    }
    while (!nobody && err == 1)
        err = connect_stream(s, a, fs, wait);
    if (!nobody)
        return err;
    if (is_unix(s))
        return -EINVAL;
    return socket_reset(s);
}
