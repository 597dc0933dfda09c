/* SPDX-License-Identifier: MIT
 *
 * Advisory locks on files: POSIX record locks (owned by a descriptor table and lost when it
 * closes any descriptor of the file), record locks of an open file description, and flock.
 * The first two see each other; flock is a world of its own.
 *
 * The calls may sleep and pause: no spinlock held. A change of many locks of one owner lets
 * others run; they see all of what it takes, and what it gives back piece by piece.
 */
#pragma once

#include "fs/file.h"

#define LOCK_END ((u64)INT64_MAX) /* last byte of a range without end */

struct lock_request {
    struct inode *inode;
    u64 owner;       /* lock_owner_new: of a struct fdtable or a struct file */
    u64 file;        /* lock_owner of the open file by which it was set, for fdinfo */
    s32 pid;         /* of who set it; of a record -1: the owner is an open file */
    bool whole_file; /* flock */
    s16 type;        /* F_RDLCK, F_WRLCK, F_UNLCK */
    u64 start, end;  /* both included */
};

/* An identity that no other owner has had or will have. */
u64 lock_owner_new(void);

/* Sets or removes a lock. -EAGAIN conflict, or with `wait`: -ERESTARTSYS, -EDEADLOCK;
 * -ENOLCK no memory. */
int lock_set(const struct lock_request *r, bool wait);

/* Whether setting would conflict; then *found (type, range, pid) is the lock in the way. */
bool lock_test(const struct lock_request *r, struct lock_request *found);

/* The locks of an owner on a file go: a descriptor of its table was closed, or it is an open
 * file whose last reference is gone. Who waits for one in the owner's name must look
 * afterwards whether its descriptor still stands (lock_set does not know descriptors). */
void locks_forget(u64 owner, struct inode *ino);

/* Whether a lock on the file is left: none is when the inode goes. */
bool locks_any(const struct inode *ino);
