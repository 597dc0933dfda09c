/* SPDX-License-Identifier: MIT
 *
 * Ports of the loopback, for TCP and UDP each: who is bound where, and who is meant by a name.
 * All take a lock of their own, which lies above the sockets'.
 */
#pragma once

#include "fs/socket/socket_own.h"

/* bind(2). -EINVAL: it is bound; -EADDRINUSE, -EACCES, and inet_parse_own's. */
int inet_bind(struct socket *s, const struct address *a, struct fs_context *fs);
/* Gets a port if it has none. -EADDRINUSE: there is none. */
int inet_autobind(struct socket *s);
/* The same for one that is to listen, which others' ports may forbid. -EADDRINUSE. */
int inet_may_listen(struct socket *s);
/* An accepted one gets its place at the port of its listener. */
void inet_join(struct socket *s);
/* Gives the port up, if s has one. */
void inet_unbind(struct socket *s);

/* Where it sends to, and then from where, if that is not said yet. */
void inet_set_remote(struct socket *s, const struct inet_name *to);
/* connect(2) to AF_UNSPEC: what bind did not ask for goes too. */
void inet_forget_remote(struct socket *s);

/* Who listens there, or takes datagrams from `from`; referenced, or NULL. */
struct socket *inet_find(u32 protocol, const struct inet_name *to,
                         const struct inet_name *from);

/* Of those at that port the first behind *serial, which becomes its own; referenced, or NULL. *meant:
 * whether its name lets it have what `from` sends to `to`. */
struct socket *inet_next(u32 protocol, const struct inet_name *to,
                         const struct inet_name *from, u64 *serial, bool *meant);

/* Whom the stream s calls by the name a: a listener, or itself where it says its own name;
 * referenced. -ECONNREFUSED, and the errors of names and ports. */
int inet_find_listener(struct socket *s, const struct address *a, struct socket **out);
