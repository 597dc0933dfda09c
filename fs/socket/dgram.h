/* SPDX-License-Identifier: MIT
 *
 * Messages: datagrams, and the sequenced packets of AF_UNIX.
 */
#pragma once

#include "fs/socket/socket_own.h"

ssize_t dgram_send(struct socket *s, struct message *m, bool wait);

ssize_t dgram_receive(struct socket *s, struct message *m, bool wait);

/* Whether the queue of a unix socket takes no more datagrams; of the peer of s, for poll. */
bool dgram_is_full_for(const struct socket *to);

bool dgram_is_full(struct socket *s);

int dgram_connect(struct socket *s, const struct address *a, struct fs_context *fs);

void dgram_set_peer(struct socket *s, struct socket *peer);
