/* SPDX-License-Identifier: MIT
 *
 * Heads of datagrams of the network.
 */
#include "fs/socket/head.h"
#include "fs/socket/inet.h"
#include "fs/socket/packet.h"
#include "fs/socket/socket.h"
#include "fs/socket/socket_own.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

static u8 value_of(const struct socket *s, u32 index, s32 initial)
{
    return (u8)(READ_ONCE(s->values[index]) + initial);
}

int head_fill(struct socket *s, const struct message *m, struct packet *p,
              const struct inet_name *dest)
{
    bool v4 = inet_is_v4(dest);
    const struct inet_head *h = &m->head[!v4];
    struct inet_name own = {.port = 0};

    memcpy(p->head.ip, dest->ip, sizeof(p->head.ip));
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

void head_tell(const struct socket *s, const struct packet *p, struct message *m)
{
    inet_address(s, &p->from_inet, &m->address);
    m->head[0] = p->head;
    m->wants =
        READ_ONCE(s->options) >> OPT_WANTS & ((1u << (OPT_WANTS_END - OPT_WANTS)) - 1);
}
