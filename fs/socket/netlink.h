/* SPDX-License-Identifier: MIT
 *
 * AF_NETLINK of the protocol NETLINK_ROUTE: the kernel answers what programs ask about the
 * only interface. netlink(7), rtnetlink(7). The family's part of each call; others come to
 * -EOPNOTSUPP, which socket.h's functions say.
 */
#pragma once

#include "fs/socket/socket_own.h"

/* Whether there is such a kind: 0, -ESOCKTNOSUPPORT, -EPROTONOSUPPORT. */
int netlink_check(u32 type, u32 protocol);

/* s->calls held. a NULL: to nobody. */
int netlink_bind(struct socket *s, const struct address *a);
int netlink_connect(struct socket *s, const struct address *a);
void netlink_unbind(struct socket *s);
void netlink_name(const struct socket *s, bool peer, struct address *out);

/* What the kernel has to say stands in the queue of s afterwards. Bytes or errno. */
ssize_t netlink_send(struct socket *s, struct message *m);

/* Joins a group, or leaves it, of which nothing ever comes: option of SOL_NETLINK. */
int netlink_set_option(struct socket *s, s32 name, s32 value);

/* One packet for the queue of s; what does not fit is lost, and the next read says ENOBUFS. */
void netlink_deliver(struct socket *s, const void *bytes, size_t n);
