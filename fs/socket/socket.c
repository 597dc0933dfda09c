/* SPDX-License-Identifier: MIT
 *
 * Sockets: life and states.
 */
#include "fs/socket/socket.h"
#include "arch/time.h"
#include "fs/dentry.h"
#include "fs/filter/bpf.h"
#include "fs/inode.h"
#include "fs/namei.h"
#include "fs/ramfs/ramfs.h"
#include "fs/socket/all.h"
#include "fs/socket/backlog.h"
#include "fs/socket/connect.h"
#include "fs/socket/dgram.h"
#include "fs/socket/end.h"
#include "fs/socket/inet.h"
#include "fs/socket/netlink.h"
#include "fs/socket/socket_own.h"
#include "fs/socket/unix.h"
#include "lib/assert.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/stat.h"
#include "mm/phys/slab.h"

#define SOCKET_DEV 7u   /* st_dev */
#define PROTOCOLS  263u /* of the network, that have a number */

SLAB_CACHE(socket_cache, "socket", struct socket);

/* ---- life ---- */

u32 socket_snd_first = SNDBUF_DEFAULT, socket_rcv_first = SNDBUF_DEFAULT;

struct socket *socket_alloc(u32 family, u32 type, u32 protocol)
{
    struct socket *s = slab_zalloc(&socket_cache);

    if (!s)
        return NULL;
    s->refs = 1;
    s->family = (u16)family;
    s->type = (u16)type;
    s->protocol = (u16)protocol;
    s->sndbuf = READ_ONCE(socket_snd_first);
    s->rcvbuf = READ_ONCE(socket_rcv_first);
    s->account = account_current();
    s->uid = s->account->uid;
    account_hold(s->account);
    __atomic_fetch_add(&s->account->bytes, sizeof(*s), __ATOMIC_RELAXED);
    waitq_init(&s->events);
    list_init(&s->errors);
    list_init(&s->joined);
    mutex_init(&s->calls);
    mutex_init(&s->naming);
    mutex_init(&s->reading);
    mutex_bears_faults(&s->reading);
    list_init(&s->queue);
    list_init(&s->rights);
    list_init(&s->ready);
    list_init(&s->late);
    list_init(&s->link);
    list_init(&s->friends);
    list_init(&s->friend);
    if (family != AF_UNIX)
        inet_clear(s);
    socket_enlist(s);
    return s;
}

void socket_get(struct socket *s)
{
    __atomic_fetch_add(&s->refs, 1, __ATOMIC_RELAXED);
}

