/* SPDX-License-Identifier: MIT
 *
 * All sockets in the order of their making, for /proc/net.
 */
#pragma once

#include "fs/socket/socket.h"

/* Socket number n or the first after it: *n becomes the next; false: there is none. */
bool socket_next(enum socket_table table, u64 *n, struct socket_info *out);

/* All there are: of each table what it shows; sockets of TCP, and what lies in queues. */
struct socket_counts {
    u64 all, tcp, shown[TABLE_UDPLITE6 + 1];
    u64 tcp_bytes, udp_bytes;
};
void socket_count(struct socket_counts *out);

/* What SO_MEMINFO tells, in the order of Linux's sock_diag.h: nothing is kept ahead here, and nothing
 * waits to go out. */
#define MEMORY_WORDS 9
void socket_memory(struct socket *s, u32 out[MEMORY_WORDS]);

void socket_enlist(struct socket *s); /* gives it its number */
void socket_delist(struct socket *s);
