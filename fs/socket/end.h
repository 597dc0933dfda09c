/* SPDX-License-Identifier: MIT
 *
 * What connected sockets are called, and how they end: who learns of it and how.
 */
#pragma once

#include "fs/socket/socket.h"

#include "fs/socket/socket_own.h"

void socket_end(struct socket *s); /* its file is gone, or it never had one */
void socket_stop_listening(struct socket *s);

int socket_reset(struct socket *s); /* 0 */

/* -ENOTCONN: there is no peer. */
int socket_name(struct socket *s, bool peer, struct address *out);
/* The same of the peer, of whom TCP knows nothing when a connection is over: -ENOTCONN. */
int socket_peer_name(struct socket *s, struct address *out);

/* The state of a socket of TCP, as Linux numbers them. */
u32 socket_tcp_state(const struct socket *s);
