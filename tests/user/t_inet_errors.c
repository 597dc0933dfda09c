/* SPDX-License-Identifier: MIT
 *
 * IP_RECVERR and IPV6_RECVERR: datagrams that came back, in the queue of errors.
 */
#include "tests/user/t.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

/* linux/errqueue.h, which musl does not have; the address of who says so follows. */
struct sock_extended_err {
    uint32_t ee_errno;
    uint8_t ee_origin, ee_type, ee_code, ee_pad;
    uint32_t ee_info, ee_data;
};
#define SO_EE_OFFENDER(e) ((struct sockaddr *)((e) + 1))

static int s;
static struct sockaddr_in at4;
static struct sockaddr_in6 at6;
static char data[70000];

/* A port where nobody is: somebody was. */
static void find_closed(void)
{
    socklen_t len = sizeof(at4);
    int fd;

    at4 = (struct sockaddr_in){.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    OK(fd = socket(AF_INET, SOCK_DGRAM, 0));
    OK(bind(fd, (void *)&at4, sizeof(at4)));
    OK(getsockname(fd, (void *)&at4, &len));
    OK(close(fd));
    at6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
                                .sin6_port = at4.sin_port,
                                .sin6_addr = IN6ADDR_LOOPBACK_INIT};
}

static void make(int family, bool v4, bool v6)
{
    int on = 1;

    OK(s = socket(family, SOCK_DGRAM, 0));
    if (v4)
        OK(setsockopt(s, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)));
    if (v6)
        OK(setsockopt(s, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on)));
}

static bool pollerr(void)
{
    struct pollfd p = {s, POLLIN, 0};

    OK(poll(&p, 1, 0));
    return p.revents & POLLERR;
}

static int so_error(void)
{
    int e = -1;
    socklen_t len = sizeof(e);

    OK(getsockopt(s, SOL_SOCKET, SO_ERROR, &e, &len));
    return e;
}

