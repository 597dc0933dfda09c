/* SPDX-License-Identifier: MIT
 *
 * Sockets: names the kernel gives to those that pass credentials, datagrams to one whose queue
 * is full, options, ioctls, memory of the caller that is not there, listeners that are asked to
 * connect; ports that two may have.
 */
#include "tests/user/t.h"
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#define BAD    ((void *)16)
#define IFCONF 0x8912

static int v[2];
static char buf[1000];

static void option(int fd, int name, int value)
{
    OK(setsockopt(fd, SOL_SOCKET, name, &value, sizeof(value)));
}

static int got(int fd, int name)
{
    socklen_t len = sizeof(int);
    int value = -1;

    OK(getsockopt(fd, SOL_SOCKET, name, &value, &len));
    EQ(len, sizeof(int));
    return value;
}

static struct sockaddr_un name_of(int fd, socklen_t *len)
{
    struct sockaddr_un a;

    memset(&a, 0x55, sizeof(a));
    *len = sizeof(a);
    OK(getsockname(fd, (void *)&a, len));
    return a;
}

/* A socket with an abstract name. */
static int named(int type, struct sockaddr_un *a, socklen_t *len)
{
    int fd = socket(AF_UNIX, type, 0);

    OK(fd);
    OK(bind(fd, (void *)&(sa_family_t){AF_UNIX}, 2));
    *a = name_of(fd, len);
    return fd;
}

static void has_name(int fd)
{
    socklen_t len;
    struct sockaddr_un a = name_of(fd, &len);

    EQ(len, 8);
    EQ(a.sun_path[0], 0);
    for (int i = 1; i < 6; i++)
        CHECK(memchr("0123456789abcdef", a.sun_path[i], 16));
    OK(bind(fd, (void *)&(sa_family_t){AF_UNIX}, 2)); /* it keeps it */
    CHECK(memcmp(&a, &(struct sockaddr_un[]){name_of(fd, &len)}, 8) == 0);
}

TEST(auto_name, "who passes credentials gets a name when it connects or sends")
{
    struct sockaddr_un a;
    socklen_t len, size;
    int to = named(SOCK_DGRAM, &a, &len), listener, s;

    s = socket(AF_UNIX, SOCK_DGRAM, 0);
    option(s, SO_PASSCRED, 1);
    name_of(s, &size);
    EQ(size, 2);
    OK(connect(s, (void *)&a, len));
    has_name(s);
    s = socket(AF_UNIX, SOCK_DGRAM, 0);
    EQ(sendto(s, "x", 1, 0, (void *)&a, len), 1);
    size = 77;
    EQ(recvfrom(to, buf, 9, 0, BAD, &size), 1);
    EQ(size, 0); /* nobody */
    option(s, SO_PASSCRED, 1);
    EQ(sendto(s, "x", 1, 0, (void *)&a, len), 1);
    has_name(s);
    size = sizeof(a);
    EQ(recvfrom(to, buf, 9, 0, (void *)&a, &size), 1);
    EQ(size, 8);
    listener = named(SOCK_STREAM, &a, &len);
    OK(listen(listener, 5));
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    option(s, SO_PASSCRED, 1);
    OK(connect(s, (void *)&a, len));
    has_name(s);
    size = sizeof(a);
    OK(accept(listener, (void *)&a, &size));
    EQ(size, 8);
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, v));
    option(v[0], SO_PASSCRED, 1);
    EQ(write(v[0], "x", 1), 1);
    name_of(v[0], &size);
    EQ(size, 2); /* not a stream that is connected */
}

/* A receiver whose queue is full, connected to nobody. */
static int crowded(struct sockaddr_un *a, socklen_t *len, int *sender)
{
    int to = named(SOCK_DGRAM, a, len), n = 0;

    *sender = socket(AF_UNIX, SOCK_DGRAM, 0);
    while (sendto(*sender, "x", 1, MSG_DONTWAIT, (void *)a, *len) == 1)
        n++;
    EQ(errno, EAGAIN);
    EQ(n, 11);
    return to;
}

