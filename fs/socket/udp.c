/* SPDX-License-Identifier: MIT
 *
 * Datagrams of the network: their heads, whom they go to, and those that are sent in parts.
 */
#include "fs/socket/udp.h"
#include "fs/filter/packet.h"
#include "fs/socket/group/group.h"
#include "fs/socket/inet.h"
#include "fs/socket/packet.h"
#include "fs/socket/ports.h"
#include "fs/socket/socket.h"
#include "fs/socket/socket_own.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

#define UDP_MAX    65507u
#define UDP6_MAX   65527u
#define UDP6_WHOLE (65536u - 40 - 8) /* what lo carries in one piece */
#define LONGEST    65535u            /* of which a sender that wants to know is told */

/* What comes back with the answer that nobody is there: what is left of the least that each machine
 * takes, RFC 1812 4.3.2.3 and RFC 4443 2.4, behind the heads. */
#define BACK  (576u - 2 * 20 - 8 - 8)
#define BACK6 (1280u - 2 * 40 - 8 - 8)

static u8 value_of(const struct socket *s, u32 index, s32 initial)
{
    return (u8)(READ_ONCE(s->values[index]) + initial);
}

/* The most that s sends to an address of that kind in one datagram: in IPv6 a sender may want it
 * in one piece (IPV6_DONTFRAG, IPV6_MTU_DISCOVER); in IPv4 lo carries the longest so. */
static u32 most_to(const struct socket *s, bool v4)
{
    u32 discover = value_of(s, VALUE_DISCOVER, 1);
    bool whole = value_of(s, VALUE_DONTFRAG, 0) || (discover >= 2 && discover <= 4);

    return v4 ? UDP_MAX : whole ? UDP6_WHOLE : UDP6_MAX;
}

/* The head of p, that goes to dest: as the sender says, or as the options of s do. The sender's
 * address too, where he names one: -EINVAL when it is not this machine's. */
static int fill_head(struct socket *s, const struct message *m, struct packet *p,
                     const struct inet_name *dest)
{
    bool v4 = inet_is_v4(dest);
    const struct inet_head *h = &m->head[!v4];
    struct inet_name own = {.port = 0};

    memcpy(p->head.ip, dest->ip, sizeof(p->head.ip));
    p->head.port = dest->port;
    p->head.ttl =
        h->has_ttl ? h->ttl : value_of(s, v4 ? VALUE_TTL : VALUE_HOPS, HOPS_DEFAULT);
    p->head.tos = h->has_tos ? h->tos : value_of(s, v4 ? VALUE_TOS : VALUE_TCLASS, 0);
    if (!h->has_ip)
        h = &m->head[1]; /* IPV6_PKTINFO may name an IPv4 address too */
    if (!h->has_ip)
        return 0;
    memcpy(own.ip, h->ip, sizeof(own.ip));
    if (inet_is_any(&own))
        return 0;
    if (inet_is_v4(&own) != v4 || inet_route(&own))
        return -EINVAL;
    memcpy(p->from_inet.ip, own.ip, sizeof(own.ip));
    return 0;
}

void udp_tell(const struct socket *s, const struct packet *p, struct message *m)
{
    inet_address(s, &p->from_inet, &m->address);
    m->head[0] = p->head;
    m->wants =
        READ_ONCE(s->options) >> OPT_WANTS & ((1u << (OPT_WANTS_END - OPT_WANTS)) - 1);
}

/* ---- what came back ---- */

static bool wants_errors(const struct socket *s, bool v4)
{
    return READ_ONCE(s->values[v4 ? VALUE_ERRORS : VALUE_ERRORS6]);
}

/* Queues p, which is used up, if s wants to know of such. */
static void come_back(struct socket *s, struct packet *p, bool too_long)
{
    bool room;

    spin_lock(&s->lock);
    room = !s->dead && s->errors_held + p->cost < READ_ONCE(s->rcvbuf);
    if (room) {
        p->too_long = too_long;
        list_add_tail(&s->errors, &p->link);
        s->errors_held += p->cost;
    }
    spin_unlock(&s->lock);
    if (room)
        socket_wake(s);
    else
        packet_free(p);
}

/* Nobody takes datagrams where p went: the answer of a machine that does not know the port reaches who
 * is connected to it, and who has asked for errors. p is used up. */
static void refuse(struct socket *s, struct packet *p)
{
    bool connected = READ_ONCE(s->state) == SOCKET_CONNECTED, meant;
    struct inet_name dest = {.port = p->head.port};
    bool wants;

    memcpy(dest.ip, p->head.ip, sizeof(dest.ip));
    wants = wants_errors(s, inet_is_v4(&dest));
    spin_lock(&s->lock);
    meant = !connected || (s->remote.port == dest.port &&
                           !memcmp(s->remote.ip, dest.ip, sizeof(dest.ip)));
    spin_unlock(&s->lock);
    if (wants && meant)
        come_back(s, p, false);
    else
        packet_free(p);
    if (meant && (wants || connected))
        socket_fail(s, ECONNREFUSED, 0);
}

