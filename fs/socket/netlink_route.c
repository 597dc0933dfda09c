/* SPDX-License-Identifier: MIT
 *
 * NETLINK_ROUTE: the one interface, `lo`, its two addresses and the ways to them, as rtnetlink(7)
 * tells them; there are no neighbours.
 * Nothing can be changed, and there are no other tables: EOPNOTSUPP.
 */
#include "fs/socket/netlink_route.h"
#include "fs/socket/netlink.h"
#include "fs/socket/packet.h"
#include "fs/socket/route/ask.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

/* Messages and their flags. */
#define NLMSG_ERROR   2u
#define NLMSG_DONE    3u
#define FIRST_ROUTE   16u
#define LAST_ROUTE    127u
#define RTM_NEWLINK   16u
#define RTM_NEWADDR   20u
#define RTM_NEWROUTE  24u
#define KIND_GET      2u /* type modulo 4: new, del, get, set */
#define FLAG_REQUEST  0x001u
#define FLAG_MULTI    0x002u
#define FLAG_ACK      0x004u
#define FLAG_CAPPED   0x100u
#define FLAG_DUMP     0x300u
#define HEADER        16u
#define ANSWER_MAX    1024u
#define LO_FLAGS      0x10049u /* up, loopback, running, lower up */
#define ARPHRD_LOOP   772u
#define SCOPE_HOST    254u
#define IFA_PERMANENT 0x80u

/* A packet in the making: messages one after the other. */
struct answer {
    struct socket *s;
    const struct netlink_request *q;
    u32 start, len; /* of the message that is written; of all */
    struct route_ask ask;
    u8 bytes[ANSWER_MAX];
};

static void put(struct answer *a, const void *from, u32 n)
{
    u32 room = (u32)align_up(n, 4);

    ASSERT(a->len + room <= ANSWER_MAX);
    memset(a->bytes + a->len, 0, room);
    memcpy(a->bytes + a->len, from, n);
    a->len += room;
}

static void put_attr(struct answer *a, u16 type, const void *from, u32 n)
{
    u16 head[2] = {(u16)(4 + n), type};

    put(a, head, sizeof(head));
    put(a, from, n);
}

static void put_u32(struct answer *a, u16 type, u32 value)
{
    put_attr(a, type, &value, sizeof(value));
}

static void begin(struct answer *a, u16 type, u16 flags)
{
    struct netlink_request head = {
        .type = type, .flags = flags, .seq = a->q->seq, .port = READ_ONCE(a->s->port)};

    a->start = a->len;
    put(a, &head, sizeof(head));
}

static void end(struct answer *a)
{
    u32 n = a->len - a->start;

    memcpy(a->bytes + a->start, &n, sizeof(n));
}

static void deliver(struct answer *a)
{
    netlink_deliver(a->s, a->bytes, a->len);
    a->len = 0;
}

/* ---- what there is ---- */

static void tell_link(struct answer *a, u16 flags)
{
    static const struct link_info info = {
        .type = ARPHRD_LOOP, .index = LO_INDEX, .flags = LO_FLAGS};
    static const u8 zeros[200];

    begin(a, RTM_NEWLINK, flags);
    put(a, &info, sizeof(info));
    put_attr(a, IFLA_IFNAME, "lo", 3);
    put_u32(a, 13 /* IFLA_TXQLEN */, 1000);
    put_attr(a, 16 /* IFLA_OPERSTATE: unknown */, zeros, 1);
    put_attr(a, 17 /* IFLA_LINKMODE */, zeros, 1);
    put_u32(a, 4 /* IFLA_MTU */, 65536);
    put_u32(a, 27 /* IFLA_GROUP */, 0);
    put_u32(a, 30 /* IFLA_PROMISCUITY */, 0);
    put_u32(a, 31 /* IFLA_NUM_TX_QUEUES */, 1);
    put_u32(a, 32 /* IFLA_NUM_RX_QUEUES */, 1);
    put_attr(a, 33 /* IFLA_CARRIER */, "\1", 1);
    put_attr(a, 6 /* IFLA_QDISC */, "noqueue", 8);
    put_attr(a, 1 /* IFLA_ADDRESS */, zeros, 6);
    put_attr(a, 2 /* IFLA_BROADCAST */, zeros, 6);
    put_attr(a, 23 /* IFLA_STATS64 */, zeros, 24 * 8);
    put_attr(a, 7 /* IFLA_STATS */, zeros, 24 * 4);
    end(a);
}

