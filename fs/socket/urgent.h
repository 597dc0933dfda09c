/* SPDX-License-Identifier: MIT
 *
 * Urgent data of TCP (tcp(7), RFC 6093), and of streams of AF_UNIX, where it has a packet of its own
 * and an older urgent byte is an ordinary one always: the last byte sent with MSG_OOB stands in the stream
 * like all others, but a reader is told of it, can have it before its turn, and finds it left
 * out when its turn comes; unless SO_OOBINLINE lets it stay. A read stops before it.
 */
#pragma once

#include "fs/socket/socket_own.h"

/* The last byte of p, the last of the queue, is urgent; the one of before is an ordinary byte from
 * now on, or is lost when it was the next to be read. The owner of the file gets SIGURG. */
void urgent_mark(struct socket *s, struct packet *p);
/* p leaves the queue. */
void urgent_unmark(struct socket *s, const struct packet *p);

/* How many of n bytes that leave the head of the queue were counted before. */
u32 urgent_count_lost(struct socket *s, size_t n);

/* More of the stream is read: the urgent byte may lie behind. */
void urgent_passed(struct socket *s);

/* Bytes up to the urgent one from `ahead` bytes behind what is read; ~0: none comes. */
size_t urgent_before(struct socket *s, size_t ahead);

/* Of bytes to be read now, those that a read would get, as FIONREAD and poll count them. */
u32 urgent_inq(struct socket *s);    /* up to the urgent byte */
u64 urgent_unread(struct socket *s); /* without the urgent byte, when that is the next */

bool urgent_is_next(struct socket *s); /* SIOCATMARK */

/* recv with MSG_OOB. 1, 0: no room; -EINVAL: there is none, or it stands in the stream;
 * -ENOTCONN, -EFAULT. */
ssize_t urgent_receive(struct socket *s, struct message *m);
