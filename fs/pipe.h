/* SPDX-License-Identifier: MIT
 *
 * Pipes beyond reading and writing: their capacity, for fcntl.
 */
#pragma once

#include "fs/file.h"

#define PIPE_BUF 4096u

/* Whether f is an end of a pipe or a FIFO. */
bool file_is_pipe(const struct file *f);

/* Capacity in bytes. f is a pipe. */
u32 pipe_capacity(struct file *f);

/* Sets the capacity to the power of two of pages that holds `bytes`: the new capacity.
 * -EINVAL beyond 2^31, -EPERM beyond PIPE_MAX, -EBUSY when more is inside, -ENOMEM. */
long pipe_set_capacity(struct file *f, u64 bytes);
