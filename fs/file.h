/* SPDX-License-Identifier: MIT
 *
 * Open files and descriptor tables. A file is reference counted; descriptors of several
 * processes may name it, and its position is shared by them.
 */
#pragma once

#include "fs/uio.h"
#include "fs/vfs.h"
#include "lib/spinlock.h"
#include "lib/types.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/stat.h"
#include "mm/vm/object.h"

/* Who has a reference may use a file; [c]: constant from the moment it is opened. */
struct file {
    struct vm_file vm; /* the reference count; mappings hold the file through it */
    u32 flags; /* atomic: O_ACCMODE, O_APPEND, O_NONBLOCK, ...; see file_flags() */
    u64 pos;   /* [pos_lock]; sendfile and splice move it without, as on Linux */
    struct mutex pos_lock; /* read, write, lseek, getdents with the shared position */
    struct path path;      /* [c] mnt and dentry NULL for pipes and the like */
    struct inode *inode;   /* [c] referenced, never NULL */
    const struct file_ops *ops; /* [c] */
    void *data;                 /* [c] where it is a pointer; else the operations' own */
    struct account *account;    /* [c] of who opened it, referenced */
    bool holds_write;           /* [c] counted in inode->writers */
    bool denies_write;          /* there as well, against them: kernel/task/exec/exe.h */
    struct file_async *async; /* who gets signals of its events, NULL: nobody; made under
                                 * a lock of kernel/sys/fs_async.c, gone with the file */
    struct watch *watches;    /* of epolls, kernel/event/epoll.h; NULL: none */
    u64 lock_owner;           /* [c] of flock and of record locks of this open file */
};

/* The flags as they are now: fcntl may change some of them at any time. */
static inline u32 file_flags(const struct file *f)
{
    return READ_ONCE(f->flags);
}

/* Gives the flags of `mask` the values they have in `flags`; others stay. */
void file_change_flags(struct file *f, u32 mask, u32 flags);

/* The last reference to a file with `async` goes. Provided by kernel/sys/fs_async.c (host:
 * tests/host/port.c). */
void file_async_end(struct file_async *a);

/* Urgent data came: SIGURG for who owns it, F_SETOWN, soon. The caller sees to it that the file
 * is not released meanwhile; under any spinlock that is taken without interrupts in mind. The same
 * place. */
void file_async_urgent(struct file *f);

/* The last reference to a file with `watches` goes. Provided by kernel/event/watch.c (host: the
 * same place). */
void file_watches_end(struct file *f);

static inline bool file_readable(const struct file *f)
{
    return (file_flags(f) + 1) & 1; /* O_ACCMODE 0 and 2; 3 allows only ioctl */
}

static inline bool file_writable(const struct file *f)
{
    return (file_flags(f) + 1) & 2; /* O_ACCMODE 1 and 2 */
}

/* /proc/sys/fs/file-max: so many open files, but for root; how many there are: exact when
 * nobody opens or closes meanwhile. */
extern u64 files_max;
u64 files_open(void);
/* A tenth of memory at a KiB each: at boot, when memory is known. */
void files_init(void);

/* A file without a name over `inode` (takes over the caller's inode reference on success). */
/* -ENFILE, -ENOMEM. */
int file_create(struct inode *inode, const struct file_ops *ops, u32 flags,
                struct file **out);
void file_get(struct file *f);
void file_put(struct file *f);
/* For who knows that f has not been freed: false when the last reference has gone. */
bool must_check file_get_live(struct file *f);

/* Kernel-side I/O at an explicit position (exec, initramfs). Bytes or errno. */
ssize_t file_pread_kernel(struct file *f, void *buf, size_t len, u64 pos);

/* What seeking a file of no size gives: SEEK_SET and SEEK_CUR, up to the largest position. */
s64 file_seek(struct file *f, s64 offset, int whence);

/* Reads or writes at *pos, which moves; regular files one writer at a time, at their end with
 * O_APPEND. Bytes, or what is wrong: -EINVAL when there is no such operation or the end would not
 * be a position. The caller has checked that f is open for it (file_readable, file_writable, no
 * O_PATH) and that it has positions (lseek), as for file_read and file_write. */
static inline ssize_t file_read_at(struct file *f, struct uio *u, u64 *pos)
{
    return f->ops->read && uio_in_range(u, *pos) ? f->ops->read(f, u, pos) : -EINVAL;
}
static always_inline ssize_t file_write_at(struct file *f, struct uio *u, u64 *pos)
{
    struct inode *ino = f->inode;
    ssize_t n;

    if (!f->ops->write)
        return -EINVAL;
    if (!u->left && ino->object)
        return 0;
    if (!uio_in_range(u, *pos))
        return -EINVAL;
    if (!S_ISREG(ino->mode) || !ino->object)
        return f->ops->write(f, u, pos);
    mutex_lock(&ino->lock);
    if (unlikely(u->place) ? u->place == AT_END : file_flags(f) & O_APPEND)
        *pos = ino->object->size;
    n = uio_keep_limit(u, *pos) ? f->ops->write(f, u, pos) : -EFBIG;
    mutex_unlock(&ino->lock);
    return n;
}

/* The same at the file's own position, which is locked meanwhile, or without one. */
ssize_t file_read(struct file *f, struct uio *u);
ssize_t file_write(struct file *f, struct uio *u);

extern const struct file_ops fifo_ops;
