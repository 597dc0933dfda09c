/* SPDX-License-Identifier: MIT
 *
 * Options of sockets: socket(7), ip(7), ipv6(7), tcp(7). What steers a network that is not
 * there is kept and told again, within the bounds Linux has for it.
 */
#include "fs/socket/option.h"
#include "fs/socket/end.h"
#include "fs/socket/netlink.h"
#include "fs/socket/socket.h"
#include "fs/socket/socket_own.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

#define BUFFER_MAX 212992u /* net.core.wmem_max, rmem_max */
#define LOWAT_MAX  3145728 /* of the network: half of the most that tcp_rmem gives */
#define SNDBUF_MIN 4608u
#define RCVBUF_MIN 2304u
#define NS         1000000000ull

#define TCP_INFO_LEN 8u /* the state and what is 0 after it */

/* How the value of an option is kept. HOPS: -1 is the initial one; MANY: as HOPS, and streams
 * have none; EXACT: not every number that is not 0 stands for 1. */
enum kind { SWITCH, VALUE, HOPS, MANY, EXACT };

struct option {
    s16 level, name;
    u8 kind, index; /* the bit, or the place in socket.values */
    s32 initial, min, max;
};

#define INT_MAX_ 0x7fffffff

static const struct option options[] = {
    {SOL_SOCKET, SO_REUSEADDR, SWITCH, OPT_REUSEADDR, 0, 0, 0},
    {SOL_SOCKET, SO_REUSEPORT, SWITCH, OPT_REUSEPORT, 0, 0, 0},
    {SOL_SOCKET, SO_KEEPALIVE, SWITCH, OPT_KEEPALIVE, 0, 0, 0},
    {SOL_SOCKET, SO_BROADCAST, SWITCH, OPT_BROADCAST, 0, 0, 0},
    {SOL_SOCKET, SO_PASSCRED, SWITCH, OPT_PASSCRED, 0, 0, 0},
    {SOL_SOCKET, SO_DEBUG, SWITCH, OPT_DEBUG, 0, 0, 0},
    {SOL_SOCKET, SO_DONTROUTE, SWITCH, OPT_DONTROUTE, 0, 0, 0},
    {SOL_SOCKET, SO_OOBINLINE, SWITCH, OPT_OOBINLINE, 0, 0, 0},
    {IPPROTO_IP, 8 /* IP_PKTINFO */, SWITCH, OPT_WANTS, 0, 0, 0},
    {IPPROTO_IP, 12 /* IP_RECVTTL */, SWITCH, OPT_WANTS + 1, 0, 0, 0},
    {IPPROTO_IP, 13 /* IP_RECVTOS */, SWITCH, OPT_WANTS + 2, 0, 0, 0},
    {IPPROTO_IPV6, 49 /* IPV6_RECVPKTINFO */, SWITCH, OPT_WANTS + 3, 0, 0, 0},
    {IPPROTO_IPV6, 51 /* IPV6_RECVHOPLIMIT */, SWITCH, OPT_WANTS + 4, 0, 0, 0},
    {IPPROTO_IPV6, 66 /* IPV6_RECVTCLASS */, SWITCH, OPT_WANTS + 5, 0, 0, 0},
    {IPPROTO_IPV6, 26 /* IPV6_V6ONLY */, SWITCH, OPT_V6ONLY, 0, 0, 0},
    {SOL_SOCKET, SO_PRIORITY, VALUE, 0, 0, 0, 6},
    {SOL_SOCKET, SO_RCVLOWAT, VALUE, VALUE_RCVLOWAT, 1, 1, INT_MAX_},
    {IPPROTO_IP, 1 /* IP_TOS */, VALUE, VALUE_TOS, 0, 0, 255},
    {IPPROTO_IP, 2 /* IP_TTL */, HOPS, VALUE_TTL, HOPS_DEFAULT, 1, 255},
    {IPPROTO_IP, 10 /* IP_MTU_DISCOVER */, VALUE, 4, 1, 0, 5},
    {IPPROTO_IP, 11 /* IP_RECVERR */, VALUE, 5, 0, 0, 1},
    {IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, VALUE, 6, 0, 0, 1},
    {IPPROTO_IP, 15 /* IP_FREEBIND */, VALUE, VALUE_FREEBIND, 0, 0, 1},
    {IPPROTO_IPV6, 78 /* IPV6_FREEBIND */, VALUE, VALUE_FREEBIND, 0, 0, 1},
    {IPPROTO_IPV6, 16 /* IPV6_UNICAST_HOPS */, HOPS, VALUE_HOPS, HOPS_DEFAULT, 0, 255},
    {IPPROTO_IPV6, 67 /* IPV6_TCLASS */, HOPS, VALUE_TCLASS, 0, 0, 255},
    {IPPROTO_IPV6, 25 /* IPV6_RECVERR */, VALUE, 10, 0, 0, 1},
    {IPPROTO_IPV6, 23 /* IPV6_MTU_DISCOVER */, VALUE, 11, 1, 0, 5},
    {IPPROTO_IP, 33 /* IP_MULTICAST_TTL */, MANY, 26, 1, 0, 255},
    {IPPROTO_IP, 34 /* IP_MULTICAST_LOOP */, VALUE, 27, 1, 0, 1},
    {IPPROTO_IPV6, 18 /* IPV6_MULTICAST_HOPS */, MANY, 28, 1, 0, 255},
    {IPPROTO_IPV6, 19 /* IPV6_MULTICAST_LOOP */, EXACT, 29, 1, 0, 1},
    {IPPROTO_TCP, 1 /* TCP_NODELAY */, VALUE, 12, 0, 0, 1},
    {IPPROTO_TCP, 2 /* TCP_MAXSEG */, VALUE, 13, 32768, 88, 32767},
    {IPPROTO_TCP, 3 /* TCP_CORK */, VALUE, 14, 0, 0, 1},
    {IPPROTO_TCP, 4 /* TCP_KEEPIDLE */, VALUE, 15, 7200, 1, 32767},
    {IPPROTO_TCP, 5 /* TCP_KEEPINTVL */, VALUE, 16, 75, 1, 32767},
    {IPPROTO_TCP, 6 /* TCP_KEEPCNT */, VALUE, 17, 9, 1, 127},
    {IPPROTO_TCP, 7 /* TCP_SYNCNT */, VALUE, 18, 6, 1, 255},
    {IPPROTO_TCP, 8 /* TCP_LINGER2 */, VALUE, 19, 60, -INT_MAX_, INT_MAX_},
    {IPPROTO_TCP, 9 /* TCP_DEFER_ACCEPT */, VALUE, 20, 0, 0, INT_MAX_},
    {IPPROTO_TCP, 10 /* TCP_WINDOW_CLAMP */, VALUE, 21, 0, 0, INT_MAX_},
    {IPPROTO_TCP, 12 /* TCP_QUICKACK */, VALUE, 22, 1, 0, 1},
    {IPPROTO_TCP, 18 /* TCP_USER_TIMEOUT */, VALUE, 23, 0, 0, INT_MAX_},
    {IPPROTO_TCP, 23 /* TCP_FASTOPEN */, VALUE, 24, 0, 0, INT_MAX_},
    {IPPROTO_TCP, 25 /* TCP_NOTSENT_LOWAT */, VALUE, 25, 0, 0, INT_MAX_},
};

