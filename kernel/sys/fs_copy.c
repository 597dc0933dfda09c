/* SPDX-License-Identifier: MIT
 *
 * Copies from file to file inside the kernel: sendfile and copy_file_range.
 */
#include "fs/anon.h"
#include "fs/pipe/pipe.h"
#include "fs/pipe/pipe_move.h"
#include "kernel/sys/fs.h"
#include "kernel/sys/fs_io.h"
#include "kernel/task/signal.h"
#include "kernel/task/uaccess.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/stat.h"
#include "mm/phys/slab.h"
#include "mm/vm/object.h"

#define CHUNK 16384u

/* One side of a copy: a file and a position of the caller's, or the file's own. */
struct side {
    struct file *file;
    vaddr_t user; /* where the caller keeps the position, 0: in the file */
    s64 pos;
};

static int side_start(struct side *s, vaddr_t user)
{
    s->user = user;
    if (!user)
        s->pos = (s64)READ_ONCE(s->file->pos);
    else if (copy_from_user(&s->pos, user, sizeof(s->pos)) != 0)
        return -EFAULT;
    return 0;
}

static int side_end(const struct side *s)
{
    if (s->user)
        return copy_to_user(s->user, &s->pos, sizeof(s->pos));
    WRITE_ONCE(s->file->pos, (u64)s->pos);
    return 0;
}

/* Writes all of buf, as far as it goes: bytes, or the error when there are none. As on Linux
 * the rest is tried once more, so that a limit is told by its signal too. */
static ssize_t write_whole(struct file *out, const char *buf, size_t len, s64 *out_pos)
{
    size_t done = 0;
    ssize_t n = 0;

    while (done < len) {
        struct iovec iov;
        struct uio u;

        uio_init_kernel(&u, &iov, (char *)(uintptr_t)buf + done, len - done);
        n = call_write(out, &u, out_pos);
        if (n <= 0)
            break;
        done += (size_t)n;
        if (out_pos)
            *out_pos += n;
        if (!S_ISREG(out->inode->mode))
            break;
    }
    return done ? (ssize_t)done : n;
}

/* Moves up to `len` bytes. out_pos NULL: the output's own position. A byte is taken from
 * the input only when the output has it. */
static ssize_t copy_bytes(struct side *in, struct file *out, s64 *out_pos, size_t len)
{
    char *buf = kmalloc(CHUNK);
    ssize_t done = 0, n = 0;

    if (!buf)
        return -ENOMEM;
    while ((size_t)done < len) {
        struct iovec iov;
        struct uio u;
        ssize_t got;

        uio_init_kernel(&u, &iov, buf, MIN(len - (size_t)done, CHUNK));
        n = got = call_read(in->file, &u, &in->pos);
        if (n <= 0)
            break;
        n = write_whole(out, buf, (size_t)got, out_pos);
        if (n <= 0)
            break;
        in->pos += n;
        done += n;
        (void)pause_point();
        if (n < got || thread_interrupted())
            break;
    }
    kfree(buf);
    return done ? done : n;
}

/* A pipe is sent what it has room for, and its end is told even when there is nothing to send. */
static int wait_pipe(struct file *out, size_t *len)
{
    size_t room;
    int err = pipe_wait_room(out, false, &room);

    if (err == -EPIPE)
        signal_send_self(SIGPIPE);
    if (!err)
        *len = MIN(*len, room);
    return err;
}

/* As for splice(2); what has no position goes into pipes alone. */
static bool may_send(const struct file *in, const struct file *out)
{
    if (S_ISDIR(in->inode->mode) || file_flags(out) & O_APPEND || !in->ops->read)
        return false;
    if (file_is_anon(in) || file_is_anon(out) || in->ops->no_splice_from ||
        out->ops->no_splice_to)
        return false;
    return in->ops->lseek || (file_is_pipe(out) && !file_is_pipe(in));
}

static long send(struct file *out, struct side *in, vaddr_t user, size_t len)
{
    int err = side_start(in, user);
    ssize_t n;

    if (err || in->pos < 0)
        return err ? err : -EINVAL;
    if (!file_readable(in->file))
        return -EBADF;
    if (user && !in->file->ops->lseek)
        return -ESPIPE;
    if (!file_writable(out))
        return -EBADF;
    if (!may_send(in->file, out))
        return -EINVAL;
    if (in->file->ops->lseek && file_is_pipe(out) && (err = wait_pipe(out, &len)) != 0)
        return err;
    n = in->file->ops->lseek ? copy_bytes(in, out, NULL, MIN(len, RW_MAX))
                             : splice_to_pipe(in->file, out, MIN(len, RW_MAX));
    io_account(n, IO_READ);
    io_account(n, IO_WRITE);
    err = side_end(in);
    return err ? err : n;
}

long sys_sendfile(const struct syscall_args *a)
{
    struct file *out = io_file_of((int)a->a0);
    struct side in = {.file = io_file_of((int)a->a1)};
    long result = -EBADF;

    if (out && in.file && (s64)a->a3 < 0)
        result = -EINVAL;
    else if (out && in.file)
        result = send(out, &in, a->a2, a->a3);
    if (in.file)
        file_put(in.file);
    if (out)
        file_put(out);
    return result;
}

/* *len becomes what there is to copy. */
static int check_copy(const struct side *in, const struct side *out, size_t *len)
{
    const struct file *from = in->file, *to = out->file;

    if (S_ISDIR(from->inode->mode) || S_ISDIR(to->inode->mode))
        return -EISDIR;
    if (!S_ISREG(from->inode->mode) || !S_ISREG(to->inode->mode))
        return -EINVAL;
    if (!file_readable(from) || !file_writable(to) || file_flags(to) & O_APPEND)
        return -EBADF;
    if ((u64)in->pos + *len < (u64)in->pos || (u64)out->pos + *len < (u64)out->pos)
        return -EOVERFLOW;
    if (in->pos < 0 || out->pos < 0)
        return -EINVAL;
    if (to->inode->object && (u64)out->pos >= OBJECT_MAX_SIZE)
        return -EFBIG;
    if (from->inode->object) {
        u64 size = READ_ONCE(from->inode->object->size);

        *len = size > (u64)in->pos ? MIN(*len, size - (u64)in->pos) : 0;
    }
    *len = MIN(*len, RW_MAX);
    if (from->inode == to->inode && (u64)in->pos < (u64)out->pos + *len &&
        (u64)out->pos < (u64)in->pos + *len)
        return -EINVAL;
    return 0;
}

static long copy_range(const struct syscall_args *a, struct side *in, struct side *out)
{
    size_t len = a->a4;
    ssize_t n;
    int err = side_start(in, a->a1), out_err;

    if (!err)
        err = side_start(out, a->a3);
    if (!err)
        err = check_copy(in, out, &len);
    if (err)
        return err;
    n = copy_bytes(in, out->file, &out->pos, len);
    io_account(n, IO_READ);
    io_account(n, IO_WRITE);
    if (n <= 0)
        return n;
    err = side_end(in);
    out_err = side_end(out); /* moves in any case */
    return err ? err : out_err ? out_err : n;
}

long sys_copy_file_range(const struct syscall_args *a)
{
    struct side in = {.file = io_file_of((int)a->a0)};
    struct side out = {.file = io_file_of((int)a->a2)};
    long result = -EBADF;

    if (in.file && out.file)
        result = (u32)a->a5 ? -EINVAL : copy_range(a, &in, &out);
    if (in.file)
        file_put(in.file);
    if (out.file)
        file_put(out.file);
    return result;
}
