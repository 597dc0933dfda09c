/* SPDX-License-Identifier: MIT
 *
 * splice, tee, vmsplice: moving bytes between pipes and files inside the kernel. The bytes
 * are copied; what Linux saves by moving pages, this does not.
 */
#include "fs/anon.h"
#include "fs/pipe/pipe.h"
#include "fs/pipe/pipe_move.h"
#include "fs/socket/socket.h"
#include "kernel/sys/fs.h"
#include "kernel/sys/fs_io.h"
#include "kernel/task/signal.h"
#include "kernel/task/uaccess.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"
#include "lib/uapi/stat.h"
#include "mm/phys/slab.h"

#define SPLICE_F_NONBLOCK 2u
#define SPLICE_F_ALL      15u /* MOVE, NONBLOCK, MORE, GIFT: hints but for NONBLOCK */
#define CHUNK             16384u

/* A file and the position in it, if the caller gave one. */
struct side {
    struct file *file;
    vaddr_t user; /* 0: none given */
    s64 pos;
    bool full; /* the file took nothing */
};

static bool is_pipe(const struct side *s)
{
    return file_is_pipe(s->file);
}

static s64 *position(struct side *s)
{
    return s->user ? &s->pos : NULL;
}

/* ---- pipe to file ---- */

static ssize_t to_file(void *arg, const char *bytes, size_t n)
{
    struct side *out = arg;
    struct iovec iov;
    struct uio u;
    ssize_t done;

    uio_init_kernel(&u, &iov, (char *)(uintptr_t)bytes, n);
    done = call_write(out->file, &u, position(out));
    if (done > 0)
        out->pos += done;
    out->full = done == 0;
    return done;
}

static ssize_t pipe_to_file(struct side *in, struct side *out, size_t len, bool nonblock)
{
    ssize_t n;
    bool ended;

    if (file_flags(out->file) & O_APPEND)
        return -EINVAL;
    if (S_ISDIR(out->file->inode->mode) || !out->file->ops->write)
        return -EINVAL;
    do {
        int err = pipe_wait_data(in->file, nonblock);

        if (err)
            return err;
        ended = pipe_ended(in->file);
        n = pipe_drain(in->file, len, to_file, out);
    } while (n == 0 && !ended && !out->full); /* somebody else took the bytes */
    return n;
}

/* ---- file to pipe ---- */

/* Puts all of buf into the pipe. What does not fit any more, because another writer was
 * faster, waits if the input cannot be read again. */
static ssize_t to_pipe(struct file *pipe, char *buf, size_t n, bool wait)
{
    struct iovec iov;
    struct uio u;

    uio_init_kernel(&u, &iov, buf, n);
    u.nonblock = !wait;
    return call_write(pipe, &u, NULL);
}

/* Sockets of AF_UNIX are read without a wait under SPLICE_F_NONBLOCK; of others Linux reads the
 * flag as one of the pipe alone. */
static bool is_local(const struct file *f)
{
    const char *protocol = socket_protocol_name(f->inode);

    return protocol && strncmp(protocol, "UNIX", 4) == 0;
}

static ssize_t fill_pipe(struct side *in, struct file *out, size_t len, char *buf,
                         bool nonblock)
{
    bool seeks = in->file->ops->lseek != NULL;
    ssize_t done = 0, n = 0;

    while ((size_t)done < len) {
        size_t part = MIN(len - (size_t)done, CHUNK);
        s64 pos = in->user ? in->pos : (s64)READ_ONCE(in->file->pos);
        struct iovec iov;
        struct uio u;
        ssize_t got;

        uio_init_kernel(&u, &iov, buf, part);
        u.nonblock = nonblock;
        got = n = call_read(in->file, &u, seeks ? &pos : NULL);
        if (n <= 0)
            break;
        n = to_pipe(out, buf, (size_t)got, !seeks);
        if (n <= 0)
            break;
        if (in->user)
            in->pos += n;
        else if (seeks)
            WRITE_ONCE(in->file->pos, (u64)(pos + n));
        done += n;
        if ((size_t)n < part || pause_point())
            break;
    }
    return done ? done : n;
}

static ssize_t file_to_pipe(struct side *in, struct file *out, size_t len, bool nonblock)
{
    size_t room = 0;
    ssize_t n;
    char *buf;
    int err;

    if (S_ISDIR(in->file->inode->mode) || !in->file->ops->read)
        return -EINVAL;
    err = pipe_wait_room(out, nonblock, &room);
    if (err == -EPIPE)
        signal_send_self(SIGPIPE);
    if (err)
        return err;
    buf = kmalloc(CHUNK);
    if (!buf)
        return -ENOMEM;
    n = fill_pipe(in, out, MIN(len, room), buf, nonblock && is_local(in->file));
    kfree(buf);
    return n;
}

ssize_t splice_to_pipe(struct file *in, struct file *out, size_t len)
{
    struct side from = {.file = in};

    return file_to_pipe(&from, out, len, file_flags(out) & O_NONBLOCK);
}

/* ---- pipe to pipe ---- */

