/* SPDX-License-Identifier: MIT
 *
 * Sockets: there are none. Programs are told so in the words that make them go on without:
 * no address family can be had, and no descriptor is a socket.
 */
#include "kernel/sys/fs.h"
#include "lib/uapi/errno.h"

long sys_socket(const struct syscall_args *a)
{
    (void)a;
    return -EAFNOSUPPORT;
}

long sys_socketpair(const struct syscall_args *a)
{
    (void)a;
    return -EAFNOSUPPORT;
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

NO_SOCKET(connect)
NO_SOCKET(accept)
NO_SOCKET(accept4)
NO_SOCKET(sendto)
NO_SOCKET(recvfrom)
NO_SOCKET(sendmsg)
NO_SOCKET(recvmsg)
NO_SOCKET(sendmmsg)
NO_SOCKET(recvmmsg)
NO_SOCKET(shutdown)
NO_SOCKET(bind)
NO_SOCKET(listen)
NO_SOCKET(getsockname)
NO_SOCKET(getpeername)
NO_SOCKET(setsockopt)
NO_SOCKET(getsockopt)