STATIC_ASSERT(VALUES > 29 && OPT_WANTS_END <= 32);

static const struct option *find(const struct socket *s, s32 level, s32 name)
{
    if (level == IPPROTO_TCP && s->protocol != IPPROTO_TCP)
        return NULL;
    if (level == IPPROTO_IPV6 && s->family != AF_INET6)
        return NULL;
    if (level == IPPROTO_IP && (is_unix(s) || is_netlink(s)))
        return NULL;
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (options[i].level == level && options[i].name == name)
            return &options[i];
    return NULL;
}

/* An option that is not there. What IPv4 does not know at all it says otherwise when it is asked
 * than when it is told, as Linux does. */
static int unknown(const struct socket *s, s32 level, bool asked)
{
    bool foreign =
        asked && s->family == AF_INET && level != IPPROTO_IP && level != s->protocol;

    if (level != SOL_SOCKET && (is_unix(s) || foreign))
        return -EOPNOTSUPP;
    return -ENOPROTOOPT;
}

/* ---- setting ---- */

/* What becomes of a SO_RCVLOWAT of v. */
static s32 low_water_for(const struct socket *s, s32 v)
{
    if (v < 0)
        v = INT_MAX_;
    if (s->protocol == IPPROTO_TCP)
        v = MIN(v, LOWAT_MAX);
    return MAX(v, 1);
}

