/* SPDX-License-Identifier: MIT
 *
 * Options of sockets: socket(7), ip(7), ipv6(7), tcp(7). What steers a network that is not
 * there is kept and told again, within the bounds Linux has for it.
 */
#include "fs/socket/option.h"
#include "fs/filter/packet.h"
#include "fs/socket/all.h"
#include "fs/socket/backlog.h"
#include "fs/socket/end.h"
#include "fs/socket/group/group.h"
#include "fs/socket/inet.h"
#include "fs/socket/netlink.h"
#include "fs/socket/option_table.h"
#include "fs/socket/packet.h"
#include "fs/socket/socket.h"
#include "fs/socket/socket_own.h"
#include "fs/socket/udp.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

#define LOWAT_MAX  3145728 /* of the network: half of the most that tcp_rmem gives */
#define SNDBUF_MIN 4608u
#define RCVBUF_MIN 2304u
#define NS         1000000000ull

#define TCP_INFO_LEN 232u /* the state; the rest is 0: there are no packets to tell of */
#define LINGER2_MAX  120
#define MSS_UNKNOWN  536   /* of a stream that is not connected */
#define MTU          65536 /* of lo */

u32 socket_snd_max = SNDBUF_DEFAULT, socket_rcv_max = SNDBUF_DEFAULT;

static const struct option *find(const struct socket *s, s32 level, s32 name)
{
    if (level == IPPROTO_TCP && s->protocol != IPPROTO_TCP)
        return NULL;
    if (level == SOL_SOCKET && name == SO_PEEK_OFF && (is_tcp(s) || is_netlink(s)))
        return NULL;
    if ((level == IPPROTO_IPV6 && s->family != AF_INET6) ||
        (level == IPPROTO_IP && (is_unix(s) || is_netlink(s))))
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

/* Seconds that a listener waits for data, as Linux keeps them: as a count of tries, each of which
 * waits twice as long as the one before, two minutes at most. */
static s32 whole_tries(s32 seconds)
{
    s32 all = 0, tries = 0;

    for (s32 one = 1; seconds > all && tries < 255; tries++, one = MIN(one * 2, 120))
        all += one;
    return all;
}

/* What becomes of numbers that have more rules than bounds. */
static s32 adjusted(const struct socket *s, const struct option *o, s32 v)
{
    switch (o->index) {
    case VALUE_RCVLOWAT:
        return low_water_for(s, v);
    case VALUE_TOS:
        v &= 0xff;     /* fall through */
    case VALUE_TCLASS: /* two bits of a stream's are the protocol's */
        return is_stream(s) ? (v & ~3) | (READ_ONCE(s->values[o->index]) & 3) : v;
    case VALUE_MAXSEG:
        return v ? v : o->initial;
    case VALUE_LINGER2:
        return v ? MAX(MIN(v, LINGER2_MAX), -1) : o->initial;
    case VALUE_DEFER:
        return whole_tries(v);
    case VALUE_CLAMP:
        return v ? MAX(v, (s32)RCVBUF_MIN / 2) : 0;
    default:
        return v;
    }
}

/* What not everybody may set. */
static int check_rank(const struct option *o, s32 v)
{
    if (o->level != SOL_SOCKET || rank_current() != RANK_USER)
        return 0;
    if (o->name == SO_DEBUG)
        return v ? -EACCES : 0;
    return o->name == SO_MARK || (o->name == SO_PRIORITY && (v < 0 || v > 6)) ? -EPERM
                                                                              : 0;
}

static void switch_option(struct socket *s, u32 option, bool on)
{
    if (on)
        __atomic_fetch_or(&s->options, 1u << option, __ATOMIC_RELAXED);
    else
        __atomic_fetch_and(&s->options, ~(1u << option), __ATOMIC_RELAXED);
}

/* Booleans of the network are whatever is not 0. */
static int set_plain(struct socket *s, const struct option *o, s32 v)
{
    int err = check_rank(o, v);

    if (err)
        return err;
    if (o->kind == SWITCH) {
        if (o->index == OPT_V6ONLY && READ_ONCE(s->is_bound))
            return -EINVAL;
        if (o->index == OPT_LOCK_FILTER && !v && option_on(s, OPT_LOCK_FILTER))
            return -EPERM;
        switch_option(s, o->index, v);
        return 0;
    }
    if (o->kind == MANY && is_stream(s))
        return o->level == IPPROTO_IP ? -EINVAL : -ENOPROTOOPT;
    if ((o->kind == HOPS || o->kind == MANY) && v == -1)
        v = o->initial;
    if (o->kind == VALUE && o->min == 0 && o->max == 1)
        v = v != 0;
    v = adjusted(s, o, v);
    if (v < o->min || v > o->max)
        return -EINVAL;
    WRITE_ONCE(s->values[o->index],
               (s32)((u32)v - (u32)o->initial)); /* so that 0 is what all begin with */
    if (o->index == VALUE_RCVLOWAT)
        socket_wake(s); /* what was too little may do now */
    if (!v && (o->index == VALUE_ERRORS || o->index == VALUE_ERRORS6))
        udp_drop_errors(s);
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
    if (linger[0])
        WRITE_ONCE(s->linger, linger[1]);
    switch_option(s, OPT_LINGER, linger[0]);
    return 0;
}

/* SO_TIMESTAMP and its like: one of them at most is on. */
static int set_stamp(struct socket *s, s32 name, bool on)
{
    if (on)
        packet_stamp_all();
    WRITE_ONCE(s->values[VALUE_STAMP], on ? name : 0);
    return 0;
}

static const char algorithms[][NAME_LEN] = {"cubic", "reno"};

/* An option that is a text. */
static int set_text(struct socket *s, bool device, const void *value, u32 len)
{
    char name[NAME_LEN] = "";

    memcpy(name, value, MIN(len, NAME_LEN - 1));
    if (device) {
        if (*name && strcmp(name, "lo") != 0)
            return -ENODEV;
        WRITE_ONCE(s->values[VALUE_DEVICE], *name != 0);
        return 0;
    }
    if (!len)
        return -EINVAL;
    for (s32 i = 0; i < (s32)ARRAY_SIZE(algorithms); i++)
        if (strcmp(name, algorithms[i]) == 0) {
            WRITE_ONCE(s->values[VALUE_CONTROL], i);
            return 0;
        }
    return -ENOENT;
}

static int set_of_socket(struct socket *s, s32 name, const void *value, u32 len)
{
    u32 most;
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
        most = name == SO_SNDBUF ? READ_ONCE(socket_snd_max) : READ_ONCE(socket_rcv_max);
        set_buffer(s, name == SO_SNDBUF, MIN(MIN((u32)v, most), (u32)INT_MAX_ / 2));
        return 0;
    case SO_LINGER:
        return set_linger(s, value, len);
    case SO_RCVTIMEO:
    case SO_RCVTIMEO_NEW:
        return set_timeout(&s->rcvtimeo, value, len);
    case SO_SNDTIMEO:
    case SO_SNDTIMEO_NEW:
        return set_timeout(&s->sndtimeo, value, len);
    case SO_TIMESTAMP:
    case SO_TIMESTAMPNS:
    case SO_TIMESTAMP_NEW:
    case SO_TIMESTAMPNS_NEW:
        return set_stamp(s, name, v != 0);
    case SO_DETACH_FILTER:
        return packet_filter_set(s, NULL);
    default:
        return name == SO_PEEK_OFF ? -EOPNOTSUPP : -ENOPROTOOPT;
    }
}