static ssize_t pipe_to_pipe(struct file *in, struct file *out, size_t len, bool nonblock,
                            bool keep)
{
    ssize_t n = 0;
    size_t room;
    bool ended;
    int err;

    if (pipe_is_same(in, out))
        return -EINVAL;
    do {
        err = pipe_wait_data(in, nonblock);
        if (!err)
            err = pipe_wait_room(out, nonblock, &room);
        if (err == -EPIPE)
            signal_send_self(SIGPIPE);
        if (err)
            return err;
        ended = pipe_ended(in);
        n = pipe_transfer(in, out, len, keep);
        /* Others may have taken the bytes, or the room. */
    } while (n == 0 && !ended);
    return n;
}

/* ---- the calls ---- */

static int get_position(struct side *s, vaddr_t user)
{
    s->user = user;
    if (!user)
        return 0;
    return copy_from_user(&s->pos, user, sizeof(s->pos));
}

static int check(struct side *in, struct side *out, vaddr_t in_pos, vaddr_t out_pos,
                 u64 len)
{
    int err;

    if ((is_pipe(in) && in_pos) || (is_pipe(out) && out_pos))
        return -ESPIPE;
    err = get_position(out, out_pos);
    if (!err)
        err = get_position(in, in_pos);
    if (err)
        return err;
    if (!file_readable(in->file) || !file_writable(out->file))
        return -EBADF;
    if (!is_pipe(in) && !is_pipe(out))
        return -EINVAL;
    if (file_is_anon(in->file) || file_is_anon(out->file) ||
        in->file->ops->no_splice_from || out->file->ops->no_splice_to)
        return -EINVAL;
    if ((in_pos && !in->file->ops->lseek) || (out_pos && !out->file->ops->lseek))
        return -EINVAL;
    if ((s64)len < 0 && !(is_pipe(in) && is_pipe(out)))
        return -EINVAL;
    return (in_pos && in->pos < 0) || (out_pos && out->pos < 0) ? -EINVAL : 0;
}

static ssize_t splice(struct side *in, struct side *out, size_t len, bool nonblock)
{
    ssize_t n;

    if (is_pipe(in) && is_pipe(out))
        n = pipe_to_pipe(in->file, out->file, len, nonblock, false);
    else if (is_pipe(in))
        n = pipe_to_file(in, out, len, nonblock);
    else
        n = file_to_pipe(in, out->file, len, nonblock);
    if (n > 0 && out->user && copy_to_user(out->user, &out->pos, sizeof(out->pos)) != 0)
        return -EFAULT;
    if (n > 0 && in->user && copy_to_user(in->user, &in->pos, sizeof(in->pos)) != 0)
        return -EFAULT;
    return n;
}

long sys_splice(const struct syscall_args *a)
{
    u32 flags = (u32)a->a5;
    struct side in, out;
    long result = -EBADF;

    if (!a->a4)
        return 0;
    if (flags & ~SPLICE_F_ALL)
        return -EINVAL;
    in = (struct side){.file = io_file_of((int)a->a0)};
    out = (struct side){.file = io_file_of((int)a->a2)};
    if (in.file && out.file) {
        result = check(&in, &out, a->a1, a->a3, a->a4);
        if (!result)
            result = splice(&in, &out, MIN(a->a4, RW_MAX), flags & SPLICE_F_NONBLOCK);
    }
    if (in.file)
        file_put(in.file);
    if (out.file)
        file_put(out.file);
    return result;
}

static long tee(struct file *in, struct file *out, size_t len, bool nonblock)
{
    if (!file_readable(in) || !file_writable(out))
        return -EBADF;
    if (!file_is_pipe(in) || !file_is_pipe(out))
        return -EINVAL;
    return pipe_to_pipe(in, out, len, nonblock, true);
}

long sys_tee(const struct syscall_args *a)
{
    u32 flags = (u32)a->a3;
    struct file *in, *out;
    long result = -EBADF;

    if (flags & ~SPLICE_F_ALL)
        return -EINVAL;
    if (!a->a2)
        return 0;
    in = io_file_of((int)a->a0);
    out = io_file_of((int)a->a1);
    if (in && out)
        result = tee(in, out, MIN(a->a2, RW_MAX), flags & SPLICE_F_NONBLOCK);
    if (in)
        file_put(in);
    if (out)
        file_put(out);
    return result;
}

/* The direction is that of the pipe's end. */
long sys_vmsplice(const struct syscall_args *a)
{
    u32 flags = (u32)a->a3;
    struct buffers b;
    struct file *f;
    long n = -EBADF;

    if (flags & ~SPLICE_F_ALL)
        return -EINVAL;
    f = io_file_of((int)a->a0);
    if (!f)
        return -EBADF;
    if (file_is_pipe(f) && (n = buffers_get(&b, a->a1, (u32)a->a2)) == 0) {
        b.uio.nonblock = flags & SPLICE_F_NONBLOCK;
        b.uio.plain = true;
        if (file_writable(f))
            n = call_write(f, &b.uio, NULL);
        else
            n = file_readable(f) ? call_read(f, &b.uio, NULL) : -EBADF;
        buffers_put(&b);
    }
    file_put(f);
    return n;
}
