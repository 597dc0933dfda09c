/* SPDX-License-Identifier: MIT
 *
 * Groups of multicast, on the loopback: of IPv4 they get what is sent to them by who chose `lo` for that
 * (IP_MULTICAST_IF) or is bound to an address of it. Those of IPv6 can be joined, but nothing can be sent
 * to them, as on a Linux that has only `lo`.
 */
#pragma once

#include "fs/socket/socket_own.h"

/* How many bytes of its value an option of them takes; 0: it is none. */
u32 group_option_size(s32 level, s32 name);
/* value NULL: it could not be read. -EINVAL, -EFAULT, -ENODEV, -EADDRNOTAVAIL, -EADDRINUSE, -ENOBUFS,
 * -ENOMEM; of streams -EPROTO and others. */
int group_set_option(struct socket *s, s32 level, s32 name, const void *value, u32 len);
/* Whether s gets what is sent to the group: it, or as far as it has not refused those, somebody has
 * joined it. */
bool group_reaches(const struct socket *s, const struct inet_name *group);
void groups_leave(struct socket *s);
