/* SPDX-License-Identifier: MIT
 *
 * AF_INET and AF_INET6 on the loopback: streams with ports.
 */
#include "tests/user/t.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

static char buf[100000];

static struct sockaddr_in at(unsigned address, unsigned short port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = htonl(address)};
}

static short events(int fd)
{
    struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};

    OK(poll(&p, 1, 0));
    return p.revents;
}

static int error_of(int fd)
{
    int n;
    socklen_t len = sizeof(n);

    OK(getsockopt(fd, SOL_SOCKET, SO_ERROR, &n, &len));
    return n;
}

/* A listener at a port of the kernel's choice. */
static int listener(struct sockaddr_in *a, int backlog)
{
    int s = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t len = sizeof(*a);

    signal(SIGPIPE, SIG_IGN);
    *a = at(INADDR_LOOPBACK, 0);
    OK(bind(s, (void *)a, sizeof(*a)));
    OK(listen(s, backlog));
    OK(getsockname(s, (void *)a, &len));
    CHECK(ntohs(a->sin_port) >= 32768);
    return s;
}

static void connected(int *c, int *d)
{
    struct sockaddr_in a;
    int s = listener(&a, 5);

    OK(*c = socket(AF_INET, SOCK_STREAM, 0));
    OK(connect(*c, (void *)&a, sizeof(a)));
    OK(*d = accept(s, NULL, NULL));
    OK(close(s));
}