static void tell_address(struct answer *a, u16 flags, u8 family)
{
    static const u8 four[] = {127, 0, 0, 1}, six[16] = {[15] = 1};
    static const u32 forever[4] = {~0u, ~0u, 0, 0};
    struct addr_info info = {.family = family,
                             .prefix = family == AF_INET ? 8 : 128,
                             .flags = IFA_PERMANENT,
                             .scope = SCOPE_HOST,
                             .index = LO_INDEX};

    begin(a, RTM_NEWADDR, flags);
    put(a, &info, sizeof(info));
    if (family == AF_INET) {
        put_attr(a, 1 /* IFA_ADDRESS */, four, sizeof(four));
        put_attr(a, 2 /* IFA_LOCAL */, four, sizeof(four));
        put_attr(a, 3 /* IFA_LABEL */, "lo", 3);
    } else {
        put_attr(a, 1, six, sizeof(six));
        put_attr(a, 11 /* IFA_PROTO: of lo */, "\1", 1);
    }
    put_u32(a, 8 /* IFA_FLAGS */, IFA_PERMANENT);
    put_attr(a, 6 /* IFA_CACHEINFO */, forever, sizeof(forever));
    end(a);
}

#define TABLE_LOCAL 255u
#define BY_KERNEL   2u /* RTPROT_KERNEL */
#define TO_SELF     2u /* RTN_LOCAL */
#define TO_ALL      3u /* RTN_BROADCAST */
#define SCOPE_LINK  253u

static void tell_route(struct answer *a, const struct route_info *to, const void *address)
{
    static const u8 own[] = {127, 0, 0, 1}, zeros[32];
    bool strict = netlink_on(a->s, NETLINK_STRICT);

    if (!route_is_asked(&a->ask, to))
        return;
    begin(a, RTM_NEWROUTE, FLAG_MULTI | (strict ? FLAG_FILTERED : 0)); /* as Linux */
    put(a, to, sizeof(*to));
    put_u32(a, 15 /* RTA_TABLE */, to->table);
    put_attr(a, 1 /* RTA_DST */, address, to->family == AF_INET ? 4 : 16);
    if (to->family == AF_INET)
        put_attr(a, 7 /* RTA_PREFSRC */, own, sizeof(own));
    else
        put_u32(a, 6 /* RTA_PRIORITY */, 0);
    put_u32(a, 4 /* RTA_OIF */, LO_INDEX);
    if (to->family == AF_INET6) {
        put_attr(a, 12 /* RTA_CACHEINFO */, zeros, sizeof(zeros));
        put_attr(a, 20 /* RTA_PREF: medium */, zeros, 1);
    }
    end(a);
}

static void tell_routes(struct answer *a, u8 family)
{
    static const u8 net[] = {127, 0, 0, 0}, one[] = {127, 0, 0, 1},
                    all[] = {127, 255, 255, 255}, six[16] = {[15] = 1};
    struct route_info to = {AF_INET,   8,          0,       0, TABLE_LOCAL,
                            BY_KERNEL, SCOPE_HOST, TO_SELF, 0};

    if (family != AF_INET6) {
        tell_route(a, &to, net);
        to.bits = 32;
        tell_route(a, &to, one);
        to.scope = SCOPE_LINK;
        to.type = TO_ALL;
        tell_route(a, &to, all);
    }
    to = (struct route_info){AF_INET6, 128, 0, 0, TABLE_LOCAL, BY_KERNEL, 0, TO_SELF, 0};
    if (family != AF_INET)
        tell_route(a, &to, six);
}

/* ---- requests: 0, an errno, or 1: it is answered and no word more is due ---- */

