/* SPDX-License-Identifier: MIT
 *
 * Bounds of sockets that /proc/sys/net/core sets; each is a single word.
 */
#pragma once

#include "lib/types.h"

/* somaxconn: listen(2) makes of a longer queue of connections one of this. */
extern u32 socket_backlog_max;

/* wmem_max, rmem_max: the most that SO_SNDBUF and SO_RCVBUF take, half of what they give. */
extern u32 socket_snd_max, socket_rcv_max;

/* wmem_default, rmem_default: what a socket begins with. */
extern u32 socket_snd_first, socket_rcv_first;
