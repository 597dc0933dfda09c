/* SPDX-License-Identifier: MIT
 *
 * Options of sockets that tell when and where to a message came and how much is left, those whose
 * numbers become others, those that are texts, and those that are not everybody's.
 */
#include "tests/user/t.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#ifndef SIOCGSTAMP
#define SIOCGSTAMP   0x8906
#define SIOCGSTAMPNS 0x8907
#endif
/* musl's names are those of 64-bit times on other machines. */
#define STAMP    29
#define STAMP_NS 35
#define INQ      36

static int port_of(int fd)
{
    struct sockaddr_in a;
    socklen_t len = sizeof(a);

    OK(getsockname(fd, (struct sockaddr *)&a, &len));
    return ntohs(a.sin_port);
}

static void meet(int fd, int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                            .sin_port = htons((uint16_t)port)};

    OK(connect(fd, (struct sockaddr *)&a, sizeof(a)));
}

/* Bound to the loopback; a datagram one talks to itself. */
static int bound(int type)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, type, 0);

    OK(fd);
    OK(bind(fd, (struct sockaddr *)&a, sizeof(a)));
    if (type == SOCK_DGRAM)
        meet(fd, port_of(fd));
    return fd;
}

static int told(int fd, int level, int name)
{
    int v = -77;
    socklen_t len = sizeof(v);

    OK(getsockopt(fd, level, name, &v, &len));
    EQ(len, sizeof(v));
    return v;
}

static int tell(int fd, int level, int name, int v)
{
    return setsockopt(fd, level, name, &v, sizeof(v));
}

/* What one recvmsg of at most n bytes brings along. */
static union {
    struct cmsghdr h;
    char room[256];
} along;

static struct msghdr receive(int fd, size_t n)
{
    static char bytes[64];
    static struct iovec iov;
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &along,
                       .msg_controllen = sizeof(along)};

    iov = (struct iovec){bytes, n};
    memset(&along, 0, sizeof(along));
    EQ(recvmsg(fd, &m, MSG_DONTWAIT), n);
    return m;
}

static bool is_now(long sec)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return sec <= now.tv_sec && sec >= now.tv_sec - 60;
}

TEST(stamps, "the time of a datagram goes along, or can be asked for")
{
    int fd = bound(SOCK_DGRAM), local[2];
    struct msghdr m;
    long t[2], again[2];

    ERR(ioctl(fd, SIOCGSTAMP, t), ENOENT);
    EQ(told(fd, SOL_SOCKET, STAMP), 0);
    EQ(send(fd, "abc", 3, 0), 3);
    m = receive(fd, 3);
    CHECK(!CMSG_FIRSTHDR(&m));
    OK(ioctl(fd, SIOCGSTAMP, t));
    CHECK(is_now(t[0]) && t[1] >= 0 && t[1] < 1000000);

    OK(tell(fd, SOL_SOCKET, STAMP, 1));
    EQ(told(fd, SOL_SOCKET, STAMP), 1);
    EQ(told(fd, SOL_SOCKET, STAMP_NS), 0);
    EQ(send(fd, "abc", 3, 0), 3);
    m = receive(fd, 3);
    EQ(along.h.cmsg_level, SOL_SOCKET);
    EQ(along.h.cmsg_type, STAMP);
    EQ(along.h.cmsg_len, CMSG_LEN(16));
    memcpy(again, CMSG_DATA(&along.h), sizeof(again));
    CHECK(is_now(again[0]) && again[1] < 1000000);
    OK(ioctl(fd, SIOCGSTAMP, again));
    EQ(memcmp(t, again, sizeof(t)), 0);

    OK(tell(fd, SOL_SOCKET, STAMP_NS, 5));
    EQ(told(fd, SOL_SOCKET, STAMP_NS), 1);
    EQ(told(fd, SOL_SOCKET, STAMP), 0);
    EQ(send(fd, "abc", 3, 0), 3);
    receive(fd, 3);
    EQ(along.h.cmsg_type, STAMP_NS);
    OK(tell(fd, SOL_SOCKET, STAMP, 0));
    EQ(told(fd, SOL_SOCKET, STAMP_NS), 0);

    OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, local));
    OK(tell(local[1], SOL_SOCKET, STAMP, 1));
    EQ(send(local[0], "abc", 3, 0), 3);
    receive(local[1], 3);
    EQ(along.h.cmsg_type, STAMP);
    ERR(ioctl(local[1], SIOCGSTAMP, t), ENOTTY);
}

