/* SPDX-License-Identifier: MIT
 *
 * Each allocation of calls on sockets of the network fails once: connections, urgent data, what
 * goes along with datagrams. A send that failed has put nothing into the receiver's queue, a
 * receive that failed has taken nothing out of it. Cases: I6xx.
 */
#include "tests/user/t_inject.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define SIOCATMARK_ 0x8905

enum { LONG_ = 80000 }; /* bytes of a stream that go in several parts */

static struct sockaddr_in at;
static struct sockaddr_in6 at6;
static int a, b, s; /* of a connection: sender, receiver; who listens */
static char block[LONG_];

static int unread(void)
{
    int n = -1;

    OK(ioctl(b, FIONREAD, &n));
    return n;
}

static bool has_urgent(void)
{
    struct pollfd p = {b, POLLPRI, 0};

    OK(poll(&p, 1, 0));
    return p.revents & POLLPRI;
}

/* ---- connections ---- */

static void socket_there(void)
{
    at = (struct sockaddr_in){.sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    OK(s = socket(AF_INET, SOCK_STREAM, 0));
}

static long bind_it(void)
{
    return bind(s, (void *)&at, sizeof(at));
}

static void bound_there(void)
{
    socklen_t len = sizeof(at);

    socket_there();
    OK(bind_it());
    OK(getsockname(s, (void *)&at, &len));
}

static long listen_it(void)
{
    return listen(s, 5);
}

static void listener_there(void)
{
    bound_there();
    OK(listen_it());
    OK(a = socket(AF_INET, SOCK_STREAM, 0));
}

static long connect_it(void)
{
    return connect(a, (void *)&at, sizeof(at));
}

static void waiting_there(void)
{
    listener_there();
    OK(connect_it());
}

static long accept_it(void)
{
    return syscall(SYS_accept4, s, NULL, NULL, 0);
}

static long make_stream(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}

static long make_datagrams(void)
{
    return socket(AF_INET6, SOCK_DGRAM, 0);
}

TEST(I601, "sockets of the network: made, bound, connected, accepted")
{
    SWEEP(.call = make_stream, .errors = {ENOMEM, ENFILE, ENOBUFS});
    SWEEP(.call = make_datagrams, .errors = {ENOMEM, ENFILE, ENOBUFS});
    SWEEP(.setup = socket_there, .call = bind_it, .errors = {ENOMEM, ENOBUFS});
    SWEEP(.setup = bound_there, .call = listen_it, .errors = {ENOMEM, ENOBUFS});
    SWEEP(.setup = listener_there, .call = connect_it, .errors = {ENOMEM, ENOBUFS});
    SWEEP(.setup = waiting_there, .call = accept_it, .errors = {ENOMEM, ENFILE, ENOBUFS});
}

/* ---- groups, and what comes back ---- */

static void receiver_of_errors(void)
{
    int on = 1;

    at = (struct sockaddr_in){.sin_family = AF_INET,
                              .sin_port = htons(9),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    OK(s = socket(AF_INET, SOCK_DGRAM, 0));
    OK(setsockopt(s, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)));
}

static long join_it(void)
{
    struct ip_mreq r = {{htonl(0xef010203)}, {htonl(INADDR_LOOPBACK)}};

    return setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &r, sizeof(r));
}

static long send_to_nobody(void)
{
    return sendto(s, "x", 1, 0, (void *)&at, sizeof(at));
}

TEST(I605, "a group joined; a datagram that comes back")
{
    SWEEP(.setup = receiver_of_errors, .call = join_it, .errors = {ENOMEM, ENOBUFS});
    SWEEP(.setup = receiver_of_errors, .call = send_to_nobody,
          .errors = {ENOMEM, ENOBUFS});
}

/* ---- urgent data ---- */

static void connection_there(void)
{
    waiting_there();
    OK(b = (int)accept_it());
}

/* What was sent is told, and the last byte is urgent only if it was among it. */
static long send_urgent(size_t n)
{
    ssize_t sent = send(a, block, n, MSG_OOB | MSG_DONTWAIT);
    int error = errno;

    EQ(has_urgent(), sent == (ssize_t)n);
    EQ(unread(), sent < 0 ? 0 : sent - (sent == (ssize_t)n));
    errno = error;
    return sent < 0 ? -1 : 0;
}

static long send_byte(void)
{
    return send_urgent(1);
}

static long send_many(void)
{
    return send_urgent(sizeof(block));
}

static void owner_there(void)
{
    connection_there();
    signal(SIGURG, SIG_IGN);
    OK(fcntl(b, F_SETOWN, getpid()));
}

static void urgent_there(void)
{
    connection_there();
    OK(send(a, "plain", 5, 0));
    OK(send(a, "!", 1, MSG_OOB));
}

static long take_urgent(void)
{
    char c = 0;
    ssize_t n = recv(b, &c, 1, MSG_OOB | MSG_DONTWAIT);

    if (n == 1)
        EQ(c, '!');
    return n == 1 ? 0 : -1;
}

static long take_plain(void)
{
    char text[20];
    ssize_t n = recv(b, text, sizeof(text), MSG_DONTWAIT);

    if (n >= 0)
        EQ(n, 5); /* as far as the mark */
    return n < 0 ? -1 : 0;
}

static long ask_mark(void)
{
    int n;

    return ioctl(b, SIOCATMARK_, &n);
}