static struct packet *first_error(const struct socket *s)
{
    struct list *first = list_first(&s->errors);

    return first ? list_entry(first, struct packet, link) : NULL;
}

static struct packet *take_error(struct socket *s)
{
    SCOPED_LOCK(&s->lock);
    struct packet *p = first_error(s), *next;

    if (!p)
        return NULL;
    list_del(&p->link);
    s->errors_held -= p->cost;
    next = first_error(s);
    if (next && !next->too_long) /* the error that waits is that of the next */
        WRITE_ONCE(s->error, ECONNREFUSED);
    else if (!p->too_long)
        WRITE_ONCE(s->error, 0);
    return p;
}

ssize_t udp_receive_error(struct socket *s, struct message *m)
{
    struct packet *p = take_error(s);
    struct inet_name dest = {.port = 0};
    bool v4;
    size_t n;

    if (!p)
        return -EAGAIN;
    memcpy(dest.ip, p->head.ip, sizeof(dest.ip));
    v4 = inet_is_v4(&dest);
    n = p->too_long ? 0 : MIN(p->len, v4 ? BACK : BACK6);
    dest.port = p->too_long && v4 ? 0 : p->head.port; /* as Linux has it */
    inet_address(s, &dest, &m->address);
    packet_tell_time(s, p, m);
    m->failed = p->too_long ? EMSGSIZE : ECONNREFUSED;
    m->mtu = p->too_long ? (v4 ? 65535u : 65536u) : 0;
    m->out_flags |= MSG_ERRQUEUE | (n > m->uio->left ? MSG_TRUNC : 0u);
    n = MIN(n, m->uio->left);
    if (packet_copy(p, m->uio, 0, n) != n)
        n = (size_t)-EFAULT;
    packet_free(p);
    return (ssize_t)n;
}

void udp_drop_errors(struct socket *s)
{
    s32 error = READ_ONCE(s->error); /* which waits all the same */
    struct packet *p;

    while ((p = take_error(s)) != NULL) {
        packet_free(p);
        pause_anyway();
    }
    WRITE_ONCE(s->error, error);
}

/* ---- sending ---- */

/* Where m goes, if it says so: else *dest stays. AF_UNSPEC is AF_INET's family or none, and what
 * is of no family of the network another error, as on Linux. */
static int parse_dest(const struct socket *s, const struct message *m,
                      struct inet_name *dest)
{
    struct address a = m->address;
    u32 family = a.bytes[0] | (u32)a.bytes[1] << 8;
    bool v6 = s->family == AF_INET6;

    if (!a.len || (v6 && a.len >= sizeof(u16) && family == AF_UNSPEC))
        return READ_ONCE(s->state) == SOCKET_CONNECTED ? 0 : -EDESTADDRREQ;
    if (a.len < sizeof(u16) || (v6 && family != AF_INET && family != AF_INET6))
        return -EINVAL;
    if (family == AF_UNSPEC && !v6)
        a.bytes[0] = AF_INET;
    return inet_parse(s, &a, dest);
}

/* From where s, bound to `from`, sends to dest: a group is nobody's own address, and the interface for
 * groups may have been chosen by one. */
static void group_source(const struct socket *s, struct inet_name *from,
                         const struct inet_name *dest)
{
    s32 none = 0, chosen = READ_ONCE(s->values[VALUE_MIF_ADDR]);

    if (inet_is_group(from))
        inet_set_v4(from, &none);
    if (inet_is_group(dest) && inet_is_any(from) && chosen)
        inet_set_v4(from, &chosen);
}

/* Whom p goes to, referenced, with its head. *to NULL with 0: to nobody who is there. */
static int find_to(struct socket *s, const struct message *m, struct packet *p,
                   struct socket **to)
{
    struct inet_name dest;
    int err;

    spin_lock(&s->lock);
    dest = s->remote;
    spin_unlock(&s->lock);
    err = parse_dest(s, m, &dest);
    if (!err)
        err = dest.port || !m->address.len ? inet_route_from(s, &dest) : -EINVAL;
    if (!err)
        err = inet_autobind(s);
    if (err)
        return err;
    spin_lock(&s->lock);
    p->from_inet = s->local;
    spin_unlock(&s->lock);
    group_source(s, &p->from_inet, &dest);
    err = fill_head(s, m, p, &dest);
    if (err)
        return err;
    inet_source(&p->from_inet, &dest);
    if (p->len > most_to(s, inet_is_v4(&dest)))
        return -EMSGSIZE;
    if (!inet_is_group(&dest)) /* the members are looked for when it is sent */
        *to = inet_find(s->protocol, &dest, &p->from_inet);
    return 0;
}

