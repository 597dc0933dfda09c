/* SPDX-License-Identifier: MIT
 *
 * What a request to NETLINK_ROUTE asks for, where its sender wants it to be read strictly
 * (NETLINK_GET_STRICT_CHK of netlink(7)): nothing in it is passed over then, and some of it
 * chooses what is told.
 */
#include "fs/socket/route/ask.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"

#define ROUTE_CLONED 0x200u
#define ROUTE_PREFIX 0x800u

/* Takes the first attribute; false: there is none, and *n is 0 if nothing else is left. */
static bool take_attr(const u8 **at, u32 *n, u16 *type, u32 *value)
{
    u16 head[2];
    u32 step;

    if (*n < sizeof(head))
        return false;
    memcpy(head, *at, sizeof(head));
    if (head[0] < sizeof(head) || head[0] > *n)
        return false;
    *type = head[1];
    *value = 0;
    if (head[0] >= sizeof(head) + sizeof(*value))
        memcpy(value, *at + sizeof(head), sizeof(*value));
    step = MIN((u32)align_up(head[0], 4), *n);
    *at += step;
    *n -= step;
    return true;
}

static int check_address(struct route_ask *a, const u8 *payload, u32 n)
{
    struct addr_info info;

    if (n != sizeof(info))
        return -EINVAL;
    memcpy(&info, payload, sizeof(info));
    if (info.prefix || info.flags || info.scope)
        return -EINVAL;
    a->filtered = info.index ? FLAG_FILTERED : 0;
    return info.index && info.index != LO_INDEX ? -ENODEV : 0;
}

/* No kind of interface is known that could be asked for; lo has no master. */
static int check_link(struct route_ask *a, bool all, const u8 *payload, u32 n)
{
    struct link_info info;
    u32 value;
    u16 type;

    if (n < sizeof(info))
        return -EINVAL;
    memcpy(&info, payload, sizeof(info));
    if (info.pad || info.type || info.flags || info.change || (all && info.index))
        return -EINVAL;
    payload += sizeof(info);
    n -= sizeof(info);
    while (take_attr(&payload, &n, &type, &value))
        if (all && type == 10 /* IFLA_MASTER */ && value) {
            a->nothing = true;
            a->filtered = FLAG_FILTERED;
        } else if (type != 29 /* IFLA_EXT_MASK */ &&
                   !(all && (type == 10 || type == 18 /* IFLA_LINKINFO */)) &&
                   !(!all && (type == IFLA_IFNAME || type == 53 /* IFLA_ALT_IFNAME */))) {
            return -EINVAL;
        }
    return n ? -EINVAL : 0;
}

static int check_route(struct route_ask *a, const u8 *payload, u32 n)
{
    struct route_info info;
    bool chosen;
    u32 value;
    u16 type;

    if (n < sizeof(info))
        return -EINVAL;
    memcpy(&info, payload, sizeof(info));
    if (info.bits || info.source_bits || info.tos || info.scope ||
        info.flags & ~(ROUTE_CLONED | ROUTE_PREFIX))
        return -EINVAL;
    a->table = info.table;
    a->protocol = info.protocol;
    a->type = info.type;
    a->nothing = info.flags & ROUTE_CLONED; /* none is learnt from another */
    chosen = info.flags || info.table || info.protocol || info.type;
    payload += sizeof(info);
    n -= sizeof(info);
    while (take_attr(&payload, &n, &type, &value)) {
        if (type == 4 /* RTA_OIF */ && value != LO_INDEX)
            return -ENODEV;
        if (type == 15 /* RTA_TABLE */)
            a->table = value;
        else if (type != 4)
            return -EINVAL;
        chosen = true;
    }
    a->filtered = chosen && !n ? FLAG_FILTERED : 0;
    return n ? -EINVAL : 0;
}

/* struct ndmsg: family, pads, interface, state, flags, type. */
static int check_neighbour(const u8 *payload, u32 n)
{
    static const u8 allowed[12] = {[0] = 0xff, [10] = 8 /* NTF_PROXY */};
    u32 value;
    u16 type;

    if (n < sizeof(allowed))
        return -EINVAL;
    for (size_t i = 0; i < sizeof(allowed); i++)
        if (payload[i] & ~allowed[i])
            return -EINVAL;
    payload += sizeof(allowed);
    n -= sizeof(allowed);
    while (take_attr(&payload, &n, &type, &value))
        if (type != 8 /* NDA_IFINDEX */ && type != 9 /* NDA_MASTER */)
            return -EINVAL;
    return n ? -EINVAL : 0;
}

int route_ask(struct route_ask *a, u16 type, bool all, const u8 *payload, u32 n)
{
    switch (type) {
    case RTM_GETADDR:
        return check_address(a, payload, n);
    case RTM_GETLINK:
        return check_link(a, all, payload, n);
    case RTM_GETROUTE:
        return check_route(a, payload, n);
    default:
        return check_neighbour(payload, n);
    }
}

bool route_is_asked(const struct route_ask *a, const struct route_info *r)
{
    return (!a->table || a->table == r->table) && (!a->type || a->type == r->type) &&
           (!a->protocol || a->protocol == r->protocol);
}
