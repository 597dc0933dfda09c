/* SPDX-License-Identifier: MIT
 *
 * Messages of sockets: send and recv in all their forms.
 */
#include "arch/time.h"
#include "fs/socket/file.h"
#include "fs/socket/rights.h"
#include "fs/socket/socket.h"
#include "kernel/net/socket.h"
#include "kernel/sys/fs.h"
#include "kernel/sys/fs_io.h"
#include "kernel/sys/time.h"
#include "kernel/task/limits.h"
#include "kernel/task/signal.h"
#include "kernel/task/uaccess.h"
#include "lib/pause.h"
#include "lib/uapi/errno.h"

#define MESSAGES_MAX 1024u

struct msghdr {
    u64 name;
    s32 name_len, pad0;
    u64 iov, niov;
    u64 control, control_len;
    u32 flags, pad1;
};

struct mmsghdr {
    struct msghdr msg;
    u32 len, pad;
};

/* ---- sending ---- */

static long send(struct file *f, struct message *m)
{
    const struct proc *p = current_proc();
    long n;

    m->fs = current_fs();
    m->max_flying = capable(CAP_SYS_RESOURCE) || capable(CAP_SYS_ADMIN)
                        ? ~0ull
                        : proc_rlimit(p, RLIMIT_NOFILE);
    n = socket_send(f, m);
    rights_put(m->rights);
    if (m->uio->broken)
        signal_send_self(SIGPIPE);
    io_account(n, IO_WRITE);
    return n;
}

long sys_sendto(const struct syscall_args *a)
{
    struct message m = {.flags = (u32)a->a3};
    struct buffers b;
    struct file *f;
    long result = buffer_get(&b, a->a1, MIN(a->a2, RW_MAX));

    if (result)
        return result;
    result = socket_of((int)a->a0, &f);
    if (result)
        return result;
    m.uio = &b.uio;
    if (a->a4)
        result = address_from_user(&m.address, a->a4, (s32)a->a5);
    if (!result)
        result = send(f, &m);
    file_put(f);
    return result;
}

static int header_from_user(struct msghdr *h, vaddr_t user)
{
    if (copy_from_user(h, user, sizeof(*h)) != 0)
        return -EFAULT;
    if (!h->name)
        h->name_len = 0;
    if (h->name_len < 0)
        return -EINVAL;
    h->name_len = MIN(h->name_len, (s32)ADDRESS_MAX);
    return h->niov > IOV_MAX ? -EMSGSIZE : 0;
}

static long send_message(struct file *f, vaddr_t user, u32 flags)
{
    struct message m = {.flags = flags};
    struct buffers b;
    struct msghdr h;
    long result = header_from_user(&h, user);

    if (!result && h.name_len)
        result = address_from_user(&m.address, h.name, h.name_len);
    if (!result)
        result = buffers_get(&b, h.iov, h.niov);
    if (result)
        return result;
    m.uio = &b.uio;
    result = control_from_user(f, &m, h.control, h.control_len);
    if (!result)
        result = send(f, &m);
    else
        rights_put(m.rights);
    buffers_put(&b);
    return result;
}

long sys_sendmsg(const struct syscall_args *a)
{
    struct file *f;
    long result = (u32)a->a2 & MSG_COMPAT ? -EINVAL : socket_of((int)a->a0, &f);

    if (result)
        return result;
    result = send_message(f, a->a1, (u32)a->a2);
    file_put(f);
    return result;
}

long sys_sendmmsg(const struct syscall_args *a)
{
    u32 n = MIN((u32)a->a2, MESSAGES_MAX), done = 0;
    struct file *f;
    long result = (u32)a->a3 & MSG_COMPAT ? -EINVAL : socket_of((int)a->a0, &f);

    if (result)
        return result;
    while (done < n) {
        vaddr_t at = a->a1 + done * sizeof(struct mmsghdr);
        u32 len;

        result = send_message(f, at, (u32)a->a3);
        len = (u32)result;
        if (result >= 0 &&
            copy_to_user(at + offsetof(struct mmsghdr, len), &len, sizeof(len)) != 0)
            result = -EFAULT;
        if (result < 0)
            break;
        done++;
        if (pause_point())
            break;
    }
    file_put(f);
    return done ? (long)done : result;
}

/* ---- receiving ---- */

static long receive(struct file *f, struct message *m)
{
    long n = socket_receive(f, m);

    io_account(n, IO_READ);
    return n;
}

