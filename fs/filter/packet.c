/* SPDX-License-Identifier: MIT
 *
 * Filters of sockets, and the heads that they look at, which no packet here has.
 */
#include "fs/filter/packet.h"
#include "arch/cpu.h"
#include "fs/socket/inet.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

/* What Linux lets the options of a socket cost, net.core.optmem_max, and how it counts. */
#define OPTMEM_MAX 20480u
#define COST(f)    ((f) ? 104u + (f)->len * (u32)sizeof((f)->of[0]) : 0)

#define ETHER    14u
#define IPV4     20u
#define IPV6     40u
#define UDP      8u
#define HEAD_MAX (ETHER + IPV6 + UDP)

#define LO_INDEX        1
#define ARPHRD_LOOPBACK 772
#define ETH_P_IP        0x0800
#define ETH_P_IPV6      0x86dd
#define IP_DF           0x4000

/* ---- setting ---- */

int packet_filter_set(struct socket *s, struct bpf_filter *f)
{
    struct bpf_filter *old;
    int err = 0;

    spin_lock(&s->lock);
    old = s->filter;
    if (option_on(s, OPT_LOCK_FILTER))
        err = -EPERM;
    else if (!f && !old)
        err = -ENOENT;
    else if (f && COST(f) + COST(old) >= OPTMEM_MAX)
        err = -ENOMEM;
    else
        WRITE_ONCE(s->filter, f);
    spin_unlock(&s->lock);
    if (!err)
        bpf_put(old);
    return err;
}

struct bpf_filter *packet_filter_get(struct socket *s)
{
    SCOPED_LOCK(&s->lock);
    if (s->filter)
        bpf_get(s->filter);
    return s->filter;
}

u32 packet_filter_cost(struct socket *s)
{
    SCOPED_LOCK(&s->lock);
    return COST(s->filter);
}

/* ---- what it sees ---- */

struct view {
    struct bpf_input in;
    const struct packet *p;
    u8 head[HEAD_MAX];
    u32 nhead;     /* bytes of it, before those of p */
    s32 ip, bytes; /* where the head of IP begins, and what plain places count from */
    u16 type;      /* of Ethernet; 0: it is not of the network */
};

static void put16(u8 *to, u32 v)
{
    to[0] = (u8)(v >> 8);
    to[1] = (u8)v;
}

/* The sum of RFC 1071, not complemented; n is even. */
static u32 sum(const u8 *from, u32 n, u32 v)
{
    for (u32 i = 0; i < n; i += 2)
        v += (u32)from[i] << 8 | from[i + 1];
    while (v >> 16)
        v = (v & 0xffff) + (v >> 16);
    return v;
}

/* Returns where the addresses begin, source and destination. */
static u8 *fill_ipv4(u8 *h, const struct packet *p, u32 len)
{
    s32 discover = READ_ONCE(p->sender->values[VALUE_DISCOVER4]) + 1;

    h[0] = 0x45;
    h[1] = p->head.tos;
    put16(h + 2, IPV4 + len);
    put16(h + 6, discover >= 1 && discover <= 3 ? IP_DF : 0);
    h[8] = p->head.ttl;
    h[9] = (u8)p->sender->protocol;
    memcpy(h + 12, p->from_inet.ip + 12, 4);
    memcpy(h + 16, p->head.ip + 12, 4);
    put16(h + 10, ~sum(h, IPV4, 0));
    return h + 12;
}

static u8 *fill_ipv6(u8 *h, const struct packet *p, u32 len)
{
    put16(h, 6u << 12 | (u32)p->head.tos << 4);
    put16(h + 4, len);
    h[6] = (u8)p->sender->protocol;
    h[7] = p->head.ttl;
    memcpy(h + 8, p->from_inet.ip, 16);
    memcpy(h + 24, p->head.ip, 16);
    return h + 8;
}

static void fill_heads(struct view *v, const struct packet *p)
{
    bool v4 = inet_is_v4(&p->from_inet);
    u32 nip = v4 ? IPV4 : IPV6, len = UDP + p->len;
    u8 *ip = v->head + ETHER, *udp = ip + nip, *addresses;

    v->type = v4 ? ETH_P_IP : ETH_P_IPV6;
    put16(v->head + ETHER - 2, v->type);
    addresses = v4 ? fill_ipv4(ip, p, len) : fill_ipv6(ip, p, len);
    put16(udp, p->from_inet.port);
    put16(udp + 2, p->head.port);
    put16(udp + 4, len);
    /* On lo nobody has counted further: only what the machine would go on from stands there. */
    put16(udp + 6, sum(addresses, v4 ? 8 : 32, p->sender->protocol + len));
    v->nhead = ETHER + nip + UDP;
    v->ip = ETHER;
    v->bytes = (s32)(ETHER + nip);
}

static bool fact(const struct view *v, u32 which, u32 *value)
{
    switch (which) {
    case SKF_AD_PROTOCOL:
        *value = v->type;
        return true;
    case SKF_AD_IFINDEX:
    case SKF_AD_HATYPE:
        if (!v->type)
            return false;
        *value = which == SKF_AD_IFINDEX ? LO_INDEX : ARPHRD_LOOPBACK;
        return true;
    case SKF_AD_MARK:
        *value = v->type ? (u32)READ_ONCE(v->p->sender->values[VALUE_MARK]) : 0;
        return true;
    case SKF_AD_CPU:
        *value = cpu_id();
        return true;
    default: /* for this machine; of the first queue; without hash and VLAN */
        *value = 0;
        return true;
    }
}

static bool load(const struct bpf_input *in, u32 where, u32 size, u32 *value)
{
    const struct view *v = (const struct view *)in;
    s32 at = (s32)where;
    u32 result = 0;

    if (!size)
        return fact(v, where - (u32)SKF_AD_OFF, value);
    if (at >= 0)
        at = at > (s32)v->in.len ? -1 : at + v->bytes;
    else if (at >= SKF_NET_OFF)
        at += v->ip - SKF_NET_OFF;
    else
        at = at >= SKF_LL_OFF && v->type ? at - SKF_LL_OFF : -1;
    if (at < 0 || (u32)at + size > v->nhead + v->p->len)
        return false;
    for (; size; size--, at++)
        result =
            result << 8 |
            ((u32)at < v->nhead ? v->head[at] : packet_byte(v->p, (u32)at - v->nhead));
    *value = result;
    return true;
}

bool packet_filter_passes(struct socket *to, struct packet *p)
{
    struct bpf_filter *f = packet_filter_get(to);
    struct view v = {.in = {.load = load}, .p = p};
    u32 kept;

    if (!f)
        return true;
    if (!is_unix(to) && !is_netlink(to))
        fill_heads(&v, p);
    v.in.len = v.nhead - (u32)v.bytes + p->len;
    kept = bpf_run(f, &v.in);
    bpf_put(f);
    if (!kept)
        return false;
    kept = MAX(kept, v.nhead - (u32)v.bytes);
    p->len = MIN(p->len, kept - (v.nhead - (u32)v.bytes));
    return true;
}
