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

/* Options of SOL_NETLINK: include/uapi/linux/netlink.h of Linux. Of groups that are joined
 * nothing ever comes. A value shorter than a number is 0. -ENOPROTOOPT, -EINVAL, -EFAULT: value is
 * NULL; set: -EPERM. */
#define NETLINK_PKTINFO 3
#define NETLINK_CALM    5  /* NETLINK_NO_ENOBUFS */
#define NETLINK_CAP     10 /* NETLINK_CAP_ACK: errors without the request's payload */
#define NETLINK_STRICT  12 /* NETLINK_GET_STRICT_CHK */

int netlink_set_option(struct socket *s, s32 name, const void *value, u32 len);
/* len: as socket_get_option()'s; of a list that was cut it becomes the whole length. */
int netlink_get_option(const struct socket *s, s32 name, void *to, u32 *len);

/* Places in socket.values that are TCP's elsewhere. */
#define VALUE_NETLINK 12 /* bits: the switches by their numbers */
#define VALUE_GROUPS  14 /* those above 32 */

static inline bool netlink_on(const struct socket *s, u32 name)
{
    return (u32)READ_ONCE(s->values[VALUE_NETLINK]) >> name & 1;
}

/* Who spoke, and to which group where the receiver wants to know. */
void netlink_tell(const struct socket *s, struct message *m);

/* One packet for the queue of s; what does not fit is lost, and the next read says ENOBUFS. */
void netlink_deliver(struct socket *s, const void *bytes, size_t n);