int socket_set_option(struct socket *s, s32 level, s32 name, const void *value, u32 len)
{
    const struct option *o = find(s, level, name);
    bool group = group_option_size(level, name) && !is_unix(s) && !is_netlink(s) &&
                 (level == IPPROTO_IP || s->family == AF_INET6);
    bool device = level == SOL_SOCKET && name == SO_BINDTODEVICE;
    s32 v = 0;

    if (group)
        return group_set_option(s, level, name, value, len);
    if (device || (level == IPPROTO_TCP && name == TCP_CONGESTION && is_tcp(s)))
        return value ? set_text(s, device, value, len) : -EFAULT;
    if (level == IPPROTO_IPV6 && name == IPV6_PKTINFO && s->family == AF_INET6)
        return inet_set_sticky(s, value, len);
    if (level == SOL_NETLINK && is_netlink(s))
        return netlink_set_option(s, name, value, len);
    if (!o && level != SOL_SOCKET)
        return unknown(s, level, false);
    if (len < sizeof(v) && !(level == IPPROTO_IP && len == 1))
        return -EINVAL;
    if (!value)
        return -EFAULT;
    memcpy(&v, value, MIN(len, (u32)sizeof(v)));
    return o ? set_plain(s, o, v) : set_of_socket(s, name, value, len);
}

/* ---- getting ---- */