TEST(crowded, "a datagram to a full queue waits, for so long as one wants")
{
    struct timeval tv = {0, 20000};
    struct sockaddr_un a;
    socklen_t len;
    int s, to = crowded(&a, &len, &s);
    struct pollfd p = {s, POLLOUT, 0};
    pid_t child;

    OK(setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
    ERR(sendto(s, "x", 1, 0, (void *)&a, len), EAGAIN);
    EQ(poll(&p, 1, 0), 1); /* of whom it speaks to is not known */
    OK(connect(s, (void *)&a, len));
    EQ(poll(&p, 1, 0), 0);
    ERR(send(s, "x", 1, 0), EAGAIN);
    tv.tv_usec = 0;
    OK(setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
    child = t_fork();
    if (!child) {
        EQ(send(s, "y", 1, 0), 1);
        _exit(0);
    }
    t_until_asleep(child);
    EQ(read(to, buf, 9), 1);
    t_join(child);
    EQ(poll(&p, 1, 0), 0);
    while (buf[0] == 'x')
        EQ(recv(to, buf, 9, MSG_DONTWAIT), 1);
    EQ(poll(&p, 1, 0), 1);
}

TEST(crowded_end, "and is told when the receiver ends meanwhile")
{
    struct sockaddr_un a;
    socklen_t len;
    int s, to = crowded(&a, &len, &s);
    pid_t child = t_fork();

    if (!child) {
        OK(close(to));
        ERR(sendto(s, "y", 1, 0, (void *)&a, len), ECONNREFUSED);
        _exit(0);
    }
    t_until_asleep(child);
    OK(close(to));
    t_join(child);
    to = crowded(&a, &len, &s);
    OK(shutdown(to, SHUT_RD));
    ERR(sendto(s, "y", 1, 0, (void *)&a, len), EPIPE);
    EQ(read(to, buf, 9), 1); /* what had come stays */
}

static void woken(int sig)
{
    (void)sig;
}

TEST(crowded_signal, "a signal ends the wait")
{
    struct timeval tv = {100, 0};
    struct sockaddr_un a;
    socklen_t len;
    int s, to = crowded(&a, &len, &s);
    pid_t child = t_fork();

    (void)to;
    if (!child) {
        struct sigaction sa = {.sa_handler = woken};

        OK(sigaction(SIGUSR1, &sa, NULL));
        ERR(sendto(s, "y", 1, 0, (void *)&a, len), EINTR);
        OK(setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
        OK(write(v[1], "x", 1));
        sa.sa_flags = SA_RESTART; /* not with a limit of time */
        OK(sigaction(SIGUSR1, &sa, NULL));
        ERR(sendto(s, "y", 1, 0, (void *)&a, len), EINTR);
        _exit(0);
    }
    t_until_asleep(child);
    OK(kill(child, SIGUSR1));
    for (int status; waitpid(child, &status, WNOHANG) == 0; t_nap(1000))
        OK(kill(child, SIGUSR1));
}

static void timeout_is(int fd, int name, long sec, long usec, long want)
{
    struct timeval tv = {sec, usec}, out = {5, 5};
    socklen_t len = sizeof(out);

    OK(setsockopt(fd, SOL_SOCKET, name, &tv, sizeof(tv)));
    OK(getsockopt(fd, SOL_SOCKET, name, &out, &len));
    EQ(len, sizeof(out));
    EQ(out.tv_sec, want);
    EQ(out.tv_usec, want ? usec : 0);
}

TEST(timeouts, "SO_RCVTIMEO and SO_SNDTIMEO, and what they are read as")
{
    struct timeval tv = {1, 1000000};
    static const int names[] = {SO_RCVTIMEO, SO_SNDTIMEO};

    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, v));
    for (int i = 0; i < 2; i++) {
        int name = names[i];
        socklen_t len = sizeof(tv);

        OK(getsockopt(v[0], SOL_SOCKET, name, &tv, &len));
        EQ(tv.tv_sec, 0);
        timeout_is(v[0], name, 12, 500000, 12);
        tv = (struct timeval){1, 1000000};
        ERR(setsockopt(v[0], SOL_SOCKET, name, &tv, sizeof(tv)), EDOM);
        tv.tv_usec = -1;
        ERR(setsockopt(v[0], SOL_SOCKET, name, &tv, sizeof(tv)), EDOM);
        ERR(setsockopt(v[0], SOL_SOCKET, name, &tv, 8), EINVAL);
        ERR(setsockopt(v[0], SOL_SOCKET, name, BAD, sizeof(tv)), EFAULT);
        len = 9; /* cut */
        memset(&tv, 0x55, sizeof(tv));
        OK(getsockopt(v[0], SOL_SOCKET, name, &tv, &len));
        EQ(len, 9);
        EQ(tv.tv_sec, 12);
        EQ(tv.tv_usec, 0x5555555555555520); /* of 500000 */
        timeout_is(v[0], name, 2000000000, 0, 2000000000);
        timeout_is(v[0], name, ~0ul >> 1, 0, 0);
        timeout_is(v[0], name, -5, 10, 0);
    }
    ERR(read(v[0], buf, 1), EAGAIN); /* less than 0: not at all */
    timeout_is(v[0], SO_RCVTIMEO, 0, 0, 0);
}

TEST(buffers, "the rooms of a socket, and how large root may make them")
{
    int n;

    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, v));
    EQ(got(v[0], SO_RCVBUF), 212992);
    option(v[0], SO_RCVBUF, 5000);
    EQ(got(v[0], SO_RCVBUF), 10000);
    option(v[0], SO_RCVBUF, 0);
    EQ(got(v[0], SO_RCVBUF), 2304);
    option(v[0], SO_SNDBUF, 1);
    EQ(got(v[0], SO_SNDBUF), 4608);
    option(v[0], SO_RCVBUF, -1);
    n = got(v[0], SO_RCVBUF); /* the most */
    CHECK(n >= 425984);
    option(v[0], SO_RCVBUF, 1 << 30);
    EQ(got(v[0], SO_RCVBUF), n);
    if (!geteuid()) {
        option(v[0], SO_RCVBUFFORCE, 1 << 24);
        EQ(got(v[0], SO_RCVBUF), 2 << 24);
        option(v[0], SO_SNDBUFFORCE, 1 << 20);
        EQ(got(v[0], SO_SNDBUF), 2 << 20);
        option(v[0], SO_SNDBUFFORCE, -1);
        EQ(got(v[0], SO_SNDBUF), 4608);
        option(v[0], SO_SNDBUFFORCE, 0x7fffffff);
        EQ(got(v[0], SO_SNDBUF), 0x7ffffffe);
    }
    CHILD({
        int n = 10000;

        if (!geteuid())
            OK(setresuid(65534, 65534, 65534));
        ERR(setsockopt(v[0], SOL_SOCKET, SO_RCVBUFFORCE, &n, sizeof(n)), EPERM);
        ERR(setsockopt(v[0], SOL_SOCKET, SO_SNDBUFFORCE, &n, sizeof(n)), EPERM);
    });
}