TEST(left, "a stream tells how much is left, behind the time")
{
    int listener = bound(SOCK_STREAM), to = socket(AF_INET, SOCK_STREAM, 0), from;
    struct msghdr m;
    struct cmsghdr *h;
    int n = -1;

    OK(listen(listener, 1));
    meet(to, port_of(listener));
    from = accept(listener, NULL, NULL);
    EQ(told(to, IPPROTO_TCP, INQ), 0);
    ERR(tell(to, IPPROTO_TCP, INQ, 2), EINVAL);
    OK(tell(to, IPPROTO_TCP, INQ, 1));
    EQ(write(from, "abcdefgh", 8), 8);
    m = receive(to, 3);
    h = CMSG_FIRSTHDR(&m);
    EQ(h->cmsg_level, IPPROTO_TCP);
    EQ(h->cmsg_type, INQ);
    EQ(h->cmsg_len, CMSG_LEN(sizeof(n)));
    memcpy(&n, CMSG_DATA(h), sizeof(n));
    EQ(n, 5);
    OK(tell(to, SOL_SOCKET, STAMP, 1));
    m = receive(to, 5);
    h = CMSG_FIRSTHDR(&m);
    EQ(h->cmsg_level, SOL_SOCKET);
    EQ(h->cmsg_type, STAMP);
    h = CMSG_NXTHDR(&m, h);
    CHECK(h);
    memcpy(&n, CMSG_DATA(h), sizeof(n));
    EQ(n, 0);
}

TEST(dest, "the address and port that a datagram was sent to")
{
    int fd = bound(SOCK_DGRAM);
    struct sockaddr_in a;

    OK(tell(fd, IPPROTO_IP, 20 /* IP_RECVORIGDSTADDR */, 1));
    EQ(told(fd, IPPROTO_IP, 20), 1);
    EQ(send(fd, "abc", 3, 0), 3);
    receive(fd, 3);
    EQ(along.h.cmsg_level, IPPROTO_IP);
    EQ(along.h.cmsg_type, 20);
    EQ(along.h.cmsg_len, CMSG_LEN(sizeof(a)));
    memcpy(&a, CMSG_DATA(&along.h), sizeof(a));
    EQ(a.sin_family, AF_INET);
    EQ(ntohs(a.sin_port), port_of(fd));
    EQ(ntohl(a.sin_addr.s_addr), INADDR_LOOPBACK);
}

static int after(int fd, int level, int name, int v)
{
    OK(tell(fd, level, name, v));
    return told(fd, level, name);
}

TEST(numbers, "numbers that become others")
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);

    EQ(told(fd, IPPROTO_TCP, TCP_MAXSEG), 536);
    ERR(tell(fd, IPPROTO_TCP, TCP_MAXSEG, 10), EINVAL);
    EQ(after(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, -1), 0);
    EQ(after(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 3), 3);
    EQ(after(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 4), 7);
    EQ(after(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 100000), 29887);
    EQ(after(fd, IPPROTO_TCP, TCP_LINGER2, -5), -1);
    EQ(after(fd, IPPROTO_TCP, TCP_LINGER2, 500), 120);
    EQ(after(fd, IPPROTO_TCP, TCP_LINGER2, 0), 60);
    EQ(after(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 5), 1152);
    EQ(after(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 1153), 1153);
    EQ(after(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, 0), 0);
    EQ(after(fd, IPPROTO_IP, IP_TOS, -1), 252);
    EQ(after(udp, IPPROTO_IP, IP_TOS, 300), 44);
    EQ(after(udp, SOL_SOCKET, SO_NO_CHECK, 7), 1);
}

