/* SPDX-License-Identifier: MIT
 *
 * Open files and descriptor tables. A file is reference counted; descriptors of several
 * processes may name it, and its position is shared by them.
 */
#pragma once

#include "fs/vfs.h"
#include "lib/spinlock.h"
#include "lib/types.h"
#include "mm/object.h"

struct file {
    struct vm_file vm; /* the reference count; mappings hold the file through it */
    u32 flags;         /* O_ACCMODE, O_APPEND, O_NONBLOCK, ...: changed by fcntl */
    u64 pos;
    struct mutex pos_lock; /* read, write, lseek with the shared position */
    struct path path;      /* mnt and dentry NULL for pipes and the like */
    struct inode *inode;   /* referenced, never NULL */
    const struct file_ops *ops;
    void *data;
    struct account *account; /* [c] of who opened it, referenced */
    bool holds_write;        /* counted in inode->writers */
    struct file_async
        *async;     /* who gets signals of its events (kernel/sys/fs_async.c); NULL:
                                 nobody asked for any */
    u64 lock_owner; /* of flock and of record locks of this open file; constant */
};

/* The last reference to a file with `async` goes. Provided by kernel/sys/fs_async.c (host:
 * tests/host/port.c). */
void file_async_end(struct file_async *a);

/* Its contents are read or mapped: the access time follows unless O_NOATIME says not. */
void file_accessed(const struct file *f);

static inline bool file_readable(const struct file *f)
{
    return (f->flags + 1) & 1; /* O_ACCMODE 0 and 2; 3 allows only ioctl */
}

static inline bool file_writable(const struct file *f)
{
    return (f->flags + 1) & 2; /* O_ACCMODE 1 and 2 */
}

/* /proc/sys/fs/file-max: so many open files, but for root; how many there are. */
extern u64 files_max, files_open;
/* A tenth of memory at a KiB each: at boot, when memory is known. */
void files_init(void);

/* A file without a name over `inode` (takes over the caller's inode reference on success). */
/* -ENFILE, -ENOMEM. */
int file_create(struct inode *inode, const struct file_ops *ops, u32 flags,
                struct file **out);
void file_get(struct file *f);
void file_put(struct file *f);

/* Kernel-side I/O at an explicit position (exec, initramfs). Bytes or errno. */
ssize_t file_pread_kernel(struct file *f, void *buf, size_t len, u64 pos);

/* Generic read/write entry: mode checks, O_APPEND, position lock. pos NULL: f->pos. */
ssize_t file_read(struct file *f, struct uio *u, const u64 *pos);
ssize_t file_write(struct file *f, struct uio *u, const u64 *pos);

/* ---- descriptor tables ---- */
#define FD_MAX_DEFAULT 1024u
#define FD_MAX_HARD    4096u    /* the hard limit that init has */
#define FD_MAX_MOST    1048576u /* arrays of 8 MiB */

/* fs.nr_open: how far a hard limit may be raised. */
extern u32 fd_max;

struct fdtable;

struct fdtable *fdtable_create(void);             /* NULL: no memory */
struct fdtable *fdtable_clone(struct fdtable *t); /* fork; NULL: no memory */
void fdtable_get(struct fdtable *t);
void fdtable_put(struct fdtable *t); /* last one closes all */
/* The table of one more process, of one less; whether several have it. */
void fdtable_own(struct fdtable *t);
void fdtable_disown(struct fdtable *t);
bool fdtable_is_shared(const struct fdtable *t);
/* Who owns the record locks of the processes with this table (fs/lock/locks.h). */
u64 fdtable_lock_owner(const struct fdtable *t);
/* Whether descriptor fd stands for f now. */
bool fd_is(struct fdtable *t, int fd, const struct file *f);
/* Descriptors there is room for now: there are none beyond. */
u32 fd_size(const struct fdtable *t);
/* Memory of the table itself. */
u64 fdtable_bytes(const struct fdtable *t);
void fdtable_close_on_exec(struct fdtable *t);

/* The file behind fd with a new reference; NULL: EBADF. */
struct file *fd_get(struct fdtable *t, int fd);

/* Installs f (taking over the caller's reference) at the lowest free number >= min that is
 * below limit. The number, -EMFILE or -ENOMEM (reference stays with the caller). */
int fd_install(struct fdtable *t, struct file *f, int min, u32 limit, bool cloexec);

/* Whether fd_install could work now: 0, -EMFILE, -ENOMEM. Asked before a call has effects
 * that cannot be taken back. */
int fd_reserve(struct fdtable *t, u32 limit);

/* dup2/dup3: puts f at exactly fd, closing what was there. */
int fd_install_at(struct fdtable *t, struct file *f, int fd, u32 limit, bool cloexec);
int fd_close(struct fdtable *t, int fd); /* 0 or -EBADF */
int fd_get_cloexec(struct fdtable *t, int fd);
int fd_set_cloexec(struct fdtable *t, int fd, bool on);
/* Next open descriptor >= fd, -1 at the end (procfs fd directory). */
int fd_next(struct fdtable *t, int fd);

/* What opening a character device or a FIFO yields. -ENXIO: no such device. */
int devfs_open(u64 rdev, const struct file_ops **ops);
extern const struct file_ops fifo_ops;

/* pipe2: two files. */
int pipe_create(u32 flags, struct file **reader, struct file **writer);

/* memfd_create: an unlinked ramfs file named "memfd:NAME". flags MFD_CLOEXEC is the
 * caller's; MFD_ALLOW_SEALING starts without F_SEAL_SEAL. */
int memfd_create(const char *name, u32 flags, struct file **out);
