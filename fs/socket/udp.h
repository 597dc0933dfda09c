/* SPDX-License-Identifier: MIT
 *
 * Datagrams of the network: with heads of address, hops, class.
 */
#pragma once

#include "fs/socket/socket_own.h"

/* Bytes or errno. With MSG_MORE they wait for those of later calls, up to one without it, and go
 * to whom the first of them goes. A part that fails takes those before it along. */
ssize_t udp_send(struct socket *s, struct message *m);
/* The next datagram of s that came back, with why, if IP_RECVERR asked for such. Bytes; -EAGAIN: there
 * is none; -EFAULT. */
ssize_t udp_receive_error(struct socket *s, struct message *m);
/* All of them are lost. */
void udp_drop_errors(struct socket *s);
/* What was begun and not ended is lost, and what came back: at the end of s. */
void udp_forget(struct socket *s);

/* What the receiver is told: who sent p, and as much of its head as options of s ask for. */
void udp_tell(const struct socket *s, const struct packet *p, struct message *m);
