/* SPDX-License-Identifier: MIT
 *
 * Tables of file descriptors.
 */
#pragma once

#include "lib/types.h"

#define FD_MAX_DEFAULT 1024u
#define FD_MAX_HARD    4096u    /* the hard limit that init has */
#define FD_MAX_MOST    1048576u /* arrays of 8 MiB */

/* fs.nr_open: how far a hard limit may be raised. */
extern u32 fd_max;

struct fdtable;
struct file;

struct fdtable *fdtable_create(void);             /* NULL: no memory */
struct fdtable *fdtable_clone(struct fdtable *t); /* fork; NULL: no memory */
/* Asked before that: -EMFILE when descriptors lie beyond fs.nr_open, which was lowered since. */
int must_check fdtable_may_clone(struct fdtable *t);
void fdtable_get(struct fdtable *t);
void fdtable_put(struct fdtable *t); /* last one closes all */
/* The table of one more thread, of one less; whether several have it. */
void fdtable_own(struct fdtable *t);
void fdtable_disown(struct fdtable *t);
bool fdtable_is_shared(const struct fdtable *t);
/* Who owns the record locks of the threads with this table (fs/lock/locks.h). */
u64 fdtable_lock_owner(const struct fdtable *t);
/* Whether descriptor fd stands for f now. */
bool fd_is(struct fdtable *t, int fd, const struct file *f);
/* Descriptors there is room for, at this moment: there are none beyond. */
u32 fd_size(const struct fdtable *t);
/* Memory of the table itself. */
u64 fdtable_bytes(const struct fdtable *t);
void fdtable_close_on_exec(struct fdtable *t);

/* The file behind fd with a new reference; NULL: EBADF. */
struct file *fd_get(struct fdtable *t, int fd);

/* Installs f (taking over the caller's reference) at the lowest free number >= min that is
 * below limit. The number, -EMFILE or -ENOMEM (reference stays with the caller). */
int fd_install(struct fdtable *t, struct file *f, int min, u32 limit, bool cloexec);

/* Takes the lowest free number for the caller, before it has effects that cannot be taken
 * back: nobody else gets the number, and nobody finds a file there. The number, -EMFILE,
 * -ENOMEM. Then one of the two: */
int must_check fd_reserve(struct fdtable *t, u32 limit);
void fd_fill(struct fdtable *t, int fd, struct file *f, bool cloexec); /* takes f over */
void fd_unreserve(struct fdtable *t, int fd);

/* dup2/dup3: puts f at exactly fd, closing what was there. -EBADF, -ENOMEM; -EBUSY: a call
 * under way has the number. */
int fd_install_at(struct fdtable *t, struct file *f, int fd, u32 limit, bool cloexec);
int fd_close(struct fdtable *t, int fd); /* 0 or -EBADF */
int fd_get_cloexec(struct fdtable *t, int fd);
int fd_set_cloexec(struct fdtable *t, int fd, bool on);
/* Next open descriptor >= fd, -1 at the end (procfs fd directory). */
int fd_next(struct fdtable *t, int fd);
