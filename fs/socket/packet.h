/* SPDX-License-Identifier: MIT
 *
 * Packets: bytes on their way from one socket to another. A packet stands on the account of
 * who sent it and counts in the sending socket's room until it is read or thrown away.
 */
#pragma once

#include "fs/socket/socket_own.h"

/* packet.c */
struct packet *packet_create(struct socket *sender, size_t len); /* NULL: no memory */
/* The bytes of `first` (may be NULL), then those of u. -EFAULT. */
int packet_fill(struct packet *p, const struct packet *first, struct uio *u);
u8 packet_byte(const struct packet *p, u32 at);                 /* at < p->len */
void packet_put(struct packet *p, const void *bytes, size_t n); /* n: all; little */

/* Bytes from p->start + skip on: how many were copied. */
size_t packet_copy(const struct packet *p, struct uio *u, size_t skip, size_t n);

void packet_free(struct packet *p);

void packet_set_cred(struct packet *p, const struct socket *s, const struct socket *to,
                     const struct message *m);

/* The last of the queue of s. 0; -EPIPE: nobody will read it. The packet stays the caller's
 * then. */
int packet_queue(struct socket *s, struct packet *p);

struct packet *packet_after(struct socket *s, struct packet *p); /* p NULL: the first */
void packet_used(struct socket *s, struct packet *p,
                 size_t n); /* n more bytes are read */
void packet_take(struct socket *s, struct packet *p);

/* SO_PEEK_OFF: where a peek begins, -1: it is off; n bytes were peeked at or read. Readers' mutex. */
s64 packet_peek_from(const struct socket *s);
void packet_peek_moved(struct socket *s, bool peek, size_t n);

void packet_purge(struct socket *s);

/* From now on packets have a time: somebody asked for one. */
void packet_stamp_all(void);
/* Tells when p came, as far as s wants to know, or can be asked later. */
void packet_tell_time(struct socket *s, const struct packet *p, struct message *m);
/* When the last datagram came that s has read; -ENOENT: there was none. */
int packet_last_time(struct socket *s, u64 *when);