TEST(bad_memory, "calls of sockets with memory that is not there, and negative lengths")
{
    struct sockaddr_un a;
    socklen_t len, bad = -1, size = 4;
    int listener = named(SOCK_STREAM, &a, &len), s = socket(AF_UNIX, SOCK_STREAM, 0), fd;

    OK(listen(listener, 5));
    OK(fcntl(listener, F_SETFL, O_NONBLOCK));
    fd = dup(0);
    OK(close(fd));
    OK(connect(s, (void *)&a, len));
    ERR(accept(listener, (void *)&a, BAD), EFAULT); /* and the connection is lost */
    ERR(accept(listener, NULL, NULL), EAGAIN);
    EQ(read(s, buf, 1), 0);
    OK(close(s));
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    OK(connect(s, (void *)&a, len));
    ERR(accept(listener, (void *)&a, &bad), EINVAL);
    ERR(accept(listener, (void *)&a, &size), EAGAIN);
    EQ(dup(0), fd);
    ERR(getsockname(s, (void *)&a, &bad), EINVAL);
    ERR(getsockname(s, BAD, &size), EFAULT);
    bad = -1;
    ERR(getsockopt(s, SOL_SOCKET, SO_TYPE, &a, &bad), EINVAL);
    ERR(getsockopt(s, SOL_SOCKET, SO_TYPE, BAD, &size), EFAULT);
    size = 0;
    OK(getsockopt(s, SOL_SOCKET, SO_TYPE, BAD, &size));
    EQ(size, 0);
    ERR(bind(s, BAD, 100), EFAULT);
    ERR(connect(s, (void *)&a, -1), EINVAL);
    ERR(connect(s, (void *)&a, 1000), EINVAL);
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, v));
    EQ(write(v[0], "abc", 3), 3);
    ERR(read(v[1], BAD, 3), EFAULT); /* bytes stay, a message is gone */
    EQ(read(v[1], buf, 9), 3);
    ERR(write(v[0], BAD, 3), EFAULT);
    OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, v));
    EQ(write(v[0], "abc", 3), 3);
    ERR(recv(v[1], BAD, 3, MSG_PEEK), EFAULT);
    ERR(read(v[1], BAD, 3), EFAULT);
    ERR(recv(v[1], buf, 3, MSG_DONTWAIT), EAGAIN);
    ERR(write(v[0], BAD, 3), EFAULT);
    ERR(recv(v[1], buf, 3, MSG_DONTWAIT), EAGAIN);
}