/* Booleans of the network are whatever is not 0; numbers have bounds. */
static int set_plain(struct socket *s, const struct option *o, s32 v)
{
    u32 bit = 1u << o->index;

    if (o->kind == SWITCH) {
        if (o->index == OPT_V6ONLY && READ_ONCE(s->is_bound))
            return -EINVAL;
        if (v)
            __atomic_fetch_or(&s->options, bit, __ATOMIC_RELAXED);
        else
            __atomic_fetch_and(&s->options, ~bit, __ATOMIC_RELAXED);
        return 0;
    }
    if (o->kind == MANY && is_stream(s))
        return o->level == IPPROTO_IP ? -EINVAL : -ENOPROTOOPT;
    if ((o->kind == HOPS || o->kind == MANY) && v == -1)
        v = o->initial;
    if (o->kind == VALUE && o->min == 0 && o->max == 1)
        v = v != 0;
    if (o->index == VALUE_RCVLOWAT)
        v = low_water_for(s, v);
    if (v < o->min || v > o->max)
        return -EINVAL;
    WRITE_ONCE(s->values[o->index],
               v - o->initial); /* so that 0 is what all begin with */
    if (o->index == VALUE_RCVLOWAT)
        socket_wake(s); /* what was too little may do now */
    return 0;
}

static int set_timeout(u64 *where, const void *value, u32 len)
{
    s64 tv[2];

    if (len < sizeof(tv))
        return -EINVAL;
    memcpy(tv, value, sizeof(tv));
    if (tv[1] < 0 || tv[1] >= 1000000)
        return -EDOM;
    if (tv[0] < 0) /* as Linux: it waits as good as not at all */
        WRITE_ONCE(*where, 1ull);
    else if (tv[0] > (s64)(NO_DEADLINE / 2 / NS))
        WRITE_ONCE(*where, 0ull);
    else
        WRITE_ONCE(*where, (u64)tv[0] * NS + (u64)tv[1] * 1000);
    return 0;
}

/* As much again is allowed for what the kernel needs beside the bytes. */
static void set_buffer(struct socket *s, bool send, u32 v)
{
    u32 size = v * 2;

    if (send)
        WRITE_ONCE(s->sndbuf, MAX(size, SNDBUF_MIN));
    else
        WRITE_ONCE(s->rcvbuf, MAX(size, RCVBUF_MIN));
    socket_wake(s);
}

static int set_linger(struct socket *s, const void *value, u32 len)
{
    s32 linger[2];

    if (len < sizeof(linger))
        return -EINVAL;
    memcpy(linger, value, sizeof(linger));
    WRITE_ONCE(s->linger, linger[0] ? MAX(linger[1], 0) : -1);
    return 0;
}

static int set_of_socket(struct socket *s, s32 name, const void *value, u32 len)
{
    s32 v;

    memcpy(&v, value, sizeof(v));
    switch (name) {
    case SO_SNDBUFFORCE:
    case SO_RCVBUFFORCE:
        if (rank_current() == RANK_USER)
            return -EPERM;
        set_buffer(s, name == SO_SNDBUFFORCE, (u32)MIN(MAX(v, 0), INT_MAX_ / 2));
        return 0;
    case SO_SNDBUF:
    case SO_RCVBUF:
        set_buffer(s, name == SO_SNDBUF, MIN((u32)v, BUFFER_MAX));
        return 0;
    case SO_LINGER:
        return set_linger(s, value, len);
    case SO_RCVTIMEO:
    case SO_RCVTIMEO_NEW:
        return set_timeout(&s->rcvtimeo, value, len);
    case SO_SNDTIMEO:
    case SO_SNDTIMEO_NEW:
        return set_timeout(&s->sndtimeo, value, len);
    default:
        return -ENOPROTOOPT;
    }
}