static int give(void *to, u32 *len, const void *from, u32 n)
{
    memcpy(to, from, *len = MIN(*len, n));
    return 0;
}

static int give_timeout(void *to, u32 *len, u64 ns)
{
    s64 tv[2] = {(s64)(ns / NS), (s64)(ns % NS / 1000)};

    return give(to, len, tv, sizeof(tv));
}

static int get_of_socket(struct socket *s, s32 name, void *to, u32 *len)
{
    s32 pair[2] = {option_on(s, OPT_LINGER), READ_ONCE(s->linger)}, v;
    struct socket_cred cred = {0, ~0u, ~0u};
    u32 memory[MEMORY_WORDS];

    switch (name) {
    case SO_BINDTODEVICE:
        if (READ_ONCE(s->values[VALUE_DEVICE]))
            return *len < NAME_LEN ? -EINVAL : give(to, len, "lo", sizeof("lo"));
        *len = 0;
        return 0;
    case SO_COOKIE:
        return *len < sizeof(s->number) ? -EINVAL
                                        : give(to, len, &s->number, sizeof(s->number));
    case SO_MEMINFO:
        socket_memory(s, memory);
        return give(to, len, memory, sizeof(memory));
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
    case SO_DOMAIN:
    case SO_PROTOCOL:
        v = name == SO_TYPE ? s->type : name == SO_DOMAIN ? s->family : s->protocol;
        break;
    case SO_ERROR:
        v = -socket_take_error(s);
        break;
    case SO_ACCEPTCONN:
        v = READ_ONCE(s->state) == SOCKET_LISTENING;
        break;
    case SO_SNDBUF:
    case SO_RCVBUF:
        v = (s32)READ_ONCE(*(name == SO_SNDBUF ? &s->sndbuf : &s->rcvbuf));
        break;
    case SO_SNDLOWAT:
    case SO_INCOMING_CPU:
        v = name == SO_SNDLOWAT ? 1 : -1;
        break;
    case SO_TIMESTAMP:
    case SO_TIMESTAMPNS:
    case SO_TIMESTAMP_NEW:
    case SO_TIMESTAMPNS_NEW:
        v = READ_ONCE(s->values[VALUE_STAMP]) == name;
        break;
    default:
        return name == SO_PEEK_OFF ? -EOPNOTSUPP : -ENOPROTOOPT;
    }
    return give(to, len, &v, sizeof(v));
}

/* What is no number that was set, of another level than SOL_SOCKET. */
static int get_told(const struct socket *s, s32 level, s32 name, void *to, u32 *len)
{
    u8 info[TCP_INFO_LEN] = {(u8)socket_tcp_state(s)};
    s32 mtu = level == IPPROTO_IP ? MTU - 1 : MTU; /* as much as a head can say */

    if (level == IPPROTO_TCP && name == 11 && is_tcp(s))
        return give(to, len, info, sizeof(info));
    if (level == IPPROTO_TCP && name == TCP_CONGESTION && is_tcp(s))
        return give(to, len, algorithms[READ_ONCE(s->values[VALUE_CONTROL])], NAME_LEN);
    if (level == SOL_NETLINK && is_netlink(s))
        return netlink_get_option(s, name, to, len);
    if (is_unix(s) || is_netlink(s))
        return unknown(s, level, true);
    if (level == IPPROTO_IP && name == IP_OPTIONS) {
        *len = 0; /* there are none */
        return 0;
    }
    if ((level == IPPROTO_IP && name == IP_MTU) ||
        (level == IPPROTO_IPV6 && name == IPV6_MTU && s->family == AF_INET6))
        return READ_ONCE(s->state) == SOCKET_CONNECTED ? give(to, len, &mtu, sizeof(mtu))
                                                       : -ENOTCONN;
    return unknown(s, level, true);
}

int socket_get_option(struct socket *s, s32 level, s32 name, void *value, u32 *len)
{
    const struct option *o = find(s, level, name);
    s32 v;

    if (o) {
        v = o->kind == SWITCH
                ? option_on(s, o->index)
                : (s32)((u32)READ_ONCE(s->values[o->index]) + (u32)o->initial);
        if (o->index == VALUE_MAXSEG && o->level == IPPROTO_TCP && v == o->initial &&
            READ_ONCE(s->state) != SOCKET_CONNECTED)
            v = MSS_UNKNOWN;
        return give(value, len, &v, sizeof(v));
    }
    return level == SOL_SOCKET ? get_of_socket(s, name, value, len)
                               : get_told(s, level, name, value, len);
}
