/* SPDX-License-Identifier: MIT
 *
 * What goes along with datagrams of the network: addresses, hops, classes of their heads. ip(7),
 * ipv6(7), RFC 3542.
 */
#include "fs/socket/socket.h"
#include "kernel/net/socket.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

#define IP_TOS         1
#define IP_TTL         2
#define IP_RETOPTS     7
#define IP_PKTINFO     8
#define IP_ORIGDSTADDR 20

#define IPV6_2292PKTINFO  2
#define IPV6_2292HOPLIMIT 8
#define IPV6_HOPLIMIT     52
#define IPV6_HOPOPTS      54
#define IPV6_DSTOPTS      59
#define IPV6_DONTFRAG     62
#define IPV6_TCLASS       67
#define IPV6_ORIGDSTADDR  74

#define NETLINK_PKTINFO 3

static const u8 mapped[12] = {[10] = 0xff, [11] = 0xff};

struct in_pktinfo {
    s32 interface;
    u8 own[4], to[4];
};

struct in6_pktinfo {
    u8 address[16];
    u32 interface;
};

/* ---- sending ---- */

static int set_ttl(struct inet_head *h, s32 v, s32 least)
{
    if (v < least || v > 255)
        return -EINVAL;
    h->has_ttl = v >= 0;
    h->ttl = (u8)v;
    return 0;
}

static int set_tos(struct inet_head *h, s32 v, s32 least)
{
    if (v < least || v > 255)
        return -EINVAL;
    h->has_tos = v >= 0;
    h->tos = (u8)v;
    return 0;
}

static int set_source(struct inet_head *h, s64 interface)
{
    h->has_ip = true;
    return interface == 0 || interface == LO ? 0 : -ENODEV;
}

static int head_v4(struct inet_head *h, s32 type, const u8 *data, u64 len)
{
    struct in_pktinfo info;
    s32 v = 0;

    memcpy(&v, data, MIN(len, (u64)sizeof(v)));
    switch (type) {
    case IP_TTL:
        return len == sizeof(v) ? set_ttl(h, v, 1) : -EINVAL;
    case IP_TOS:
        return len == sizeof(v) || len == 1 ? set_tos(h, v, 0) : -EINVAL;
    case IP_PKTINFO:
        if (len != sizeof(info))
            return -EINVAL;
        memcpy(&info, data, sizeof(info));
        memcpy(h->ip, mapped, sizeof(mapped));
        memcpy(h->ip + sizeof(mapped), info.own, sizeof(info.own));
        return set_source(h, info.interface);
    case IP_RETOPTS:
        return -EOPNOTSUPP;
    default:
        return -EINVAL;
    }
}

static int head_v6(struct inet_head *h, s32 type, const u8 *data, u64 len)
{
    struct in6_pktinfo info;
    s32 v = 0;

    memcpy(&v, data, MIN(len, (u64)sizeof(v)));
    switch (type) {
    case IPV6_PKTINFO:
    case IPV6_2292PKTINFO:
        if (len < sizeof(info))
            return -EINVAL;
        memcpy(&info, data, sizeof(info));
        memcpy(h->ip, info.address, sizeof(info.address));
        return set_source(h, info.interface);
    case IPV6_HOPLIMIT:
    case IPV6_2292HOPLIMIT:
        return len == sizeof(v) ? set_ttl(h, v, -1) : -EINVAL;
    case IPV6_TCLASS:
        return len == sizeof(v) ? set_tos(h, v, -1) : -EINVAL;
    case IPV6_DONTFRAG: /* nothing is ever cut */
        return len == sizeof(v) && (v == 0 || v == 1) ? 0 : -EINVAL;
    default:
        return type >= IPV6_HOPOPTS && type <= IPV6_DSTOPTS ? -EOPNOTSUPP : -EINVAL;
    }
}

int control_head(struct message *m, s32 level, s32 type, const u8 *data, u64 len)
{
    if (level == IPPROTO_IP)
        return head_v4(&m->head[0], type, data, len);
    if (level == IPPROTO_IPV6)
        return head_v6(&m->head[1], type, data, len);
    return 0;
}

/* ---- receiving ---- */

/* The address and port it was sent to, as a struct sockaddr_in or sockaddr_in6. */
static void tell_dest(const struct inet_head *h, u8 family, s32 level, s32 type,
                      struct control *c)
{
    u8 a[28] = {family, 0, (u8)(h->port >> 8), (u8)h->port};

    if (family == AF_INET)
        memcpy(a + 4, h->ip + sizeof(mapped), 4);
    else
        memcpy(a + 8, h->ip, sizeof(h->ip));
    control_put(c, level, type, a, family == AF_INET ? 16 : sizeof(a));
}

static void tell_v4(const struct message *m, struct control *c)
{
    const struct inet_head *h = &m->head[0];
    struct in_pktinfo info = {.interface = LO};
    s32 ttl = h->ttl;

    memcpy(info.own, h->ip + sizeof(mapped), sizeof(info.own));
    memcpy(info.to, info.own, sizeof(info.to));
    if (m->wants & WANT_PKTINFO)
        control_put(c, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
    if (m->wants & WANT_TTL)
        control_put(c, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
    if (m->wants & WANT_TOS)
        control_put(c, IPPROTO_IP, IP_TOS, &h->tos, sizeof(h->tos));
    if (m->wants & WANT_DEST)
        tell_dest(h, AF_INET, IPPROTO_IP, IP_ORIGDSTADDR, c);
}

static void tell_v6(const struct message *m, struct control *c)
{
    const struct inet_head *h = &m->head[0];
    s32 ttl = h->ttl, tos = h->tos;

    if (m->wants & WANT_HOPLIMIT6)
        control_put(c, IPPROTO_IPV6, IPV6_HOPLIMIT, &ttl, sizeof(ttl));
    if (m->wants & WANT_TCLASS6)
        control_put(c, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
    if (m->wants & WANT_DEST6)
        tell_dest(h, AF_INET6, IPPROTO_IPV6, IPV6_ORIGDSTADDR, c);
}

void control_tell_head(const struct message *m, struct control *c)
{
    struct in6_pktinfo info = {.interface = LO};
    u32 group = 0;

    if (m->wants == WANT_GROUP) {
        control_put(c, SOL_NETLINK, NETLINK_PKTINFO, &group, sizeof(group));
        return;
    }
    memcpy(info.address, m->head[0].ip, sizeof(info.address));
    if (m->wants & WANT_PKTINFO6) /* an IPv4 address is told as a mapped one */
        control_put(c, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
    if (memcmp(info.address, mapped, sizeof(mapped)) == 0)
        tell_v4(m, c);
    else
        tell_v6(m, c);
}