TEST(I602, "urgent data")
{
    SWEEP(.setup = connection_there, .call = send_byte,
          .errors = {ENOMEM, ENOBUFS, EAGAIN});
    SWEEP(.setup = owner_there, .call = send_byte, .errors = {ENOMEM, ENOBUFS, EAGAIN});
    SWEEP(.setup = connection_there, .call = send_many,
          .errors = {ENOMEM, ENOBUFS, EAGAIN});
    SWEEP(.setup = urgent_there, .call = take_urgent);
    SWEEP(.setup = urgent_there, .call = take_plain);
    SWEEP(.setup = urgent_there, .call = ask_mark);
}

/* ---- what goes along with datagrams ---- */

static union {
    char bytes[4000];
    struct cmsghdr align;
} room;
static size_t used;

/* One record more of what goes along. */
static void add(int level, int type, const void *data, size_t n)
{
    struct cmsghdr *c = (void *)(room.bytes + used);

    *c =
        (struct cmsghdr){.cmsg_len = CMSG_LEN(n), .cmsg_level = level, .cmsg_type = type};
    memcpy(CMSG_DATA(c), data, n);
    used += CMSG_SPACE(n);
}

static void wants(int level, int option)
{
    int one = 1;

    OK(setsockopt(b, level, option, &one, sizeof(one)));
}

static void datagrams_there(void)
{
    struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(0x7f000009)};
    int ttl = 7, tos = 0x20;
    socklen_t len = sizeof(at);

    at = (struct sockaddr_in){.sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    OK(a = socket(AF_INET, SOCK_DGRAM, 0));
    OK(b = socket(AF_INET, SOCK_DGRAM, 0));
    OK(bind(b, (void *)&at, sizeof(at)));
    OK(getsockname(b, (void *)&at, &len));
    wants(IPPROTO_IP, IP_PKTINFO);
    wants(IPPROTO_IP, IP_RECVTTL);
    wants(IPPROTO_IP, IP_RECVTOS);
    used = 0;
    while (used + 200 < sizeof(room)) { /* the last of each kind counts */
        add(IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
        add(IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
        add(IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
    }
}

static void datagrams6_there(void)
{
    struct in6_pktinfo info = {.ipi6_addr = IN6ADDR_LOOPBACK_INIT};
    int hops = 9, class = 0x1c;
    socklen_t len = sizeof(at6);

    at6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
                                .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    OK(a = socket(AF_INET6, SOCK_DGRAM, 0));
    OK(b = socket(AF_INET6, SOCK_DGRAM, 0));
    OK(bind(b, (void *)&at6, sizeof(at6)));
    OK(getsockname(b, (void *)&at6, &len));
    wants(IPPROTO_IPV6, IPV6_RECVPKTINFO);
    wants(IPPROTO_IPV6, IPV6_RECVHOPLIMIT);
    wants(IPPROTO_IPV6, IPV6_RECVTCLASS);
    used = 0;
    add(IPPROTO_IPV6, IPV6_HOPLIMIT, &hops, sizeof(hops));
    add(IPPROTO_IPV6, IPV6_TCLASS, &class, sizeof(class));
    add(IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info));
}

static long send_to(void *name, socklen_t len)
{
    struct iovec v = {block, 5000};
    struct msghdr m = {.msg_name = name,
                       .msg_namelen = len,
                       .msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = &room,
                       .msg_controllen = used};
    long sent = syscall(SYS_sendmsg, a, &m, MSG_DONTWAIT);
    int error = errno;

    EQ(unread(), sent < 0 ? 0 : 5000);
    errno = error;
    return sent < 0 ? -1 : 0;
}

static long send_v4(void)
{
    return send_to(&at, sizeof(at));
}

static long send_v6(void)
{
    return send_to(&at6, sizeof(at6));
}

static void datagram_there(void)
{
    datagrams_there();
    OK(send_v4());
}

static void datagram6_there(void)
{
    datagrams6_there();
    OK(send_v6());
}

/* Three records come along, and the datagram stays when it does not come. */
static long receive(int flags)
{
    static char text[5000];
    struct iovec v = {text, sizeof(text)};
    struct msghdr m = {.msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = &room,
                       .msg_controllen = sizeof(room)};
    long n = syscall(SYS_recvmsg, b, &m, flags | MSG_DONTWAIT);
    int error = errno, records = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); n > 0 && c; c = CMSG_NXTHDR(&m, c))
        records++;
    if (n >= 0)
        EQ(records, 3);
    EQ(unread(), n < 0 || flags & MSG_PEEK ? 5000 : 0);
    errno = error;
    return n < 0 ? -1 : 0;
}

static long take_datagram(void)
{
    return receive(0);
}

static long look_at_datagram(void)
{
    return receive(MSG_PEEK);
}

TEST(I603, "datagrams with what goes along with them")
{
    SWEEP(.setup = datagrams_there, .call = send_v4, .errors = {ENOMEM, ENOBUFS, EAGAIN});
    SWEEP(.setup = datagrams6_there, .call = send_v6,
          .errors = {ENOMEM, ENOBUFS, EAGAIN});
    SWEEP(.setup = datagram_there, .call = take_datagram, .errors = {ENOMEM});
    SWEEP(.setup = datagram_there, .call = look_at_datagram, .errors = {ENOMEM});
    SWEEP(.setup = datagram6_there, .call = take_datagram, .errors = {ENOMEM});
    SWEEP(.setup = datagram6_there, .call = look_at_datagram, .errors = {ENOMEM});
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
