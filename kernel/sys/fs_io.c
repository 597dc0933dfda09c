/* SPDX-License-Identifier: MIT
 *
 * Moving bytes: read, write and their relatives.
 */
#include "kernel/sys/fs_io.h"
#include "fs/anon.h"
#include "fs/perm.h"
#include "kernel/sys/fs.h"
#include "kernel/task/limits.h"
#include "kernel/task/signal.h"
#include "kernel/task/uaccess.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/stat.h"

#define RWF_HIPRI    0x01u
#define RWF_DSYNC    0x02u
#define RWF_SYNC     0x04u
#define RWF_NOWAIT   0x08u
#define RWF_APPEND   0x10u
#define RWF_NOAPPEND 0x20u

/* In line where `pos` is known to be given or not. */
static always_inline ssize_t do_read(struct file *f, struct uio *u, const s64 *pos)
{
    u64 at;

    if (!pos)
        return file_read(f, u);
    at = (u64)*pos;
    return file_read_at(f, u, &at);
}

static always_inline ssize_t do_write(struct file *f, struct uio *u, const s64 *pos)
{
    u64 at;
    ssize_t n;

    if (S_ISREG(f->inode->mode) && u->left) {
        u->limit = proc_rlimit(current_proc(), RLIMIT_FSIZE);
        u->limited = u->limit != RLIM_INFINITY;
        if (unlikely(f->inode->mode & (S_ISUID | S_ISGID)))
            inode_drop_set_id(current_cred(), f->inode);
    }
    if (pos) {
        at = (u64)*pos;
        n = file_write_at(f, u, &at);
    } else {
        n = file_write(f, u);
    }
    if (unlikely(u->over))
        signal_send_self(SIGXFSZ);
    if (unlikely(u->broken))
        signal_send_self(SIGPIPE);
    return n;
}

ssize_t call_read(struct file *f, struct uio *u, const s64 *pos)
{
    return do_read(f, u, pos);
}

ssize_t call_write(struct file *f, struct uio *u, const s64 *pos)
{
    return do_write(f, u, pos);
}

static int check_file(const struct file *f, const s64 *pos, bool writes)
{
    if (pos && !f->ops->lseek)
        return -ESPIPE;
    return (writes ? file_writable(f) : file_readable(f)) ? 0 : -EBADF;
}

void io_account(long n, enum io_way way)
{
    struct io_counts *io = &current_thread()->io;
    u64 bytes = n > 0 ? (u64)n : 0;

    if (way == IO_WRITE)
        io->syscw++, io->wchar += bytes;
    else
        io->syscr++, io->rchar += bytes;
}

/* Linux looks at the descriptor and its mode first, then at the buffer. */
static always_inline long transfer(int fd, vaddr_t buf, size_t len, const s64 *pos,
                                   bool writes)
{
    bool held;
    struct file *f = io_borrow(fd, &held);
    struct buffers b;
    long n;

    if (!f)
        return -EBADF;
    n = check_file(f, pos, writes);
    if (n == 0 && (n = buffer_get(&b, buf, len)) == 0)
        n = writes ? do_write(f, &b.uio, pos) : do_read(f, &b.uio, pos);
    io_account(n, writes ? IO_WRITE : IO_READ);
    io_return(f, held);
    return n;
}

long sys_read(const struct syscall_args *a)
{
    return transfer((int)a->a0, a->a1, a->a2, NULL, false);
}

long sys_write(const struct syscall_args *a)
{
    return transfer((int)a->a0, a->a1, a->a2, NULL, true);
}

long sys_pread64(const struct syscall_args *a)
{
    s64 pos = (s64)a->a3;

    return pos < 0 ? -EINVAL : transfer((int)a->a0, a->a1, a->a2, &pos, false);
}

long sys_pwrite64(const struct syscall_args *a)
{
    s64 pos = (s64)a->a3;

    return pos < 0 ? -EINVAL : transfer((int)a->a0, a->a1, a->a2, &pos, true);
}

/* flags: RWF_* that this call looks at, checked. */
static long transfer_vector(const struct syscall_args *a, const s64 *pos, bool writes,
                            u32 flags)
{
    struct file *f;
    struct buffers b;
    long n;

    if (pos && *pos < 0)
        return -EINVAL;
    f = io_file_of((int)a->a0);
    if (!f)
        return -EBADF;
    n = check_file(f, pos, writes);
    if (n == 0 && (n = buffers_get(&b, a->a1, (u32)a->a2)) == 0) {
        b.uio.place = flags & RWF_APPEND     ? AT_END
                      : flags & RWF_NOAPPEND ? AT_POSITION
                                             : AS_OPENED;
        b.uio.nonblock = flags & RWF_NOWAIT;
        if (b.uio.nonblock && !(writes ? f->ops->nowait_write : f->ops->nowait_read))
            n = b.uio.left ? -EOPNOTSUPP : 0;
        else if (b.uio.left) /* the file is not asked about nothing, as write(2) does */
            n = writes ? call_write(f, &b.uio, pos) : call_read(f, &b.uio, pos);
        buffers_put(&b);
    }
    io_account(n, writes ? IO_WRITE : IO_READ);
    file_put(f);
    return n;
}

long sys_readv(const struct syscall_args *a)
{
    return transfer_vector(a, NULL, false, 0);
}

long sys_writev(const struct syscall_args *a)
{
    return transfer_vector(a, NULL, true, 0);
}

long sys_preadv(const struct syscall_args *a)
{
    s64 pos = (s64)a->a3;

    return transfer_vector(a, &pos, false, 0);
}

long sys_pwritev(const struct syscall_args *a)
{
    s64 pos = (s64)a->a3;

    return transfer_vector(a, &pos, true, 0);
}

/* Everything is in memory, so the flags about devices and syncing ask for nothing. */
static long transfer_flags(const struct syscall_args *a, bool writes)
{
    u32 flags = (u32)a->a5, place = RWF_APPEND | RWF_NOAPPEND;
    s64 pos = (s64)a->a3;

    if (flags & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | place))
        return -EOPNOTSUPP;
    if ((flags & place) == place)
        return -EINVAL;
    return transfer_vector(a, pos == -1 ? NULL : &pos, writes, flags);
}

long sys_preadv2(const struct syscall_args *a)
{
    return transfer_flags(a, false);
}

long sys_pwritev2(const struct syscall_args *a)
{
    return transfer_flags(a, true);
}

/* Those that are nothing but an object of the kernel take every place for their own, 0. */
static s64 seek(struct file *f, s64 offset, int whence)
{
    if (f->ops->lseek)
        return f->ops->lseek(f, offset, whence);
    return file_is_anon(f) && !file_is_anon_kind(f, ANON_PIDFD) ? 0 : -ESPIPE;
}

long sys_lseek(const struct syscall_args *a)
{
    int whence = (int)a->a2;
    struct file *f = io_file_of((int)a->a0);
    s64 pos = -EINVAL;

    if (!f)
        return -EBADF;
    if (whence >= SEEK_SET && whence <= SEEK_HOLE) {
        mutex_lock(&f->pos_lock);
        pos = seek(f, (s64)a->a1, whence);
        if (pos >= 0)
            f->pos = (u64)pos;
        mutex_unlock(&f->pos_lock);
    }
    file_put(f);
    return pos;
}