TEST(stream, "ports, names, bytes both ways, half close")
{
    struct sockaddr_in a, b, p;
    int s = listener(&a, 5), c = socket(AF_INET, SOCK_STREAM, 0), d;
    socklen_t len = sizeof(b);

    OK(connect(c, (void *)&a, sizeof(a)));
    OK(d = accept(s, (void *)&b, &len));
    EQ(len, sizeof(b));
    EQ(b.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    OK(getsockname(c, (void *)&p, &len));
    EQ(p.sin_port, b.sin_port);
    OK(getpeername(c, (void *)&p, &len));
    EQ(p.sin_port, a.sin_port);
    OK(getsockname(d, (void *)&p, &len));
    EQ(p.sin_port, a.sin_port);
    EQ(write(c, "hello", 5), 5);
    EQ(recv(d, buf, 5, MSG_WAITALL), 5);
    OK(shutdown(c, SHUT_WR));
    EQ(read(d, buf, 5), 0);
    EQ(events(d), POLLIN | POLLOUT | POLLRDHUP);
    EQ(write(d, "back", 4), 4);
    OK(close(d));
    EQ(recv(c, buf, 5, MSG_WAITALL), 4);
    EQ(read(c, buf, 5), 0);
    ERR(write(c, "x", 1), EPIPE);
    ERR(connect(socket(AF_INET6, SOCK_STREAM, 0), (void *)&a, sizeof(a)), EINVAL);
}

TEST(refused, "nobody listens: at once, or later without waiting")
{
    struct sockaddr_in a;
    int s = listener(&a, 5), c = socket(AF_INET, SOCK_STREAM, 0);

    OK(close(s));
    ERR(connect(c, (void *)&a, sizeof(a)), ECONNREFUSED);
    c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ERR(connect(c, (void *)&a, sizeof(a)), EINPROGRESS);
    struct pollfd p = {c, POLLOUT, 0};
    EQ(poll(&p, 1, 1000), 1);
    CHECK(p.revents & POLLERR);
    EQ(error_of(c), ECONNREFUSED);
    EQ(error_of(c), 0);
}

TEST(nonblock, "a connection without waiting")
{
    struct sockaddr_in a;
    int s = listener(&a, 5), c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    ERR(connect(c, (void *)&a, sizeof(a)), EINPROGRESS);
    struct pollfd p = {c, POLLOUT, 0};
    EQ(poll(&p, 1, 1000), 1);
    EQ(p.revents, POLLOUT);
    EQ(error_of(c), 0);
    OK(connect(c, (void *)&a, sizeof(a)));
    ERR(connect(c, (void *)&a, sizeof(a)), EISCONN);
    OK(fcntl(s, F_SETFL, O_NONBLOCK));
    OK(accept(s, NULL, NULL));
    ERR(accept(s, NULL, NULL), EAGAIN);
}

TEST(reset, "unread bytes and SO_LINGER 0 reset the connection")
{
    int c, d;

    connected(&c, &d);
    EQ(write(c, "unread", 6), 6);
    OK(close(d));
    struct pollfd p = {c, POLLIN, 0};
    EQ(poll(&p, 1, 1000), 1);
    ERR(read(c, buf, 1), ECONNRESET);
    EQ(read(c, buf, 1), 0);
    ERR(write(c, "x", 1), EPIPE);
    connected(&c, &d);
    struct linger l = {1, 0};
    OK(setsockopt(d, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
    OK(close(d));
    ERR(read(c, buf, 1), ECONNRESET);
}

TEST(closed, "the first bytes to a closed one are lost, the next are EPIPE")
{
    int c, d;

    connected(&c, &d);
    OK(close(d));
    EQ(read(c, buf, 1), 0);
    EQ(write(c, "x", 1), 1);
    struct pollfd p = {c, 0, 0};
    EQ(poll(&p, 1, 1000), 1);
    ERR(write(c, "x", 1), EPIPE);
}

TEST(bind, "who may have which port")
{
    struct sockaddr_in a, b;
    int s = listener(&a, 5), t = socket(AF_INET, SOCK_STREAM, 0), on = 1;

    ERR(bind(t, (void *)&a, sizeof(a)), EADDRINUSE);
    b = at(INADDR_ANY, a.sin_port);
    ERR(bind(t, (void *)&b, sizeof(b)), EADDRINUSE);
    b = at(INADDR_LOOPBACK + 1, a.sin_port);
    OK(bind(t, (void *)&b, sizeof(b)));
    ERR(bind(t, (void *)&b, sizeof(b)), EINVAL);
    t = socket(AF_INET, SOCK_STREAM, 0);
    b = at(0xc0000201, 0);
    ERR(bind(t, (void *)&b, sizeof(b)), EADDRNOTAVAIL);
    OK(setsockopt(t, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
    ERR(bind(t, (void *)&a, sizeof(a)), EADDRINUSE);
    ERR(bind(t, (void *)&a, 8), EINVAL);
    OK(close(s));
    OK(bind(t, (void *)&a, sizeof(a)));
    OK(listen(t, 1));
    s = socket(AF_INET, SOCK_STREAM, 0);
    OK(setsockopt(s, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)));
    b = at(INADDR_LOOPBACK, 0);
    OK(bind(s, (void *)&b, sizeof(b)));
    socklen_t len = sizeof(b);
    OK(getsockname(s, (void *)&b, &len));
    t = socket(AF_INET, SOCK_STREAM, 0);
    OK(setsockopt(t, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)));
    OK(bind(t, (void *)&b, sizeof(b)));
    OK(listen(s, 1));
    OK(listen(t, 1));
}

TEST(freebind, "an address of another machine with IP_FREEBIND: bound, of no use yet")
{
    struct sockaddr_in a, b = at(0xc0000201, 0);
    struct sockaddr_in6 six = {.sin6_family = AF_INET6,
                               .sin6_addr.s6_addr = {0xfd, [15] = 1}};
    socklen_t len = sizeof(int);
    int s = listener(&a, 5), t = socket(AF_INET, SOCK_STREAM, 0), on = 1;

    OK(setsockopt(t, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on)));
    OK(bind(t, (void *)&b, sizeof(b)));
    ERR(connect(t, (void *)&a, sizeof(a)), ENETUNREACH);
    OK(listen(t, 1));
    t = socket(AF_INET, SOCK_DGRAM, 0);
    OK(setsockopt(t, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on)));
    OK(bind(t, (void *)&b, sizeof(b)));
    ERR(sendto(t, buf, 1, 0, (void *)&a, sizeof(a)), ENETUNREACH);
    ERR(connect(t, (void *)&a, sizeof(a)), ENETUNREACH);
    OK(close(s));
    s = socket(AF_INET6, SOCK_STREAM, 0); /* one option with two names */
    OK(setsockopt(s, IPPROTO_IPV6, 78 /* IPV6_FREEBIND */, &on, sizeof(on)));
    on = 0;
    OK(getsockopt(s, IPPROTO_IP, IP_FREEBIND, &on, &len));
    EQ(on, 1);
    OK(bind(s, (void *)&six, sizeof(six)));
    on = 0;
    s = socket(AF_INET6, SOCK_STREAM, 0);
    OK(setsockopt(s, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on)));
    ERR(bind(s, (void *)&six, sizeof(six)), EADDRNOTAVAIL);
}