/* The next error must be of n bytes of data, with the name of `to`, and say this. */
static void comes_back(size_t n, const void *to, size_t len, int error, int origin,
                       int type, int code, unsigned info, int offender)
{
    char got[2000], control[200];
    struct iovec v = {got, sizeof(got)};
    struct sockaddr_in6 name;
    struct msghdr m = {.msg_name = &name,
                       .msg_namelen = sizeof(name),
                       .msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    struct sock_extended_err *e;
    struct cmsghdr *h;
    bool v6 = len == sizeof(at6);

    EQ(recvmsg(s, &m, MSG_ERRQUEUE), n);
    EQ(m.msg_flags & (MSG_ERRQUEUE | MSG_TRUNC | MSG_CTRUNC), MSG_ERRQUEUE);
    EQ(m.msg_namelen, len);
    CHECK(memcmp(&name, to, len) == 0);
    CHECK(memcmp(got, data, n) == 0);
    CHECK((h = CMSG_FIRSTHDR(&m)) != NULL);
    EQ(h->cmsg_level, v6 ? IPPROTO_IPV6 : IPPROTO_IP);
    EQ(h->cmsg_type, v6 ? IPV6_RECVERR : IP_RECVERR);
    EQ(h->cmsg_len, CMSG_LEN(sizeof(*e) + len));
    e = (void *)CMSG_DATA(h);
    EQ(e->ee_errno, error);
    EQ(e->ee_origin, origin);
    EQ(e->ee_type, type);
    EQ(e->ee_code, code);
    EQ(e->ee_info, info);
    EQ(SO_EE_OFFENDER(e)->sa_family, offender);
    if (offender == AF_INET)
        EQ(((struct sockaddr_in *)SO_EE_OFFENDER(e))->sin_addr.s_addr,
           htonl(INADDR_LOOPBACK));
    if (offender)
        EQ(((struct sockaddr_in *)SO_EE_OFFENDER(e))->sin_port, 0);
}

#define REFUSED4(n) comes_back(n, &at4, sizeof(at4), ECONNREFUSED, 2, 3, 3, 0, AF_INET)
#define REFUSED6(n) comes_back(n, &at6, sizeof(at6), ECONNREFUSED, 3, 1, 4, 0, AF_INET6)

static void nothing(void)
{
    char c;

    ERR(recv(s, &c, 1, MSG_ERRQUEUE), EAGAIN);
}

static void send4(size_t n)
{
    EQ(sendto(s, data, n, 0, (void *)&at4, sizeof(at4)), n);
}

TEST(refused, "a socket without a peer learns that nobody is there")
{
    char c;

    find_closed();
    memset(data, 'x', sizeof(data));
    make(AF_INET, true, false);
    send4(5);
    CHECK(pollerr());
    REFUSED4(5);
    CHECK(!pollerr());
    EQ(so_error(), 0);
    nothing();
    send4(2);
    ERR(recv(s, &c, 1, MSG_DONTWAIT), ECONNREFUSED); /* which tells of it, too */
    CHECK(pollerr());
    REFUSED4(2);
    CHECK(!pollerr());
    send4(3);
    ERR(sendto(s, data, 4, 0, (void *)&at4, sizeof(at4)), ECONNREFUSED);
    send4(1);
    REFUSED4(3);
    EQ(so_error(), ECONNREFUSED); /* that of the next */
    REFUSED4(1);
    EQ(so_error(), 0);
    send4(1000); /* of which not all comes back */
    REFUSED4(520);
}

TEST(connected, "a connected one, of what it sends to its peer")
{
    struct sockaddr_in other;

    find_closed();
    make(AF_INET, true, false);
    OK(connect(s, (void *)&at4, sizeof(at4)));
    EQ(send(s, data, 5, 0), 5);
    REFUSED4(5);
    EQ(so_error(), 0);
    other = at4;
    other.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
    EQ(sendto(s, data, 5, 0, (void *)&other, sizeof(other)), 5);
    EQ(so_error(), 0);
    nothing();
}

TEST(without,
     "without the option only a connected one learns of it; off, what came back is lost")
{
    int off = 0;

    find_closed();
    make(AF_INET, false, false);
    send4(5);
    EQ(so_error(), 0);
    OK(connect(s, (void *)&at4, sizeof(at4)));
    send4(5);
    EQ(so_error(), ECONNREFUSED);
    nothing();
    make(AF_INET, true, false);
    send4(5);
    OK(setsockopt(s, IPPROTO_IP, IP_RECVERR, &off, sizeof(off)));
    EQ(so_error(), ECONNREFUSED);
    CHECK(!pollerr());
    nothing();
}

TEST(v6, "IPv6, and IPv4 on a socket of it, each by its option")
{
    struct sockaddr_in6 mapped;

    find_closed();
    mapped = at6;
    inet_pton(AF_INET6, "::ffff:127.0.0.1", &mapped.sin6_addr);
    make(AF_INET6, false, true);
    EQ(sendto(s, data, 1300, 0, (void *)&at6, sizeof(at6)), 1300);
    REFUSED6(1184);
    EQ(sendto(s, data, 5, 0, (void *)&mapped, sizeof(mapped)), 5);
    nothing();
    make(AF_INET6, true, false);
    EQ(sendto(s, data, 5, 0, (void *)&at6, sizeof(at6)), 5);
    nothing();
    EQ(sendto(s, data, 5, 0, (void *)&mapped, sizeof(mapped)), 5);
    comes_back(5, &mapped, sizeof(mapped), ECONNREFUSED, 2, 3, 3, 0, AF_INET6);
    nothing();
}

TEST(too_long, "what is too long")
{
    struct sockaddr_in no_port;
    int on = 1;

    find_closed();
    no_port = at4;
    no_port.sin_port = 0;
    make(AF_INET, true, false);
    ERR(sendto(s, data, 65508, 0, (void *)&at4, sizeof(at4)), EMSGSIZE);
    CHECK(pollerr());
    EQ(so_error(), 0);
    comes_back(0, &no_port, sizeof(no_port), EMSGSIZE, 1, 0, 0, 65535, AF_UNSPEC);
    ERR(sendto(s, data, 65536, 0, (void *)&at4, sizeof(at4)), EMSGSIZE);
    nothing();
    make(AF_INET6, false, true);
    OK(setsockopt(s, IPPROTO_IPV6, IPV6_DONTFRAG, &on, sizeof(on)));
    ERR(sendto(s, data, 65500, 0, (void *)&at6, sizeof(at6)), EMSGSIZE);
    comes_back(0, &at6, sizeof(at6), EMSGSIZE, 1, 0, 0, 65536, AF_UNSPEC);
}

TEST(many, "as many as SO_RCVBUF has room for; what is left goes with the socket")
{
    int n;

    find_closed();
    make(AF_INET, true, false);
    for (int i = 0; i < 2000; i++) {
        sendto(s, data, 1, 0, (void *)&at4, sizeof(at4));
        so_error();
    }
    for (n = 0; recv(s, data, 1, MSG_ERRQUEUE) == 1; n++)
        ;
    CHECK(n > 100 && n < 2000);
    send4(1);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