void socket_put(struct socket *s)
{
    if (__atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    ASSERT(s->dead || !s->file); /* which has a reference */
    socket_delist(s);
    if (s->listener)
        socket_put(s->listener);
    if (s->name)
        unix_name_put(s->name);
    bpf_put(s->filter);
    __atomic_fetch_sub(&s->account->bytes, sizeof(*s), __ATOMIC_RELAXED);
    account_put(s->account);
    waitq_fini(&s->events);
    slab_free(&socket_cache, s);
}

static const struct inode_ops socket_inode_ops = {.destroy = inode_destroy};

static const char *protocol_name(const struct socket *s)
{
    bool v6 = s->family == AF_INET6;

    if (is_netlink(s))
        return "NETLINK";
    if (is_unix(s))
        return is_stream(s) ? "UNIX-STREAM" : "UNIX";
    if (is_stream(s))
        return v6 ? "TCPv6" : "TCP";
    if (s->protocol == IPPROTO_UDPLITE)
        return v6 ? "UDPLITEv6" : "UDP-Lite";
    return v6 ? "UDPv6" : "UDP";
}

const char *socket_protocol_name(const struct inode *ino)
{
    return ino->ops == &socket_inode_ops ? ino->data : NULL;
}

int socket_file(struct socket *s, u32 flags, struct file **out)
{
    struct inode *ino = inode_create(S_IFSOCK | 0777, 0, &socket_inode_ops, NULL);
    struct dentry *d;
    char name[32];
    int err;

    if (!ino)
        return -ENOMEM;
    ino->dev = SOCKET_DEV;
    ino->uid = s->uid;
    ino->gid = s->cred.gid;
    ino->data = (void *)protocol_name(s);
    fmt_snprintf(name, sizeof(name), "socket:[%llu]", (unsigned long long)ino->ino);
    d = dentry_create(NULL, name, strlen(name), ino);
    if (!d) {
        inode_put(ino);
        return -ENOMEM;
    }
    err = file_create(ino, &socket_ops, O_RDWR | flags, out);
    if (err) {
        dentry_put(d);
        return err;
    }
    inode_get(ino);
    (*out)->path = (struct path){NULL, d};
    (*out)->data = s;
    s->ino = ino->ino;
    WRITE_ONCE(s->file, *out);
    return 0;
}

/* On one machine raw messages are messages. */
static u32 kind_of(u32 family, u32 type)
{
    return family == AF_UNIX && type == SOCK_RAW ? SOCK_DGRAM : type;
}

/* The kind a program asks for: 0 and *protocol as it is then. */
static int check_kind(u32 family, u32 type, u32 *protocol)
{
    bool stream = type == SOCK_STREAM;
    u32 usual = stream ? IPPROTO_TCP : IPPROTO_UDP;

    if (family >= AF_MAX)
        return -EAFNOSUPPORT;
    if (type >= SOCK_TYPES)
        return -EINVAL;
    switch (family) {
    case AF_UNIX:
        if (*protocol && *protocol != AF_UNIX)
            return -EPROTONOSUPPORT;
        *protocol = 0;
        return stream || type == SOCK_DGRAM || type == SOCK_SEQPACKET ? 0
                                                                      : -ESOCKTNOSUPPORT;
    case AF_INET:
    case AF_INET6:
        if (*protocol >= PROTOCOLS)
            return -EINVAL;
        if (type == SOCK_RAW) /* 0 is no protocol, for nobody */
            return *protocol && rank_current() == RANK_USER ? -EPERM : -EPROTONOSUPPORT;
        if (!stream && type != SOCK_DGRAM)
            return -ESOCKTNOSUPPORT;
        if (*protocol && *protocol != usual && (stream || *protocol != IPPROTO_UDPLITE))
            return -EPROTONOSUPPORT;
        *protocol = *protocol ? *protocol : usual;
        return 0;
    case AF_NETLINK:
        return netlink_check(type, *protocol);
    default:
        return -EAFNOSUPPORT;
    }
}

int socket_create(u32 family, u32 type, u32 protocol, u32 flags, struct file **out)
{
    struct socket *s;
    int err;

    type = kind_of(family, type);
    err = check_kind(family, type, &protocol);
    if (err)
        return err;
    s = socket_alloc(family, type, protocol);
    if (!s)
        return -ENOMEM;
    socket_cred_current(&s->cred, IDS_EFFECTIVE);
    err = socket_file(s, flags, out);
    if (err)
        socket_put(s);
    return err;
}

int socket_pair(u32 family, u32 type, u32 protocol, u32 flags, struct file *out[2])
{
    struct socket *s[2];
    int err = socket_create(family, type, protocol, flags, &out[0]);

    if (err)
        return err;
    err = family == AF_UNIX ? socket_create(family, type, protocol, flags, &out[1])
                            : -EOPNOTSUPP;
    if (err) {
        file_put(out[0]);
        return err;
    }
    for (int i = 0; i < 2; i++)
        s[i] = out[i]->data;
    for (int i = 0; i < 2; i++) {
        s[i]->peer_cred = s[!i]->cred;
        if (s[i]->type == SOCK_DGRAM) {
            dgram_set_peer(s[i], s[!i]);
            continue;
        }
        socket_get(s[!i]);
        s[i]->peer = s[!i];
        s[i]->state = SOCKET_CONNECTED;
    }
    return 0;
}

struct socket *file_socket(const struct file *f)
{
    return f->ops == &socket_ops ? f->data : NULL;
}

/* ---- states ---- */

struct socket *socket_peer_get(struct socket *s)
{
    SCOPED_LOCK(&s->lock);
    if (s->peer)
        socket_get(s->peer);
    return s->peer;
}

s32 socket_take_error(struct socket *s)
{
    return READ_ONCE(s->error) ? -__atomic_exchange_n(&s->error, 0, __ATOMIC_RELAXED) : 0;
}

void socket_wake(struct socket *s)
{
    waitq_wake_all(&s->events);
}

void socket_fail(struct socket *s, s32 error, u32 closed)
{
    spin_lock(&s->lock);
    if (error)
        WRITE_ONCE(s->error, error);
    WRITE_ONCE(s->closed, s->closed | closed);
    spin_unlock(&s->lock);
    socket_wake(s);
}

void socket_set_state(struct socket *s, enum socket_state state)
{
    SCOPED_LOCK(&s->lock);
    WRITE_ONCE(s->state, state);
}

u64 socket_deadline(u64 timeo_ns)
{
    return timeo_ns ? clock_monotonic_ns() + timeo_ns : NO_DEADLINE;
}

int socket_wait_result(int err, u64 timeo_ns)
{
    if (err == -ETIMEDOUT)
        return -EAGAIN;
    return err == -ERESTARTSYS && timeo_ns ? -EINTR : err;
}

/* A unix socket's peer can send no more than this one reads; one of the network never learns. */
int socket_shutdown(struct socket *s, u32 how)
{
    u32 closed = how + 1, other = (closed & CLOSED_READ ? CLOSED_WRITE : 0u) |
                                  (closed & CLOSED_WRITE ? CLOSED_READ : 0u);
    struct socket *peer;

    if (is_netlink(s))
        return -EOPNOTSUPP;
    if (how > SHUT_RDWR)
        return -EINVAL;
    if (is_tcp(s) && READ_ONCE(s->state) == SOCKET_LISTENING) {
        if (closed & CLOSED_READ)
            socket_stop_listening(s);
        return 0;
    }
    if (is_tcp(s) && READ_ONCE(s->state) == SOCKET_CONNECTING && socket_withdraw(s)) {
        (void)socket_reset(s);
        socket_fail(s, ECONNRESET, 0);
        return 0;
    }
    if (!is_unix(s) && (READ_ONCE(s->state) != SOCKET_CONNECTED || is_over(s))) {
        if (READ_ONCE(s->state) == SOCKET_NEW) /* a connection that comes has it */
            socket_fail(s, 0, closed);
        return -ENOTCONN;
    }
    socket_fail(s, 0, closed);
    if (!is_connected_kind(s))
        return 0;
    peer = socket_peer_get(s);
    if (!peer)
        return 0;
    if (is_unix(s))
        socket_fail(peer, 0, other);
    else if (other & CLOSED_READ)
        socket_fail(peer, 0, CLOSED_READ | CLOSED_END);
    socket_put(peer);
    return 0;
}
