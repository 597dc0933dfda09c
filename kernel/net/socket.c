/* SPDX-License-Identifier: MIT
 *
 * The calls of sockets but for those that move messages: kernel/net/message.c.
 */
#include "fs/socket/socket.h"
#include "fs/fdtable.h"
#include "fs/socket/connect.h"
#include "fs/socket/end.h"
#include "fs/socket/group/group.h"
#include "fs/socket/option.h"
#include "kernel/net/filter.h"
#include "kernel/net/socket.h"
#include "kernel/sys/fs.h"
#include "kernel/task/uaccess.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"

#define TCP_CONGESTION  13
#define TEXT_OPTION_MAX 15u /* of the name of an algorithm, an interface */

#define TYPE_MASK    0xfu
#define SOCKET_FLAGS (u32)(O_CLOEXEC | O_NONBLOCK)

void socket_cred_current(struct socket_cred *out, enum socket_ids which)
{
    const struct cred *c = own_cred();

    out->pid = current_proc()->pid;
    out->uid = which == IDS_EFFECTIVE ? c->euid : c->uid;
    out->gid = which == IDS_EFFECTIVE ? c->egid : c->gid;
}

int socket_of(int fd, struct file **f)
{
    *f = io_file_of(fd);
    if (!*f)
        return -EBADF;
    if (file_socket(*f))
        return 0;
    file_put(*f);
    return -ENOTSOCK;
}

int address_from_user(struct address *a, vaddr_t user, s32 len)
{
    if (len < 0 || (u32)len > ADDRESS_MAX)
        return -EINVAL;
    a->len = (u32)len;
    return copy_from_user(a->bytes, user, a->len);
}

int address_to_user(const struct address *a, vaddr_t user, vaddr_t user_len)
{
    s32 room, len = (s32)a->len;

    if (copy_from_user(&room, user_len, sizeof(room)) != 0)
        return -EFAULT;
    if (room < 0)
        return -EINVAL;
    if (room && a->len && copy_to_user(user, a->bytes, MIN((u32)room, a->len)) != 0)
        return -EFAULT;
    return copy_to_user(user_len, &len, sizeof(len));
}

/* ---- making ---- */

static bool type_ok(u32 type)
{
    return !(type & ~TYPE_MASK & ~SOCKET_FLAGS);
}

long sys_socket(const struct syscall_args *a)
{
    u32 type = (u32)a->a1;
    struct file *f;
    int err;

    if (!type_ok(type))
        return -EINVAL;
    err = socket_create((u32)a->a0, type & TYPE_MASK, (u32)a->a2, type & O_NONBLOCK, &f);
    return err ? err : install_file(f, type & O_CLOEXEC);
}

/* The two numbers are written before the sockets are made. */
static int make_pair(const struct syscall_args *a, struct fdtable *t, const s32 fds[2])
{
    u32 type = (u32)a->a1;
    struct file *f[2];
    int err = copy_to_user(a->a3, fds, 2 * sizeof(fds[0]));

    if (!err)
        err = socket_pair((u32)a->a0, type & TYPE_MASK, (u32)a->a2, type & O_NONBLOCK, f);
    if (err)
        return err;
    for (int i = 0; i < 2; i++)
        fd_fill(t, fds[i], f[i], type & O_CLOEXEC);
    return 0;
}

long sys_socketpair(const struct syscall_args *a)
{
    struct fdtable *t = current_thread()->files;
    s32 fds[2];
    int err = 0;

    if (!type_ok((u32)a->a1))
        return -EINVAL;
    for (int i = 0; i < 2 && !err; i++) {
        fds[i] = fd_reserve(t, fd_limit());
        if (fds[i] < 0) {
            err = fds[i];
            if (i)
                fd_unreserve(t, fds[0]);
        }
    }
    if (err)
        return err;
    err = make_pair(a, t, fds);
    for (int i = 0; i < 2 && err; i++)
        fd_unreserve(t, fds[i]);
    return err;
}

/* ---- accepting ---- */

static long do_accept(struct file *f, const struct syscall_args *a, u32 flags)
{
    struct fdtable *t = current_thread()->files;
    struct address peer;
    struct file *new;
    int fd, err;

    if (flags & ~SOCKET_FLAGS)
        return -EINVAL;
    fd = fd_reserve(t, fd_limit());
    if (fd < 0)
        return fd;
    err = socket_accept(f, flags & O_NONBLOCK, &peer, &new);
    if (!err && a->a1) {
        err = address_to_user(&peer, a->a1, a->a2);
        if (err)
            file_put(new);
    }
    if (err) {
        fd_unreserve(t, fd);
        return err;
    }
    fd_fill(t, fd, new, flags & O_CLOEXEC);
    return fd;
}

static long accept_flags(const struct syscall_args *a, u32 flags)
{
    struct file *f;
    long result = socket_of((int)a->a0, &f);

    if (result)
        return result == -ENOTSOCK && flags & ~SOCKET_FLAGS ? -EINVAL : result;
    result = do_accept(f, a, flags);
    file_put(f);
    return result;
}

long sys_accept(const struct syscall_args *a)
{
    return accept_flags(a, 0);
}

