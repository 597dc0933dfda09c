/* SPDX-License-Identifier: MIT
 *
 * Connections: listening, accepting, connecting, and their end.
 *
 * A client makes the server's socket itself, whole and connected, and puts it into the
 * listener's queue: `ready` where there is room, else `late`, where it waits until an accept
 * makes room. Who takes a server's socket out of `late` decides, with listener.lock held,
 * what becomes of its client.
 */
#pragma once

#include "fs/socket/socket.h"

#include "fs/socket/socket_own.h"

/* connect.c, end.c */
/* Takes a client's wish to connect back: false: somebody has let it in. */
bool socket_withdraw(struct socket *s);

int socket_bind(struct socket *s, const struct address *a, struct fs_context *fs);

int socket_listen(struct socket *s, s32 backlog);

/* flags: of the new file. *peer: the other side's address. */
int socket_accept(struct file *f, u32 flags, struct address *peer, struct file **out);

/* wait: until the other side has answered, else -EINPROGRESS. */
int socket_connect(struct socket *s, const struct address *a, struct fs_context *fs,
                   bool wait);