int socket_set_option(struct socket *s, s32 level, s32 name, const void *value, u32 len)
{
    const struct option *o = find(s, level, name);
    bool netlink = level == SOL_NETLINK && is_netlink(s);
    s32 v = 0;

    if (!o && level != SOL_SOCKET && !netlink)
        return unknown(s, level, false);
    if (len < sizeof(v) && !(level == IPPROTO_IP && len == 1))
        return -EINVAL;
    memcpy(&v, value, MIN(len, (u32)sizeof(v)));
    if (netlink)
        return netlink_set_option(s, name, v);
    return o ? set_plain(s, o, v) : set_of_socket(s, name, value, len);
}

/* ---- getting ---- */

static int give(void *to, u32 *len, const void *from, u32 n)
{
    *len = MIN(*len, n);
    memcpy(to, from, *len);
    return 0;
}

static int give_timeout(void *to, u32 *len, u64 ns)
{
    s64 tv[2] = {(s64)(ns / NS), (s64)(ns % NS / 1000)};

    return give(to, len, tv, sizeof(tv));
}

static int get_of_socket(struct socket *s, s32 name, void *to, u32 *len)
{
    s32 linger = READ_ONCE(s->linger), pair[2] = {linger >= 0, MAX(linger, 0)}, v;
    struct socket_cred cred = {0, ~0u, ~0u};

    switch (name) {
    case SO_LINGER:
        return give(to, len, pair, sizeof(pair));
    case SO_RCVTIMEO:
    case SO_RCVTIMEO_NEW:
        return give_timeout(to, len, READ_ONCE(s->rcvtimeo));
    case SO_SNDTIMEO:
    case SO_SNDTIMEO_NEW:
        return give_timeout(to, len, READ_ONCE(s->sndtimeo));
    case SO_PEERCRED:
        if (is_unix(s) && READ_ONCE(s->state) == SOCKET_CONNECTED)
            cred = s->peer_cred;
        return give(to, len, &cred, sizeof(cred));
    case SO_TYPE:
        v = s->type;
        break;
    case SO_DOMAIN:
        v = s->family;
        break;
    case SO_PROTOCOL:
        v = s->protocol;
        break;
    case SO_ERROR:
        v = -socket_take_error(s);
        break;
    case SO_ACCEPTCONN:
        v = READ_ONCE(s->state) == SOCKET_LISTENING;
        break;
    case SO_SNDBUF:
        v = (s32)READ_ONCE(s->sndbuf);
        break;
    case SO_RCVBUF:
        v = (s32)READ_ONCE(s->rcvbuf);
        break;
    case SO_SNDLOWAT:
        v = 1;
        break;
    case SO_INCOMING_CPU:
        v = -1;
        break;
    default:
        return -ENOPROTOOPT;
    }
    return give(to, len, &v, sizeof(v));
}

/* TCP_INFO: the state; there are no packets to tell of. */
static int get_tcp_info(const struct socket *s, void *to, u32 *len)
{
    u8 info[TCP_INFO_LEN] = {(u8)socket_tcp_state(s)};

    return give(to, len, info, sizeof(info));
}

int socket_get_option(struct socket *s, s32 level, s32 name, void *value, u32 *len)
{
    const struct option *o = find(s, level, name);
    s32 v;

    if (o) {
        v = o->kind == SWITCH ? option_on(s, o->index)
                              : READ_ONCE(s->values[o->index]) + o->initial;
        return give(value, len, &v, sizeof(v));
    }
    if (level == IPPROTO_TCP && name == 11 && s->protocol == IPPROTO_TCP)
        return get_tcp_info(s, value, len);
    return level == SOL_SOCKET ? get_of_socket(s, name, value, len)
                               : unknown(s, level, true);
}
