/* SPDX-License-Identifier: MIT
 *
 * Friends of a unix socket: those of datagrams that talk to it. Those that found its queue full
 * stand first in its list: they alone are told of room, so that each look costs one wake. There may
 * be as many as there are files, so nobody goes through them in one hold of a lock.
 */
#pragma once

#include "fs/socket/socket_own.h"

/* s, which is nobody's, becomes one of peer's, unless that is dead. */
void friend_join(struct socket *s, struct socket *peer);

/* s is not one of peer's any more, if it was. */
void friend_leave(struct socket *s, struct socket *peer);

/* Whether peer's queue takes no more; then s is woken when it does. */
bool friend_awaits_room(struct socket *s, struct socket *peer);

/* The queue of s has room. Pauses. */
void friends_have_room(struct socket *s);

/* s is dead: all leave it, and learn of it. Pauses. */
void friends_end(struct socket *s);
