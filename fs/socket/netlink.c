/* SPDX-License-Identifier: MIT
 *
 * AF_NETLINK sockets: port numbers, sending to the kernel. What is said is netlink_route.c's.
 */
#include "fs/socket/netlink.h"
#include "fs/filter/packet.h"
#include "fs/socket/netlink_route.h"
#include "fs/socket/packet.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/phys/slab.h"

#define NETLINK_ROUTE   0u
#define ADD_MEMBERSHIP  1
#define DROP_MEMBERSHIP 2
#define HEADER          16u
#define HAS_GROUPS      (1u << 31) /* of VALUE_NETLINK: there is a list of them */
#define SEND_MAX        65536u     /* of one message; Linux: what the buffer holds */

/* struct sockaddr_nl */
struct name {
    u16 family, pad;
    u32 port, groups;
};

static spinlock_t ports_lock;
static struct rb_root ports = RB_ROOT; /* of socket.bound */
static u32 last_choice = 0x80000000u;

int netlink_check(u32 type, u32 protocol)
{
    if (type != SOCK_RAW && type != SOCK_DGRAM)
        return -ESOCKTNOSUPPORT;
    return protocol == NETLINK_ROUTE ? 0 : -EPROTONOSUPPORT;
}

static void set_bits(void *word, u32 bits, bool on)
{
    if (on)
        __atomic_fetch_or((u32 *)word, bits, __ATOMIC_RELAXED);
    else
        __atomic_fetch_and((u32 *)word, ~bits, __ATOMIC_RELAXED);
}

/* ---- names ---- */

/* Where that port is, or is to be. */
static struct rb_node **place_of(u32 port, struct rb_node **parent)
{
    REQUIRES(&ports_lock);
    struct rb_node **link = &ports.node;

    *parent = NULL;
    while (*link) {
        u32 other = rb_entry(*link, struct socket, bound)->port;

        if (port == other)
            break;
        *parent = *link;
        link = port < other ? &(*link)->left : &(*link)->right;
    }
    return link;
}

/* 0; -EADDRINUSE: another has it; 1: s has one. */
static int try_port(struct socket *s, u32 port)
{
    SCOPED_LOCK(&ports_lock);
    struct rb_node *parent, **link = place_of(port, &parent);

    if (s->port)
        return 1;
    if (*link)
        return -EADDRINUSE;
    WRITE_ONCE(s->port, port);
    rb_insert(&ports, &s->bound, parent, link, NULL);
    return 0;
}

/* Gets port `want`, or one nobody has: the process's number if that is free. */
static int take_port(struct socket *s, u32 want)
{
    struct socket_cred cred;
    int err;

    socket_cred_current(&cred, IDS_EFFECTIVE);
    err = try_port(s, want ? want : (u32)cred.pid);
    while (err < 0 && !want) {
        pause_anyway(); /* others may have many in a row */
        err = try_port(s, __atomic_add_fetch(&last_choice, 1, __ATOMIC_RELAXED) |
                              0x80000000u);
    }
    if (err == 1)
        return want && want != READ_ONCE(s->port) ? -EINVAL : 0;
    return err;
}

static int parse(const struct address *a, struct name *out)
{
    if (a->len < sizeof(*out))
        return -EINVAL;
    memcpy(out, a->bytes, sizeof(*out));
    return out->family == AF_NETLINK ? 0 : -EINVAL;
}

int netlink_bind(struct socket *s, const struct address *a)
{
    struct name n;
    int err = parse(a, &n);

    if (!err)
        err = take_port(s, n.port);
    if (err)
        return err;
    if (n.groups)
        set_bits(&s->values[VALUE_NETLINK], HAS_GROUPS, true);
    WRITE_ONCE(s->groups, n.groups);
    return 0;
}

/* Only the kernel can be talked to: others are reached by nobody. */
static int check_target(const struct name *n)
{
    if (!n->port && !n->groups)
        return 0;
    return rank_current() == RANK_USER ? -EPERM : -ECONNREFUSED;
}

int netlink_connect(struct socket *s, const struct address *a)
{
    struct name n;
    int err = a ? parse(a, &n) : 0;

    if (!a) {
        socket_set_state(s, SOCKET_NEW);
        return 0;
    }
    if (!err)
        err = check_target(&n);
    if (!err)
        err = take_port(s, 0);
    if (!err)
        socket_set_state(s, SOCKET_CONNECTED);
    return err;
}

void netlink_unbind(struct socket *s)
{
    SCOPED_LOCK(&ports_lock);
    if (s->port)
        rb_erase(&ports, &s->bound, NULL);
    WRITE_ONCE(s->port, 0);
}

void netlink_name(const struct socket *s, bool peer, struct address *out)
{
    struct name n = {.family = AF_NETLINK};

    n.port = peer ? 0 : READ_ONCE(s->port);
    n.groups = peer ? 0 : READ_ONCE(s->groups);
    out->len = sizeof(n);
    memcpy(out->bytes, &n, sizeof(n));
}

