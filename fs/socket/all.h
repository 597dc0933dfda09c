/* SPDX-License-Identifier: MIT
 *
 * All sockets in the order of their making, for /proc/net.
 */
#pragma once

#include "fs/socket/socket.h"

/* Socket number n or the first after it: *n becomes the next; false: there is none. */
bool socket_next(enum socket_table table, u64 *n, struct socket_info *out);

void socket_enlist(struct socket *s); /* gives it its number */
void socket_delist(struct socket *s);