long sys_recvfrom(const struct syscall_args *a)
{
    struct message m = {.flags = (u32)a->a3};
    struct buffers b;
    struct file *f;
    long result = buffer_get(&b, a->a1, MIN(a->a2, RW_MAX));
    int err;

    if (result)
        return result;
    result = socket_of((int)a->a0, &f);
    if (result)
        return result;
    m.uio = &b.uio;
    m.asks_name = a->a4 != 0;
    result = receive(f, &m);
    rights_put(m.rights);
    file_put(f);
    if (result < 0 || !a->a4)
        return result;
    err = address_to_user(&m.address, a->a4, a->a5);
    return err ? err : result;
}

/* What the header says afterwards. */
static int header_to_user(vaddr_t user, const struct msghdr *h, const struct message *m,
                          const struct control *c)
{
    u32 flags = m->out_flags | c->flags | (m->flags & MSG_CMSG_CLOEXEC);
    s32 len = (s32)m->address.len;
    u32 n = MIN(m->address.len,
                (u32)h->name_len); /* one of the network says no name: none is stored */

    if (n && copy_to_user(h->name, m->address.bytes, n) != 0)
        return -EFAULT;
    if (h->name &&
        copy_to_user(user + offsetof(struct msghdr, name_len), &len, sizeof(len)) != 0)
        return -EFAULT;
    if (copy_to_user(user + offsetof(struct msghdr, control_len), &c->used,
                     sizeof(c->used)) != 0)
        return -EFAULT;
    return copy_to_user(user + offsetof(struct msghdr, flags), &flags, sizeof(flags));
}

static long receive_message(struct file *f, vaddr_t user, u32 flags)
{
    struct message m = {.flags = flags};
    struct control c = {0};
    struct buffers b;
    struct msghdr h;
    long result = header_from_user(&h, user);
    int err;

    if (!result)
        result = buffers_get(&b, h.iov, h.niov);
    if (result)
        return result;
    m.uio = &b.uio;
    m.asks_name = h.name != 0;
    result = receive(f, &m);
    buffers_put(&b);
    if (result < 0) {
        rights_put(m.rights);
        return result;
    }
    c.user = h.control;
    c.room = h.control ? h.control_len : 0;
    control_to_user(f, &m, &c);
    rights_put(m.rights);
    err = header_to_user(user, &h, &m, &c);
    return err ? err : result;
}

long sys_recvmsg(const struct syscall_args *a)
{
    struct file *f;
    long result = (u32)a->a2 & MSG_COMPAT ? -EINVAL : socket_of((int)a->a0, &f);

    if (result)
        return result;
    result = receive_message(f, a->a1, (u32)a->a2);
    file_put(f);
    return result;
}

/* Until n have come, the time is over (it is looked at between two), or one fails: then the next
 * call is told of it where this one has messages to tell of. */
static long receive_many(struct file *f, const struct syscall_args *a, u64 deadline)
{
    u32 n = (u32)a->a2, flags = (u32)a->a3, done = 0;
    long result = flags & MSG_ERRQUEUE ? 0 : socket_take_error(file_socket(f));

    if (result)
        return result;

    while (done < n) {
        vaddr_t at = a->a1 + done * sizeof(struct mmsghdr);
        u32 len;

        result = receive_message(f, at, flags & ~MSG_WAITFORONE);
        len = (u32)result;
        if (result >= 0 &&
            copy_to_user(at + offsetof(struct mmsghdr, len), &len, sizeof(len)) != 0)
            result = -EFAULT;
        if (result < 0)
            break;
        done++;
        if (flags & MSG_WAITFORONE)
            flags |= MSG_DONTWAIT;
        if (pause_point() || clock_monotonic_ns() >= deadline)
            break;
    }
    if (done && result < 0 && result != -EAGAIN && result != -EINTR &&
        result != -ERESTARTSYS)
        socket_fail(file_socket(f), (s32)-result, 0);
    return done ? (long)done : result;
}

long sys_recvmmsg(const struct syscall_args *a)
{
    u64 deadline = NO_DEADLINE, ns;
    struct file *f;
    long result = (u32)a->a3 & MSG_COMPAT ? -EINVAL : 0;

    if (!result && a->a4) {
        result = timespec_from_user(a->a4, &ns);
        deadline = clock_monotonic_ns() + MIN(ns, NO_DEADLINE / 2);
    }
    if (!result)
        result = socket_of((int)a->a0, &f);
    if (result)
        return result;
    result = receive_many(f, a, deadline);
    file_put(f);
    if (result > 0 && a->a4) {
        u64 now = clock_monotonic_ns();

        if (timespec_to_user(a->a4, deadline > now ? deadline - now : 0) != 0)
            return -EFAULT;
    }
    return result;
}
