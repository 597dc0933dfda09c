/* SPDX-License-Identifier: MIT
 *
 * Addresses of the loopback: 127.0.0.0/8, ::1, and the wildcards. IPv4 addresses
 * are kept as ::ffff:a.b.c.d. ip(7), ipv6(7).
 */
#include "fs/socket/inet.h"
#include "fs/socket/socket.h"
#include "fs/socket/socket_own.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

#define IN_LEN        16u
#define IN6_LEN       28u
#define IN6_LEN_LEAST 24u

static const u8 mapped[12] = {[10] = 0xff, [11] = 0xff};

void inet_set_v4(struct inet_name *n, const void *four)
{
    memcpy(n->ip, mapped, sizeof(mapped));
    memcpy(n->ip + sizeof(mapped), four, 4);
}

bool inet_is_v4(const struct inet_name *n)
{
    return memcmp(n->ip, mapped, sizeof(mapped)) == 0;
}

bool inet_is_group(const struct inet_name *n)
{
    return inet_is_v4(n) && n->ip[12] >> 4 == 14;
}

static bool all_zero(const u8 *bytes, u32 n)
{
    for (u32 i = 0; i < n; i++)
        if (bytes[i])
            return false;
    return true;
}

bool inet_is_any(const struct inet_name *n)
{
    return inet_is_v4(n) ? all_zero(n->ip + 12, 4) : all_zero(n->ip, 16);
}

static void set_loopback(struct inet_name *n, bool v4)
{
    memset(n->ip, 0, 16);
    if (v4)
        memcpy(n->ip, mapped, sizeof(mapped));
    if (v4)
        n->ip[12] = 127;
    n->ip[15] = 1;
}

static bool is_here(const struct inet_name *n)
{
    return inet_is_v4(n) ? n->ip[12] == 127 : all_zero(n->ip, 15) && n->ip[15] == 1;
}

int inet_route(struct inet_name *to)
{
    if (inet_is_any(to))
        set_loopback(to, inet_is_v4(to));
    return is_here(to) ? 0 : -ENETUNREACH;
}

int inet_route_from(struct socket *s, struct inet_name *to)
{
    s32 sticky = READ_ONCE(s->values[VALUE_STICKY]);
    struct inet_name from;

    spin_lock(&s->lock);
    from = s->local;
    spin_unlock(&s->lock);
    if (inet_is_group(to) && s->type == SOCK_DGRAM) /* lo is no way there but on demand */
        return READ_ONCE(s->values[VALUE_MIF]) || is_here(&from) ? 0 : -ENETUNREACH;
    if (s->type == SOCK_DGRAM && !inet_is_v4(to) && sticky && sticky != LO)
        return -ENETUNREACH;
    if (inet_is_group(&from))
        return inet_route(to);
    return inet_is_any(&from) || is_here(&from) ? inet_route(to) : -ENETUNREACH;
}

int inet_set_sticky(struct socket *s, const void *value, u32 len)
{
    s32 interface;

    if (len < PKTINFO6_LEN)
        return -EINVAL;
    if (!value)
        return -EFAULT;
    memcpy(&interface, (const u8 *)value + 16, sizeof(interface));
    if (READ_ONCE(s->values[VALUE_DEVICE]) && interface != LO)
        return -EINVAL;
    WRITE_ONCE(s->values[VALUE_STICKY], interface);
    return 0;
}

void inet_source(struct inet_name *from, const struct inet_name *to)
{
    if (inet_is_any(from))
        set_loopback(from, inet_is_v4(to));
}

void inet_no_name(const struct socket *s, struct inet_name *n)
{
    memset(n, 0, sizeof(*n));
    if (s->family == AF_INET)
        memcpy(n->ip, mapped, sizeof(mapped));
}

void inet_clear(struct socket *s)
{
    inet_no_name(s, &s->local);
    inet_no_name(s, &s->remote);
}

/* ---- as programs have them ---- */

int inet_parse(const struct socket *s, const struct address *a, struct inet_name *out)
{
    u32 family = a->bytes[0] | (u32)a->bytes[1] << 8;
    bool mixed = s->family == AF_INET6 && s->type == SOCK_DGRAM && family == AF_INET;
    bool v6 = s->family == AF_INET6 && !mixed;

    if (a->len < (v6 ? IN6_LEN_LEAST : IN_LEN))
        return -EINVAL;
    if (family != s->family && !mixed)
        return -EAFNOSUPPORT;
    out->port = (u16)(a->bytes[2] << 8 | a->bytes[3]);
    if (v6) {
        memcpy(out->ip, a->bytes + 8, 16);
    } else {
        memcpy(out->ip, mapped, sizeof(mapped));
        memcpy(out->ip + 12, a->bytes + 4, 4);
    }
    if (s->family == AF_INET6 && inet_is_v4(out) && option_on(s, OPT_V6ONLY))
        return -ENETUNREACH;
    return 0;
}

int inet_parse_own(const struct socket *s, const struct address *a, struct inet_name *out)
{
    struct address any = *a;
    int err;

    if (a->len >= IN_LEN && !a->bytes[0] && !a->bytes[1] && all_zero(a->bytes + 4, 4) &&
        s->family == AF_INET)
        any.bytes[0] = AF_INET; /* as Linux has it */
    if (s->family == AF_INET6 && a->len < IN6_LEN_LEAST)
        return -EINVAL; /* of whatever family it is */
    err = inet_parse(s, &any, out);
    if (err == -ENETUNREACH)
        err = -EINVAL;
    if (!err && s->family == AF_INET6 && any.bytes[0] != AF_INET6)
        err = -EAFNOSUPPORT;
    if (!err && !inet_is_any(out) && !is_here(out) &&
        !(inet_is_group(out) && s->type == SOCK_DGRAM) &&
        !READ_ONCE(s->values[VALUE_FREEBIND]))
        err = -EADDRNOTAVAIL;
    return err;
}

void inet_address(const struct socket *s, const struct inet_name *name,
                  struct address *out)
{
    bool v6 = s->family == AF_INET6;

    memset(out->bytes, 0, IN6_LEN);
    out->len = v6 ? IN6_LEN : IN_LEN;
    out->bytes[0] = (u8)s->family;
    out->bytes[2] = (u8)(name->port >> 8);
    out->bytes[3] = (u8)name->port;
    if (v6)
        memcpy(out->bytes + 8, name->ip, 16);
    else
        memcpy(out->bytes + 4, name->ip + 12, 4);
}

/* ---- ports ---- */