TEST(controls, "ioctls: bytes that wait, the list of interfaces")
{
    struct ifconf c = {0};
    struct ifreq r[9] = {{.ifr_name = "lo"}};
    int n = -1, s = socket(AF_INET, SOCK_DGRAM, 0);

    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, v));
    OK(ioctl(v[0], TIOCOUTQ, &n));
    EQ(n, 0);
    EQ(write(v[0], "abc", 3), 3);
    OK(ioctl(v[0], TIOCOUTQ, &n));
    CHECK(n >= 3);
    OK(ioctl(v[1], FIONREAD, &n));
    EQ(n, 3);
    ERR(ioctl(v[0], TIOCOUTQ, BAD), EFAULT);
    EQ(read(v[1], buf, 9), 3);
    OK(ioctl(v[0], TIOCOUTQ, &n));
    EQ(n, 0);
    OK(ioctl(s, TIOCOUTQ, &n));
    EQ(n, 0);
    OK(ioctl(s, IFCONF, &c)); /* how much would it be? */
    CHECK(c.ifc_len >= (int)sizeof(*r) && c.ifc_len % sizeof(*r) == 0);
    c = (struct ifconf){.ifc_len = sizeof(r), .ifc_req = r};
    r[0].ifr_name[0] = 0;
    OK(ioctl(s, IFCONF, &c));
    CHECK(strcmp(r[0].ifr_name, "lo") == 0);
    EQ(r[0].ifr_addr.sa_family, AF_INET);
    EQ(((struct sockaddr_in *)&r[0].ifr_addr)->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    c.ifc_len = sizeof(*r) - 1;
    OK(ioctl(s, IFCONF, &c));
    EQ(c.ifc_len, 0);
    c.ifc_len = -1;
    OK(ioctl(s, IFCONF, &c));
    EQ(c.ifc_len, 0);
    ERR(ioctl(s, IFCONF, BAD), EFAULT);
    c = (struct ifconf){.ifc_len = sizeof(r), .ifc_buf = BAD};
    ERR(ioctl(s, IFCONF, &c), EFAULT);
}

