/* SPDX-License-Identifier: MIT
 *
 * Sockets: there are none. Programs are told so in the words that make them go on without:
 * no address family can be had, and no descriptor is a socket.
 */
#include "kernel/sys/fs.h"
#include "kernel/task/uaccess.h"
#include "lib/uapi/errno.h"
#include "lib/uapi/fcntl.h"

#define ADDRESS_MAX  128u /* bytes of a socket's address */
#define FAMILIES     46u
#define TYPES        11u
#define TYPE_MASK    0xfu
#define SOCKET_FLAGS (u32)(O_CLOEXEC | O_NONBLOCK)
#define MSG_COMPAT   0x80000000u /* only the kernel's own callers on Linux may pass it */

static bool type_ok(u32 type)
{
    return !(type & ~TYPE_MASK & ~SOCKET_FLAGS);
}

/* Families without a socket are not there, but what never was a type is wrong. */
static long make(u32 family, u32 type)
{
    return family < FAMILIES && (type & TYPE_MASK) >= TYPES ? -EINVAL : -EAFNOSUPPORT;
}

long sys_socket(const struct syscall_args *a)
{
    return type_ok((u32)a->a1) ? make((u32)a->a0, (u32)a->a1) : -EINVAL;
}

/* The two numbers are written before the sockets are made. */
long sys_socketpair(const struct syscall_args *a)
{
    s32 fds[2];

    if (!type_ok((u32)a->a1))
        return -EINVAL;
    if (copy_from_user(fds, a->a3, sizeof(fds)) != 0 ||
        copy_to_user(a->a3, fds, sizeof(fds)) != 0)
        return -EFAULT;
    return make((u32)a->a0, (u32)a->a1);
}

/* What all calls that want a socket say to anything else. */
static long no_socket(const struct syscall_args *a)
{
    struct file *f = io_file_of((int)a->a0);

    if (!f)
        return -EBADF;
    file_put(f);
    return -ENOTSOCK;
}

#define NO_SOCKET(name)                           \
    long sys_##name(const struct syscall_args *a) \
    {                                             \
        return no_socket(a);                      \
    }

NO_SOCKET(accept)
NO_SOCKET(shutdown)
NO_SOCKET(bind)
NO_SOCKET(listen)
NO_SOCKET(getsockname)
NO_SOCKET(getpeername)
NO_SOCKET(setsockopt)
NO_SOCKET(getsockopt)

/* The address is read before the descriptor's kind is asked for. */
long sys_connect(const struct syscall_args *a)
{
    u8 address[ADDRESS_MAX];
    long result = no_socket(a);

    if (result == -EBADF)
        return result;
    if ((u32)a->a2 > ADDRESS_MAX)
        return -EINVAL;
    return copy_from_user(address, a->a1, (u32)a->a2) != 0 ? -EFAULT : result;
}

long sys_accept4(const struct syscall_args *a)
{
    long result = no_socket(a);

    return result != -EBADF && (u32)a->a3 & ~SOCKET_FLAGS ? -EINVAL : result;
}

/* A buffer that is no user memory is seen first. */
static long no_transfer(const struct syscall_args *a)
{
    return user_range_ok(a->a1, MIN(a->a2, RW_MAX)) ? no_socket(a) : -EFAULT;
}

long sys_sendto(const struct syscall_args *a)
{
    return no_transfer(a);
}

long sys_recvfrom(const struct syscall_args *a)
{
    return no_transfer(a);
}

static long no_message(const struct syscall_args *a, u64 flags)
{
    return flags & MSG_COMPAT ? -EINVAL : no_socket(a);
}

long sys_sendmsg(const struct syscall_args *a)
{
    return no_message(a, a->a2);
}

long sys_recvmsg(const struct syscall_args *a)
{
    return no_message(a, a->a2);
}

long sys_sendmmsg(const struct syscall_args *a)
{
    return no_message(a, a->a3);
}

long sys_recvmmsg(const struct syscall_args *a)
{
    return no_message(a, a->a3);
}
