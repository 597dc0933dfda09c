/* SPDX-License-Identifier: MIT
 *
 * All sockets in the order of their making, for /proc/net: socket_next() of fs/socket/socket.h.
 */
#pragma once

struct socket;

void socket_enlist(struct socket *s); /* gives it its number */
void socket_delist(struct socket *s);
