/* SPDX-License-Identifier: MIT
 *
 * Descriptors in messages (SCM_RIGHTS): counted, limited, and collected when nobody can
 * receive them any more.
 *
 * A unix socket whose file is referenced by messages alone can be reached only by who
 * receives one of them. Where such messages lie in the queues of such sockets, in a circle,
 * nobody ever will: rights_collect() finds those and throws them away.
 */
#pragma once

#include "fs/socket/socket.h"

#include "fs/socket/socket_own.h"

/* rights.c */
int rights_fly(struct packet *p, struct rights *r, struct socket *to, u64 max);

/* Those of a packet that was taken out of a queue: the caller's now. */
struct rights *rights_land(struct packet *p);

struct rights *rights_peek(struct packet *p, int *err);

/* Throws away what nobody can receive: now, or when enough has happened since it last looked
 * that a look costs little of that. */
enum collect { COLLECT_NOW, COLLECT_IF_DUE };
void rights_collect(enum collect when);

/* Room for n descriptors, none in it. NULL: no memory. */
struct rights *rights_create(u32 n);

/* Takes over the reference to f. */
void rights_add(struct rights *r, struct file *f);

u32 rights_count(const struct rights *r);

struct file *rights_file(const struct rights *r, u32 i);

/* Gives up the files that are in it. NULL: nothing. */
void rights_put(struct rights *r);
