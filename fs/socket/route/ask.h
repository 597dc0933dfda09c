/* SPDX-License-Identifier: MIT
 *
 * Requests to NETLINK_ROUTE that are read strictly: rtnetlink(7), include/uapi/linux/rtnetlink.h
 * of Linux. For fs/socket/netlink_route.c.
 */
#pragma once

#include "lib/types.h"

#define RTM_GETLINK   18u
#define RTM_GETADDR   22u
#define RTM_GETROUTE  26u
#define RTM_GETNEIGH  30u
#define IFLA_IFNAME   3u
#define LO_INDEX      1
#define FLAG_FILTERED 0x020u /* of a dump: not all there is */

struct link_info { /* struct ifinfomsg */
    u8 family, pad;
    u16 type;
    s32 index;
    u32 flags, change;
};

struct addr_info { /* struct ifaddrmsg */
    u8 family, prefix, flags, scope;
    u32 index;
};

struct route_info { /* struct rtmsg */
    u8 family, bits, source_bits, tos, table, protocol, scope, type;
    u32 flags;
};

struct route_ask {
    u16 filtered;      /* FLAG_FILTERED, or 0 */
    bool nothing;      /* what is asked for is not here */
    u8 protocol, type; /* of routes; 0: all */
    u32 table;
};

/* What the n bytes after the header of a request ask for, to *a, which begins as zeros; all: of a
 * dump. -EINVAL: something in it has no meaning there; -ENODEV: an interface that is not here. */
int route_ask(struct route_ask *a, u16 type, bool all, const u8 *payload, u32 n);
bool route_is_asked(const struct route_ask *a, const struct route_info *r);
