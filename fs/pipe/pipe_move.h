/* SPDX-License-Identifier: MIT
 *
 * Moving bytes between pipes inside the kernel.
 */
#pragma once

#include "fs/pipe/pipe.h"

/* Takes n bytes: how many, or an error. Called with the pipe locked. */
typedef ssize_t (*pipe_sink)(void *arg, const char *bytes, size_t n);

/* Waits until something is inside or nobody can write any more: 0, -EAGAIN, -ERESTARTSYS. */
int pipe_wait_data(struct file *f, bool nonblock);
/* Whether nothing is inside and nobody can write any more. */
bool pipe_ended(const struct file *f);
/* Waits for room: 0 with its size (a hint), -EPIPE without a reader, -EAGAIN, -ERESTARTSYS. */
int pipe_wait_room(struct file *f, bool nonblock, size_t *room);

/* Hands at most len bytes to sink; only what it takes leaves the pipe. Bytes, 0: nothing is
 * inside, or the sink's error. */
ssize_t pipe_drain(struct file *f, size_t len, pipe_sink sink, void *arg);

/* Moves (keep: copies) at most len bytes into another pipe, as far as there are and it has
 * room, without waiting. */
ssize_t pipe_transfer(struct file *from, struct file *to, size_t len, bool keep);
bool pipe_is_same(const struct file *a, const struct file *b);