/* ---- options ---- */

/* NETLINK_BROADCAST_ERROR, NETLINK_EXT_ACK: there is nothing to tell by them. */
#define SWITCHES                                                                \
    (1u << NETLINK_PKTINFO | 1u << 4 | 1u << NETLINK_CALM | 1u << NETLINK_CAP | \
     1u << 11 | 1u << NETLINK_STRICT)
#define ALL_NSID         8
#define LIST_MEMBERSHIPS 9
#define GROUPS           36 /* RTNLGRP_MAX of Linux 6.1 */

int netlink_set_option(struct socket *s, s32 name, const void *value, u32 len)
{
    bool join = name == ADD_MEMBERSHIP;
    u32 v = 0;

    if (len >= sizeof(v) && !value)
        return -EFAULT;
    if (len >= sizeof(v))
        memcpy(&v, value, sizeof(v));
    if (name == ALL_NSID && rank_current() == RANK_USER)
        return -EPERM;
    if (name == ALL_NSID || (name > 0 && name < 31 && SWITCHES >> name & 1)) {
        set_bits(&s->values[VALUE_NETLINK], 1u << name, v != 0);
        return 0;
    }
    if (!join && name != DROP_MEMBERSHIP)
        return -ENOPROTOOPT;
    set_bits(&s->values[VALUE_NETLINK], HAS_GROUPS, true);
    if (v < 1 || v > GROUPS)
        return -EINVAL;
    if (v <= 32)
        set_bits(&s->groups, 1u << (v - 1), join);
    else
        set_bits(&s->values[VALUE_GROUPS], 1u << (v - 33), join);
    return 0;
}

int netlink_get_option(const struct socket *s, s32 name, void *to, u32 *len)
{
    u32 groups[2] = {READ_ONCE(s->groups), (u32)READ_ONCE(s->values[VALUE_GROUPS])};
    u32 v;

    if (name == LIST_MEMBERSHIPS) {
        v = netlink_on(s, 31) ? sizeof(groups) : 0;
        memcpy(to, groups, MIN(*len, v));
        *len = v;
        return 0;
    }
    if (name != ALL_NSID && !(name > 0 && name < 31 && SWITCHES >> name & 1))
        return -ENOPROTOOPT;
    if (*len < sizeof(v))
        return -EINVAL;
    v = netlink_on(s, (u32)name);
    *len = sizeof(v);
    memcpy(to, &v, sizeof(v));
    return 0;
}

/* ---- messages ---- */

void netlink_deliver(struct socket *s, const void *bytes, size_t n)
{
    struct packet *p;
    bool room;

    spin_lock(&s->lock);
    room = s->held < READ_ONCE(s->rcvbuf);
    spin_unlock(&s->lock);
    p = room ? packet_create(s, n) : NULL;
    if (!p) {
        __atomic_fetch_add(&s->drops, 1, __ATOMIC_RELAXED);
        if (!netlink_on(s, NETLINK_CALM))
            socket_fail(s, ENOBUFS, 0);
        return;
    }
    packet_put(p, bytes, n);
    if (packet_filtered_out(s, p) || packet_queue(s, p) != 0)
        packet_free(p);
}

void netlink_tell(const struct socket *s, struct message *m)
{
    netlink_name(s, true, &m->address);
    m->wants = netlink_on(s, NETLINK_PKTINFO) ? WANT_GROUP : 0;
}

/* Each request of the message; what is cut off is not looked at. */
static void requests(struct socket *s, const u8 *bytes, size_t n)
{
    while (n >= HEADER) {
        struct netlink_request q;
        size_t step;

        memcpy(&q, bytes, sizeof(q));
        if (q.len < HEADER || q.len > n)
            return;
        netlink_answer(s, &q, bytes + HEADER);
        step = MIN(align_up(q.len, 4), n);
        bytes += step;
        n -= step;
        if (pause_point())
            return;
    }
}

ssize_t netlink_send(struct socket *s, struct message *m)
{
    size_t len = m->uio->left;
    struct name to = {.family = AF_NETLINK};
    int err = len ? 0 : -ENODATA;
    u8 *bytes;

    if (!err && m->address.len)
        err = parse(&m->address, &to);
    if (!err)
        err = check_target(&to);
    if (!err && len > SEND_MAX)
        err = -EMSGSIZE;
    if (!err)
        err = take_port(s, 0);
    if (err)
        return err;
    bytes = kmalloc(len);
    if (!bytes)
        return -ENOBUFS;
    if (uio_copy_from(m->uio, bytes, len) == len)
        requests(s, bytes, len);
    else
        err = -EFAULT;
    kfree(bytes);
    return err ? err : (ssize_t)len;
}
