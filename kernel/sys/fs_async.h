/* SPDX-License-Identifier: MIT
 *
 * Signals that tell of events of a file: O_ASYNC, F_SETOWN, F_SETSIG.
 */
#pragma once

#include "fs/file.h"

/* Starts the thread that sends them. At boot. */
void file_async_init(void);

/* O_ASYNC goes on or off. fd is what signals name. 0, -ENOMEM; -ENOTTY: a file that sends none, as
 * on Linux all but pipes, sockets and terminals. */
int must_check file_async_switch(int fd, struct file *f, bool on);

/* F_SETOWN, F_GETOWN, F_SETOWN_EX, F_GETOWN_EX, F_SETSIG, F_GETSIG. */
long file_async_control(struct file *f, u32 cmd, u64 arg);