TEST(where, "a datagram without an address is refused before its bytes are looked at")
{
    int s = socket(AF_INET, SOCK_DGRAM, 0), s6 = socket(AF_INET6, SOCK_DGRAM, 0);

    ERR(write(s, (void *)8, 8), EDESTADDRREQ);
    ERR(write(s6, (void *)8, 8), EDESTADDRREQ);
    ERR(write(s, "", 0), EDESTADDRREQ);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}

TEST(stream_name, "who sent what is read from a stream, for who has a name")
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "name"}, b;
    struct iovec iov = {buf, 1};
    struct msghdr h = {
        .msg_name = &b, .msg_namelen = sizeof(b), .msg_iov = &iov, .msg_iovlen = 1};
    socklen_t len = sizeof(b);

    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, v));
    EQ(write(v[1], "abcd", 4), 4);
    EQ(recvfrom(v[0], buf, 1, 0, (void *)&b, &len), 1);
    EQ(len, 0);
    OK(bind(v[1], (void *)&a, sizeof(a))); /* seen in what was sent before it, too */
    EQ(recvmsg(v[0], &h, MSG_PEEK), 1);
    EQ(h.msg_namelen, 2 + 5);
    EQ(memcmp(&a, &b, 7), 0);
    memset(&b, 0x55, sizeof(b));
    h.msg_namelen = 4;
    EQ(recvmsg(v[0], &h, 0), 1);
    EQ(h.msg_namelen, 2 + 5);
    EQ(memcmp(&b, "\1\0na\x55", 5), 0);
    OK(close(v[1]));
    len = sizeof(b);
    EQ(recvfrom(v[0], buf, 1, 0, (void *)&b, &len), 1);
    EQ(len, 2 + 5);
    EQ(recv(v[0], buf, 9, 0), 1);
    len = sizeof(b);
    EQ(recvfrom(v[0], buf, 1, 0, (void *)&b, &len), 0);
    EQ(len, 0);
}

TEST(unknown_first, "an option that nobody knows comes before a value that is not there")
{
    int u = socket(AF_UNIX, SOCK_STREAM, 0), i = socket(AF_INET, SOCK_DGRAM, 0);

    ERR(setsockopt(i, IPPROTO_IPV6, 20, BAD, 20), ENOPROTOOPT);
    ERR(setsockopt(u, IPPROTO_IP, 1, BAD, 4), EOPNOTSUPP);
    ERR(setsockopt(i, SOL_SOCKET, SO_REUSEADDR, BAD, 3), EINVAL);
    ERR(setsockopt(i, SOL_SOCKET, SO_REUSEADDR, BAD, 4), EFAULT);
    ERR(setsockopt(i, SOL_SOCKET, SO_BINDTODEVICE, BAD, 4), EFAULT);
}

TEST(no_more, "no more of a value is read than its option takes")
{
    unsigned char *end =
        t_map(NULL, 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int i = socket(AF_INET, SOCK_STREAM, 0);

    end += P;
    OK(munmap(end, P));
    OK(setsockopt(i, SOL_SOCKET, SO_REUSEADDR, end - 4, 5));
    OK(setsockopt(i, IPPROTO_TCP, 1, end - 4, 99));
    OK(setsockopt(i, SOL_SOCKET, SO_LINGER, end - 8, 9));
    OK(setsockopt(i, SOL_SOCKET, SO_RCVTIMEO, end - 16, 2147483647));
    ERR(setsockopt(i, SOL_SOCKET, SO_LINGER, end - 7, 8), EFAULT);
    ERR(setsockopt(i, SOL_SOCKET, SO_RCVTIMEO, end - 8, 16), EFAULT);
    ERR(setsockopt(i, SOL_SOCKET, SO_RCVTIMEO, end - 8, 8), EINVAL);
}