TEST(six, "IPv6: its own loopback, and IPv4 through a wildcard")
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = in6addr_any}, b;
    struct sockaddr_in four;
    int s = socket(AF_INET6, SOCK_STREAM, 0), c = socket(AF_INET6, SOCK_STREAM, 0), d;
    socklen_t len = sizeof(a);

    OK(bind(s, (void *)&a, sizeof(a)));
    OK(listen(s, 5));
    OK(getsockname(s, (void *)&a, &len));
    a.sin6_addr = in6addr_loopback;
    OK(connect(c, (void *)&a, sizeof(a)));
    OK(d = accept(s, (void *)&b, &len));
    CHECK(IN6_IS_ADDR_LOOPBACK(&b.sin6_addr));
    EQ(write(d, "six", 3), 3);
    EQ(read(c, buf, 10), 3);
    c = socket(AF_INET, SOCK_STREAM, 0);
    four = at(INADDR_LOOPBACK, a.sin6_port);
    OK(connect(c, (void *)&four, sizeof(four)));
    OK(d = accept(s, (void *)&b, &len));
    CHECK(IN6_IS_ADDR_V4MAPPED(&b.sin6_addr));
    s = socket(AF_INET6, SOCK_STREAM, 0);
    int on = 1;
    OK(setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)));
    a = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = in6addr_any};
    OK(bind(s, (void *)&a, sizeof(a)));
    OK(listen(s, 5));
    len = sizeof(a);
    OK(getsockname(s, (void *)&a, &len));
    four.sin_port = a.sin6_port;
    c = socket(AF_INET, SOCK_STREAM, 0);
    ERR(connect(c, (void *)&four, sizeof(four)), ECONNREFUSED);
}

/* Ports of its own; without partial coverage it is UDP. */
TEST(lite, "UDP-Lite beside UDP")
{
    int s = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE), other, protocol;
    struct sockaddr_in a = at(INADDR_LOOPBACK, 0);
    socklen_t len = sizeof(a), int_len = sizeof(int);
    char c = 0;

    if (s < 0 && errno == EPROTONOSUPPORT && !t_tessera)
        SKIP("this Linux has none");
    OK(s);
    ERR(socket(AF_INET, SOCK_STREAM, IPPROTO_UDPLITE), EPROTONOSUPPORT);
    OK(getsockopt(s, SOL_SOCKET, SO_PROTOCOL, &protocol, &int_len));
    EQ(protocol, IPPROTO_UDPLITE);
    OK(bind(s, (void *)&a, sizeof(a)));
    OK(getsockname(s, (void *)&a, &len));
    OK(other = socket(AF_INET, SOCK_DGRAM, 0));
    OK(bind(other, (void *)&a, sizeof(a)));
    OK(close(other));
    OK(other = socket(AF_INET, SOCK_DGRAM, 0));
    EQ(sendto(other, "u", 1, 0, (void *)&a, sizeof(a)), 1); /* nobody is there */
    OK(close(other));
    OK(other = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE));
    ERR(bind(other, (void *)&a, sizeof(a)), EADDRINUSE);
    OK(connect(other, (void *)&a, sizeof(a)));
    EQ(send(other, "l", 1, 0), 1);
    EQ(recv(s, &c, 1, 0), 1);
    EQ(c, 'l');
}

TEST(set, "options that programs set")
{
    int s = socket(AF_INET, SOCK_STREAM, 0), n = 1;
    socklen_t len = sizeof(n);

    OK(setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &n, sizeof(n)));
    OK(getsockopt(s, IPPROTO_TCP, TCP_NODELAY, &n, &len));
    EQ(n, 1);
    OK(setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &n, sizeof(n)));
    n = 30;
    OK(setsockopt(s, IPPROTO_TCP, TCP_KEEPIDLE, &n, sizeof(n)));
    OK(getsockopt(s, IPPROTO_TCP, TCP_KEEPIDLE, &n, &len));
    EQ(n, 30);
    n = 0;
    ERR(setsockopt(s, IPPROTO_TCP, TCP_KEEPCNT, &n, sizeof(n)), EINVAL);
    ERR(setsockopt(s, IPPROTO_TCP, 999, &n, sizeof(n)), ENOPROTOOPT);
    ERR(accept(s, NULL, NULL), EINVAL);
    ERR(recv(s, buf, 1, 0), ENOTCONN);
    ERR(shutdown(s, SHUT_WR), ENOTCONN);
    EQ(events(s), POLLOUT | POLLHUP);
}

TEST(big, "a megabyte through a stream")
{
    int c, d, status;

    connected(&c, &d);
    pid_t child = fork();
    if (child == 0) {
        close(d);
        for (int i = 0; i < 11; i++) {
            memset(buf, i, sizeof(buf));
            if (write(c, buf, sizeof(buf)) != (ssize_t)sizeof(buf))
                _exit(1);
        }
        _exit(0);
    }
    OK(close(c));
    for (int i = 0; i < 11; i++) {
        EQ(recv(d, buf, sizeof(buf), MSG_WAITALL), sizeof(buf));
        CHECK(buf[0] == i && buf[sizeof(buf) - 1] == i);
    }
    EQ(read(d, buf, 1), 0);
    EQ(waitpid(child, &status, 0), child);
    EQ(status, 0);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
