/* SPDX-License-Identifier: MIT
 *
 * Record locks as fcntl asks for them; flock has its own call.
 */
#pragma once

#include "fs/file.h"

/* `user`: struct flock of the caller; fd: the descriptor that f came from. ofd: the open file owns the lock, else the process. */
long record_lock_test(struct file *f, vaddr_t user, bool ofd);
long record_lock_set(int fd, struct file *f, vaddr_t user, bool ofd, bool wait);