/* Families that are not here get all, as on Linux. */
static void tell_all(struct answer *a, u8 family)
{
    u16 flags = FLAG_MULTI | a->ask.filtered;

    if (a->q->type == RTM_GETLINK) {
        tell_link(a, flags);
    } else if (a->q->type == RTM_GETADDR) {
        if (family != AF_INET6)
            tell_address(a, flags, AF_INET);
        if (family != AF_INET)
            tell_address(a, flags, AF_INET6);
    } else if (a->q->type == RTM_GETROUTE) {
        tell_routes(a, family);
    }
}

static int dump(struct answer *a, const u8 *payload, u32 n)
{
    u16 type = a->q->type;
    s32 err = 0;

    if (type != RTM_GETLINK && type != RTM_GETADDR && type != RTM_GETROUTE &&
        type != RTM_GETNEIGH)
        return -EOPNOTSUPP;
    if (netlink_on(a->s, NETLINK_STRICT))
        err = route_ask(&a->ask, type, true, payload, n);
    if (!err && !a->ask.nothing)
        tell_all(a, payload[0]);
    if (a->len)
        deliver(a);
    begin(a, NLMSG_DONE, FLAG_MULTI | a->ask.filtered);
    put(a, &err, sizeof(err));
    end(a);
    deliver(a);
    return 1;
}

/* Whether the attributes name `lo`; *any: they name one. */
static bool names_lo(const u8 *at, u32 n, bool *any)
{
    while (n >= 4) {
        u16 head[2];
        u32 step;

        memcpy(head, at, sizeof(head));
        if (head[0] < 4 || head[0] > n)
            break;
        if (head[1] == IFLA_IFNAME) {
            *any = true;
            return head[0] - 4 >= 2 && memcmp(at + 4, "lo", 2) == 0 &&
                   (head[0] == 6 || !at[6]);
        }
        step = MIN((u32)align_up(head[0], 4), n);
        at += step;
        n -= step;
    }
    return false;
}

static int get_link(struct answer *a, const u8 *payload, u32 n)
{
    struct link_info info;
    bool any = false, lo;

    if (n < sizeof(info) || (netlink_on(a->s, NETLINK_STRICT) &&
                             route_ask(&a->ask, RTM_GETLINK, false, payload, n) != 0))
        return -EINVAL;
    memcpy(&info, payload, sizeof(info));
    lo = info.index > 0 ? info.index == LO_INDEX
                        : names_lo(payload + sizeof(info), n - sizeof(info), &any);
    if (info.index < 0 || (!info.index && !any))
        return -EINVAL;
    if (!lo)
        return -ENODEV;
    tell_link(a, 0);
    deliver(a);
    return 0;
}

static int route_request(struct answer *a, const u8 *payload, u32 n)
{
    u16 type = a->q->type;

    if (type < FIRST_ROUTE) /* for nobody */
        return 0;
    if (type > LAST_ROUTE)
        return -EOPNOTSUPP;
    if (!n)
        return 0;
    if (type % 4 != KIND_GET && rank_current() == RANK_USER)
        return -EPERM;
    if (type % 4 == KIND_GET && a->q->flags & FLAG_DUMP)
        return dump(a, payload, n);
    return type == RTM_GETLINK ? get_link(a, payload, n) : -EOPNOTSUPP;
}

/* The request comes back with an error, its header with a success. */
static void tell_result(struct answer *a, s32 err, const u8 *payload)
{
    u32 n = a->q->len - HEADER;
    bool whole = err && n <= ANSWER_MAX - 2 * HEADER - sizeof(err) &&
                 !netlink_on(a->s, NETLINK_CAP);

    begin(a, NLMSG_ERROR, whole ? 0 : FLAG_CAPPED);
    put(a, &err, sizeof(err));
    put(a, a->q, HEADER);
    if (whole)
        put(a, payload, n);
    end(a);
    deliver(a);
}

void netlink_answer(struct socket *s, const struct netlink_request *q, const u8 *payload)
{
    struct answer a = {.s = s, .q = q};
    int result = 0;

    STATIC_ASSERT(sizeof(*q) == HEADER);
    if (q->flags & FLAG_REQUEST)
        result = route_request(&a, payload, q->len - HEADER);
    if (result < 0 || (result == 0 && q->flags & FLAG_ACK))
        tell_result(&a, result, payload);
}
