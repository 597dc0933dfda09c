/* SPDX-License-Identifier: MIT
 *
 * Streams: bytes without borders, but for those that descriptors and senders draw.
 */
#pragma once

#include "fs/socket/socket_own.h"

/* stream.c, dgram.c */
ssize_t stream_send(struct socket *s, struct message *m, bool wait);

ssize_t stream_receive(struct socket *s, struct message *m, bool wait);
