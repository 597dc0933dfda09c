/* SPDX-License-Identifier: MIT
 *
 * The filter of a socket, SO_ATTACH_FILTER: each message for it is looked at before it stands in the
 * queue. It sees what Linux's would: of AF_UNIX and AF_NETLINK the message; of UDP the message
 * behind its own head, and, by the places of lib/uapi/filter.h, the heads of IP and Ethernet that
 * it would have on lo. Streams are not filtered.
 */
#pragma once

#include "fs/filter/bpf.h"
#include "fs/socket/packet.h"

/* f, a checked one, becomes the filter of s, which takes the reference over; NULL: it has none any
 * more. -EPERM: SO_LOCK_FILTER is on; -ENOENT: there was none to take away; -ENOMEM: too long.
 * On failure f stays the caller's. */
int must_check packet_filter_set(struct socket *s, struct bpf_filter *f);

/* That of s, referenced; NULL: it has none. */
struct bpf_filter *packet_filter_get(struct socket *s);

/* What it costs, as Linux counts it; 0: there is none. */
u32 packet_filter_cost(struct socket *s);

/* Whether p goes to `to`; it may be shorter then. Nobody else has p. */
bool must_check packet_filter_passes(struct socket *to, struct packet *p);

static inline bool packet_filtered_out(struct socket *to, struct packet *p)
{
    return unlikely(READ_ONCE(to->filter)) && !packet_filter_passes(to, p);
}