/* What its filter does not want or what does not fit is lost. */
static void deliver(struct socket *to, struct packet *p)
{
    bool room = false;

    if (!packet_filtered_out(to, p)) {
        spin_lock(&to->lock);
        room = to->held < READ_ONCE(to->rcvbuf);
        spin_unlock(&to->lock);
    }
    if (room && packet_queue(to, p) == 0)
        return;
    __atomic_fetch_add(&to->drops, 1, __ATOMIC_RELAXED);
    packet_free(p);
}

static void deliver_copy(struct socket *s, struct socket *to, const struct packet *p)
{
    struct packet *copy = packet_create(s, p->len);

    if (!copy || packet_fill(copy, p, NULL) != 0) {
        if (copy)
            packet_free(copy);
        return;
    }
    copy->from_inet = p->from_inet;
    copy->head = p->head;
    deliver(to, copy);
}

/* Each member gets a copy; p is used up. */
static void deliver_group(struct socket *s, struct packet *p,
                          const struct inet_name *group)
{
    struct socket *to;
    u64 serial = 0;
    bool meant;

    while ((to = inet_next(s->protocol, group, &p->from_inet, &serial, &meant))) {
        if (meant && group_reaches(to, group))
            deliver_copy(s, to, p);
        socket_put(to);
        pause_anyway();
    }
    packet_free(p);
}

/* ---- in parts: MSG_MORE keeps a datagram back until the rest of it is sent ---- */

struct begun {
    struct packet *p;  /* NULL: there is none */
    struct socket *to; /* referenced; NULL: nobody is there */
};

static struct begun take_begun(struct socket *s)
{
    SCOPED_LOCK(&s->lock);
    struct begun b = {s->begun, s->begun_to};

    s->begun = NULL;
    s->begun_to = NULL;
    return b;
}

static void drop(const struct begun *b)
{
    if (b->p)
        packet_free(b->p);
    if (b->to)
        socket_put(b->to);
}

/* It is lost where another thread has begun one meanwhile, or nobody can send the rest. */
static void keep_begun(struct socket *s, const struct begun *b)
{
    bool kept;

    spin_lock(&s->lock);
    kept = !s->begun && !s->dead;
    if (kept) {
        s->begun = b->p;
        s->begun_to = b->to;
    }
    spin_unlock(&s->lock);
    if (!kept)
        drop(b);
}

void udp_forget(struct socket *s)
{
    struct begun b = take_begun(s);

    drop(&b);
    udp_drop_errors(s);
}

static int check_send(struct socket *s, size_t len)
{
    int err = socket_check_send(s);

    return !err && len > LONGEST ? -EMSGSIZE : err;
}

/* What is whole goes where it goes, what is too long comes back, where somebody wants to know. */
static void send_on(struct socket *s, struct begun *b, int err)
{
    struct packet *p = b->p;
    struct inet_name dest = {.port = p ? p->head.port : 0};

    if (!p || (err && err != -EMSGSIZE))
        return;
    b->p = NULL;
    memcpy(dest.ip, p->head.ip, sizeof(dest.ip));
    if (err && wants_errors(s, inet_is_v4(&dest)))
        come_back(s, p, true);
    else if (err)
        packet_free(p);
    else if (inet_is_group(&dest))
        deliver_group(s, p, &dest);
    else if (b->to)
        deliver(b->to, p);
    else
        refuse(s, p);
}

ssize_t udp_send(struct socket *s, struct message *m)
{
    struct begun b = take_begun(s);
    struct packet *first = b.p;
    size_t len = m->uio->left, all = len + (first ? first->len : 0);
    int err = check_send(s, all);
    struct inet_name dest;

    if (!err && !first) /* where to is looked at before what */
        err = parse_dest(s, m, &dest);
    b.p = err ? NULL : packet_create(s, all);
    if (!err && !b.p)
        err = -ENOBUFS;
    if (!err)
        err = packet_fill(b.p, first, m->uio);
    if (!err && !first)
        err = find_to(s, m, b.p, &b.to);
    if (!err && first) {
        b.p->from_inet = first->from_inet;
        b.p->head = first->head;
        if (all > most_to(s, inet_is_v4(&b.p->from_inet)))
            err = -EMSGSIZE;
    }
    if (first)
        packet_free(first);
    if (!err && m->flags & MSG_MORE) {
        keep_begun(s, &b);
        return (ssize_t)len;
    }
    send_on(s, &b, err);
    drop(&b);
    return err ? err : (ssize_t)len;
}