TEST(texts, "an algorithm and an interface by their names; a filter that is not there")
{
    char text[24] = "reno";
    socklen_t len = sizeof(text);
    int fd = socket(AF_INET, SOCK_STREAM, 0), v = 0;

    OK(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
    memset(text, 1, sizeof(text));
    OK(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, text, &len));
    EQ(len, 16);
    EQ(strcmp(text, "reno"), 0);
    ERR(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "none such", 9), ENOENT);
    ERR(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "", 0), EINVAL);
    len = sizeof(text);
    OK(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, text, &len));
    EQ(len, 0);
    OK(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
    len = sizeof(text);
    OK(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, text, &len));
    EQ(len, 3);
    EQ(strcmp(text, "lo"), 0);
    ERR(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "nowhere", 7), ENODEV);
    ERR(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &v, sizeof(v)), ENOENT);
    len = sizeof(text);
    OK(getsockopt(fd, IPPROTO_IP, IP_OPTIONS, text, &len));
    EQ(len, 0);
    len = sizeof(v);
    ERR(getsockopt(fd, IPPROTO_IP, IP_MTU, &v, &len), ENOTCONN);
    EQ(told(bound(SOCK_DGRAM), IPPROTO_IP, IP_MTU), 65535);
}

static int setting(const char *name)
{
    char path[64], text[32] = "";
    int fd;

    snprintf(path, sizeof(path), "/proc/sys/net/core/%s", name);
    OK(fd = open(path, O_RDONLY));
    CHECK(read(fd, text, sizeof(text) - 1) > 0);
    OK(close(fd));
    return atoi(text);
}

static void set(const char *name, int v)
{
    char path[64], text[32];
    int fd, n = snprintf(text, sizeof(text), "%d", v);

    snprintf(path, sizeof(path), "/proc/sys/net/core/%s", name);
    OK(fd = open(path, O_WRONLY));
    EQ(write(fd, text, (size_t)n), n);
    OK(close(fd));
}

TEST(bounds, "buffers begin and end as /proc/sys says")
{
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0), most = setting("wmem_max");

    EQ(told(fd, SOL_SOCKET, SO_SNDBUF), setting("wmem_default"));
    EQ(told(fd, SOL_SOCKET, SO_RCVBUF), setting("rmem_default"));
    EQ(after(fd, SOL_SOCKET, SO_SNDBUF, -1), 2 * most);
    EQ(after(fd, SOL_SOCKET, SO_RCVBUF, -1), 2 * setting("rmem_max"));
    EQ(after(fd, SOL_SOCKET, 34 /* SO_PASSSEC */, 1), 1);
    if (!t_tessera)
        SKIP("the rest would change this machine");
    set("wmem_max", most + 1);
    set("rmem_default", 100000);
    EQ(after(fd, SOL_SOCKET, SO_SNDBUF, -1), 2 * most + 2);
    EQ(told(socket(AF_INET, SOCK_DGRAM, 0), SOL_SOCKET, SO_RCVBUF), 100000);
    set("wmem_max", most);
    set("rmem_default", most);
}

TEST(users, "options that are not everybody's")
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (geteuid() == 0)
        OK(setresuid(65534, 65534, 65534));
    ERR(tell(fd, SOL_SOCKET, SO_MARK, 1), EPERM);
    ERR(tell(fd, SOL_SOCKET, SO_DEBUG, 1), EACCES);
    OK(tell(fd, SOL_SOCKET, SO_DEBUG, 0));
    OK(tell(fd, SOL_SOCKET, SO_PRIORITY, 6));
    ERR(tell(fd, SOL_SOCKET, SO_PRIORITY, 7), EPERM);
    ERR(tell(fd, SOL_SOCKET, SO_PRIORITY, -1), EPERM);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
