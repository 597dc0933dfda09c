/* SPDX-License-Identifier: MIT
 *
 * Pipes beyond reading and writing: their capacity, for fcntl, and the limits of users.
 */
#pragma once

#include "fs/file.h"

#define PIPE_BUF 4096u

/* /proc/sys/fs/pipe-*: bytes of one pipe, pages of all pipes of a user; 0: no limit. Beyond
 * the soft one new pipes are small and none grows, beyond the hard one there are no new. */
extern u32 pipe_max_size, pipe_user_pages_soft, pipe_user_pages_hard;
/* The soft limit fits the machine: at boot, when its memory is known. */
void pipe_init(void);

/* Whether f is an end of a pipe or a FIFO. */
bool file_is_pipe(const struct file *f);

/* Capacity in bytes. f is a pipe. */
u32 pipe_capacity(struct file *f);

/* Sets the capacity to the power of two of pages that holds `bytes`: the new capacity.
 * -EINVAL beyond 2^31, -EPERM beyond the limits, -EBUSY when more is inside, -ENOMEM. */
long pipe_set_capacity(struct file *f, u64 bytes);

/* ---- for splice and tee; all files are pipes of the right direction ---- */

/* Waits until something is inside or nobody can write any more: 0, -EAGAIN, -ERESTARTSYS. */
int pipe_wait_data(struct file *f, bool nonblock);
/* Waits for room: 0 with its size (a hint), -EPIPE without a reader, -EAGAIN, -ERESTARTSYS. */
int pipe_wait_room(struct file *f, bool nonblock, size_t *room);

/* Takes n bytes: how many, or an error. Called with the pipe locked. */
typedef ssize_t (*pipe_sink)(void *arg, const char *bytes, size_t n);
/* Hands at most len bytes to sink; only what it takes leaves the pipe. Bytes, 0: nothing is
 * inside, or the sink's error. */
ssize_t pipe_drain(struct file *f, size_t len, pipe_sink sink, void *arg);

/* Moves (keep: copies) at most len bytes into another pipe, as far as there are and it has
 * room, without waiting. */
ssize_t pipe_transfer(struct file *from, struct file *to, size_t len, bool keep);
bool pipe_is_same(const struct file *a, const struct file *b);
