/* SPDX-License-Identifier: MIT
 *
 * Heads of datagrams of the network: address, hops, class.
 */
#pragma once

#include "fs/socket/socket_own.h"

/* The head of p, that goes to dest: as the sender says, or as the options of s do. The sender's
 * address too, where he names one: -EINVAL when it is not this machine's. */
int head_fill(struct socket *s, const struct message *m, struct packet *p,
              const struct inet_name *dest);

/* What the receiver is told: who sent p, and as much of its head as options of s ask for. */
void head_tell(const struct socket *s, const struct packet *p, struct message *m);
