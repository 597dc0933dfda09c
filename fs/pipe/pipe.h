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

/* pipe2: two files. */
int pipe_create(u32 flags, struct file **reader, struct file **writer);
