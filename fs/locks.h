/* SPDX-License-Identifier: MIT
 *
 * Advisory locks on files: POSIX record locks (owned by a descriptor table and lost when it
 * closes any descriptor of the file), record locks of an open file description, and flock.
 * The first two see each other; flock is a world of its own.
 */
#pragma once

#include "fs/file.h"

#define LOCK_END ((u64)INT64_MAX) /* last byte of a range without end */

struct lock_request {
    struct inode *inode;
    const void *owner; /* struct fdtable *, or struct file * */
    s32 pid;           /* shown by F_GETLK; -1: the owner is an open file */
    bool whole_file;   /* flock */
    s16 type;          /* F_RDLCK, F_WRLCK, F_UNLCK */
    u64 start, end;    /* both included */
};

/* Sets or removes a lock. -EAGAIN conflict, or with `wait`: -ERESTARTSYS, -EDEADLOCK;
 * -ENOLCK no memory. */
int lock_set(const struct lock_request *r, bool wait);

/* Whether setting would conflict; then *found (type, range, pid) is the lock in the way. */
bool lock_test(const struct lock_request *r, struct lock_request *found);

/* A descriptor of f in table t was closed; the last reference to f is gone. */
void locks_fd_closed(const struct fdtable *t, const struct file *f);
void locks_file_gone(const struct file *f);
