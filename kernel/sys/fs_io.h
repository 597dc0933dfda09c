/* SPDX-License-Identifier: MIT
 *
 * Reads and writes between files and user memory.
 */
#pragma once

#include "lib/types.h"

struct file;
struct uio;

/* Of a file that is open for it, which the caller has checked. pos NULL: the file's own position;
 * else one that is not negative, and the caller has checked that the file has positions. Bytes or
 * errno; SIGPIPE and SIGXFSZ as due. */
ssize_t call_read(struct file *f, struct uio *u, const s64 *pos);
ssize_t call_write(struct file *f, struct uio *u, const s64 *pos);
/* One call that read or wrote and its result, for /proc/PID/io. */
enum io_way { IO_READ, IO_WRITE };
void io_account(long n, enum io_way way);

/* What is there to read of a file without positions that is no pipe goes into a pipe, as by
 * splice(2). Bytes or errno. */
ssize_t splice_to_pipe(struct file *in, struct file *out, size_t len);
