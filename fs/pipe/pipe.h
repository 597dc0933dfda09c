/* SPDX-License-Identifier: MIT
 *
 * Pipes beyond reading and writing.
 */
#pragma once

#include "fs/file.h"

#define PIPE_BUF 4096u

/* Whether f is an end of a pipe or a FIFO. */
bool file_is_pipe(const struct file *f);

/* pipe2: two files. O_DIRECT is of the writer, whose packets they are. */
int pipe_create(u32 flags, struct file **reader, struct file **writer);
