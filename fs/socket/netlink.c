/* SPDX-License-Identifier: MIT
 *
 * AF_NETLINK sockets: port numbers, sending to the kernel. What is said is netlink_route.c's.
 */
#include "fs/socket/netlink.h"
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
#define SEND_MAX        65536u /* of one message; Linux: what the buffer holds */

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
    if (!err)
        WRITE_ONCE(s->groups, n.groups);
    return err;
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

int netlink_set_option(struct socket *s, s32 name, s32 value)
{
    if (name != ADD_MEMBERSHIP && name != DROP_MEMBERSHIP)
        return -ENOPROTOOPT;
    if (value < 1 || value > 32)
        return -EINVAL;
    if (name == ADD_MEMBERSHIP)
        __atomic_fetch_or(&s->groups, 1u << (value - 1), __ATOMIC_RELAXED);
    else
        __atomic_fetch_and(&s->groups, ~(1u << (value - 1)), __ATOMIC_RELAXED);
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
        socket_fail(s, ENOBUFS, 0);
        return;
    }
    packet_put(p, bytes, n);
    if (packet_queue(s, p) != 0)
        packet_free(p);
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