long sys_accept4(const struct syscall_args *a)
{
    return accept_flags(a, (u32)a->a3);
}

/* ---- names and states ---- */

/* The descriptor is asked for before the address, its kind after. */
long sys_connect(const struct syscall_args *a)
{
    struct address to;
    struct file *f = io_file_of((int)a->a0);
    long result;

    if (!f)
        return -EBADF;
    result = address_from_user(&to, a->a1, (s32)a->a2);
    if (!result)
        result = file_socket(f) ? socket_connect(f->data, &to, current_fs(),
                                                 !(file_flags(f) & O_NONBLOCK))
                                : -ENOTSOCK;
    file_put(f);
    return result;
}

/* What the others do with a socket and the call's further arguments. */
typedef long (*socket_fn)(struct socket *s, const struct syscall_args *a);

static long with_socket(const struct syscall_args *a, socket_fn fn)
{
    struct file *f;
    long result = socket_of((int)a->a0, &f);

    if (result)
        return result;
    result = fn(file_socket(f), a);
    file_put(f);
    return result;
}

static long do_bind(struct socket *s, const struct syscall_args *a)
{
    struct address at;
    int err = address_from_user(&at, a->a1, (s32)a->a2);

    return err ? err : socket_bind(s, &at, current_fs());
}

static long do_listen(struct socket *s, const struct syscall_args *a)
{
    return socket_listen(s, (s32)a->a1);
}

static long do_shutdown(struct socket *s, const struct syscall_args *a)
{
    return socket_shutdown(s, (u32)a->a1);
}

static long tell_name(struct socket *s, const struct syscall_args *a, bool peer)
{
    struct address at;
    int err = peer ? socket_peer_name(s, &at) : socket_name(s, false, &at);

    return err ? err : address_to_user(&at, a->a1, a->a2);
}

static long do_getsockname(struct socket *s, const struct syscall_args *a)
{
    return tell_name(s, a, false);
}

static long do_getpeername(struct socket *s, const struct syscall_args *a)
{
    return tell_name(s, a, true);
}

/* A longer value than the option has is cut. One that cannot be read is missed only where there
 * is an option that takes it. */
/* How many bytes of its value an option takes at most: no others are looked at. */
static u32 option_size(s32 level, s32 name)
{
    bool socket = level == SOL_SOCKET;
    u32 group = group_option_size(level, name);

    if (group)
        return group;
    if (level == IPPROTO_IPV6 && name == IPV6_PKTINFO)
        return PKTINFO6_LEN;
    if (socket && name == SO_LINGER)
        return 2 * sizeof(s32);
    if (socket && (name == SO_RCVTIMEO || name == SO_RCVTIMEO_NEW ||
                   name == SO_SNDTIMEO || name == SO_SNDTIMEO_NEW))
        return 2 * sizeof(s64);
    if ((socket && name == SO_BINDTODEVICE) ||
        (level == IPPROTO_TCP && name == TCP_CONGESTION))
        return TEXT_OPTION_MAX;
    return sizeof(s32);
}

static long do_setsockopt(struct socket *s, const struct syscall_args *a)
{
    u8 value[OPTION_MAX] = {0};
    s32 len = (s32)a->a4;
    u32 most;
    bool bad;

    if (len < 0)
        return -EINVAL;
    if ((s32)a->a1 == SOL_SOCKET && (s32)a->a2 == SO_ATTACH_FILTER)
        return filter_attach(s, a->a3, (u32)len);
    most = option_size((s32)a->a1, (s32)a->a2);
    bad = copy_from_user(value, a->a3, MIN((u32)len, most)) != 0;
    return socket_set_option(s, (s32)a->a1, (s32)a->a2, bad ? NULL : value, (u32)len);
}

static long do_getsockopt(struct socket *s, const struct syscall_args *a)
{
    u8 value[OPTION_MAX];
    u32 len, most;
    s32 room;
    bool filter;
    int err;

    if (copy_from_user(&room, a->a4, sizeof(room)) != 0)
        return -EFAULT;
    if (room < 0)
        return -EINVAL;
    len = most = MIN((u32)room, OPTION_MAX);
    filter = (s32)a->a1 == SOL_SOCKET && (s32)a->a2 == SO_ATTACH_FILTER;
    if (filter) {
        len = (u32)room;
        err = filter_tell(s, a->a3, &len);
    } else {
        err = socket_get_option(s, (s32)a->a1, (s32)a->a2, value, &len);
    }
    if (err)
        return err;
    most = filter ? 0 : MIN(len, most); /* a list that was cut tells how long it is */
    return (most && copy_to_user(a->a3, value, most) != 0) ||
                   copy_to_user(a->a4, &len, sizeof(len)) != 0
               ? -EFAULT
               : 0;
}

#define WITH_SOCKET(name)                         \
    long sys_##name(const struct syscall_args *a) \
    {                                             \
        return with_socket(a, do_##name);         \
    }

WITH_SOCKET(bind)
WITH_SOCKET(listen)
WITH_SOCKET(shutdown)
WITH_SOCKET(getsockname)
WITH_SOCKET(getpeername)
WITH_SOCKET(setsockopt)
WITH_SOCKET(getsockopt)
