/* SPDX-License-Identifier: MIT
 *
 * Sockets of the loopback that are connected once more, to nobody and to others, as the C
 * library's getaddrinfo() does to order what it found.
 */
#include "tests/user/t.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

static const struct sockaddr nobody = {.sa_family = AF_UNSPEC};

static struct sockaddr_in v4(unsigned address, unsigned short port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(address)};
}

static struct sockaddr_in6 v6(const struct in6_addr *address, unsigned short port)
{
    return (struct sockaddr_in6){
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = *address};
}

static struct sockaddr_in6 name6(int s)
{
    struct sockaddr_in6 a;
    socklen_t len = sizeof(a);

    OK(getsockname(s, (void *)&a, &len));
    EQ(len, sizeof(a));
    return a;
}

static struct sockaddr_in name4(int s)
{
    struct sockaddr_in a;
    socklen_t len = sizeof(a);

    OK(getsockname(s, (void *)&a, &len));
    EQ(len, sizeof(a));
    return a;
}

TEST(families, "one AF_INET6 datagram socket to ::1, to nobody, to 127.0.0.1")
{
    int s = socket(AF_INET6, SOCK_DGRAM, 0);
    struct sockaddr_in6 six = v6(&in6addr_loopback, 80), me;
    struct sockaddr_in four = v4(INADDR_LOOPBACK, 80);

    OK(connect(s, (void *)&six, sizeof(six)));
    me = name6(s);
    CHECK(IN6_IS_ADDR_LOOPBACK(&me.sin6_addr) && me.sin6_port != 0);
    OK(connect(s, &nobody, sizeof(nobody)));
    me = name6(s);
    CHECK(IN6_IS_ADDR_UNSPECIFIED(&me.sin6_addr));
    EQ(me.sin6_port, 0);
    OK(connect(s, (void *)&four, sizeof(four)));
    me = name6(s);
    CHECK(IN6_IS_ADDR_V4MAPPED(&me.sin6_addr));
    EQ(me.sin6_addr.s6_addr[12], 127);
    CHECK(me.sin6_port != 0);
    OK(close(s));
}

TEST(chosen, "what bind said stays: the address, the port, both, neither")
{
    static const struct {
        unsigned address;
        bool port;
    } cases[] = {{INADDR_ANY, false},
                 {INADDR_ANY, true},
                 {INADDR_LOOPBACK + 1, false},
                 {INADDR_LOOPBACK + 1, true}};
    struct sockaddr_in to = v4(INADDR_LOOPBACK, 80), a;

    for (int i = 0; i < 4; i++) {
        int s = socket(AF_INET, SOCK_DGRAM, 0);
        int probe = socket(AF_INET, SOCK_DGRAM, 0);

        a = v4(INADDR_ANY, 0); /* a port that is free */
        OK(bind(probe, (void *)&a, sizeof(a)));
        unsigned short port = ntohs(name4(probe).sin_port);
        OK(close(probe));
        a = v4(cases[i].address, cases[i].port ? port : 0);
        OK(bind(s, (void *)&a, sizeof(a)));
        OK(connect(s, (void *)&to, sizeof(to)));
        OK(connect(s, &nobody, sizeof(nobody)));
        a = name4(s);
        EQ(ntohl(a.sin_addr.s_addr), cases[i].address);
        EQ(ntohs(a.sin_port), cases[i].port ? port : 0);
        OK(close(s));
    }
}

TEST(freed, "the port that was given by itself is free again, and sends find another")
{
    int s = socket(AF_INET, SOCK_DGRAM, 0), other = socket(AF_INET, SOCK_DGRAM, 0);
    int sink = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in a = v4(INADDR_LOOPBACK, 0), to, from;
    socklen_t len = sizeof(from);
    char c = 0;

    OK(bind(sink, (void *)&a, sizeof(a)));
    to = name4(sink);
    OK(connect(s, (void *)&to, sizeof(to)));
    a = name4(s);
    OK(connect(s, &nobody, sizeof(nobody)));
    OK(bind(other, (void *)&a, sizeof(a)));
    EQ(sendto(s, "x", 1, 0, (void *)&to, sizeof(to)), 1);
    EQ(recvfrom(sink, &c, 1, 0, (void *)&from, &len), 1);
    EQ(c, 'x');
    CHECK(from.sin_port != a.sin_port && from.sin_port == name4(s).sin_port);
    OK(close(s));
    OK(close(other));
    OK(close(sink));
}

/* What was shut down stays so, whatever is connected then. */
static void shut_before(int family)
{
    struct sockaddr_storage a = {.ss_family = (sa_family_t)family};
    struct sockaddr_in four = v4(INADDR_LOOPBACK, 0);
    socklen_t len = family == AF_UNIX ? sizeof(a.ss_family) : sizeof(four);
    char c;

    if (family == AF_INET)
        memcpy(&a, &four, sizeof(four));
    int listener = socket(family, SOCK_STREAM, 0);
    OK(bind(listener, (void *)&a, len));
    OK(listen(listener, 4));
    len = sizeof(a);
    OK(getsockname(listener, (void *)&a, &len));
    for (int how = SHUT_RD; how <= SHUT_RDWR; how++) {
        int s = socket(family, SOCK_STREAM, 0), peer;

        if (family == AF_UNIX)
            OK(shutdown(s, how));
        else
            ERR(shutdown(s, how), ENOTCONN);
        OK(connect(s, (void *)&a, len));
        OK(peer = accept(listener, NULL, NULL));
        if (how == SHUT_RD)
            EQ(send(s, "x", 1, MSG_NOSIGNAL), 1);
        else
            ERR(send(s, "x", 1, MSG_NOSIGNAL), EPIPE);
        if (how != SHUT_WR)
            EQ(recv(s, &c, 1, MSG_DONTWAIT), 0);
        else
            ERR(recv(s, &c, 1, MSG_DONTWAIT), EAGAIN);
        if (how != SHUT_RD)
            ERR(recv(peer, &c, 1, MSG_DONTWAIT), EAGAIN); /* it is not told */
        OK(close(peer));
        OK(close(s));
    }
}

TEST(shut, "what was shut down before connect stays so")
{
    shut_before(AF_UNIX);
    shut_before(AF_INET);
}

TEST(shut_listener, "and a listener that reads no more refuses")
{
    struct sockaddr_storage a = {.ss_family = AF_UNIX};
    socklen_t len = sizeof(a.ss_family);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), s = socket(AF_UNIX, SOCK_STREAM, 0);

    OK(bind(listener, (void *)&a, len));
    OK(shutdown(listener, SHUT_RD));
    OK(listen(listener, 4));
    len = sizeof(a);
    OK(getsockname(listener, (void *)&a, &len));
    ERR(connect(s, (void *)&a, len), ECONNREFUSED);
}

/* A listener of TCP takes connections all the same. */
TEST(shut_inherited, "what was shut down before listen holds for those that are accepted")
{
    for (int how = SHUT_RD; how <= SHUT_RDWR; how++) {
        int listener = socket(AF_INET, SOCK_STREAM, 0),
            s = socket(AF_INET, SOCK_STREAM, 0);
        struct sockaddr_in a = v4(INADDR_LOOPBACK, 0);
        int peer;
        char c;

        OK(bind(listener, (void *)&a, sizeof(a)));
        ERR(shutdown(listener, how), ENOTCONN);
        OK(listen(listener, 4));
        a = name4(listener);
        OK(connect(s, (void *)&a, sizeof(a)));
        OK(peer = accept(listener, NULL, NULL));
        if (how == SHUT_RD) {
            EQ(send(peer, "x", 1, MSG_NOSIGNAL), 1);
            EQ(recv(s, &c, 1, 0), 1);
        } else {
            ERR(send(peer, "x", 1, MSG_NOSIGNAL), EPIPE);
            EQ(recv(s, &c, 1, 0), 0);
        }
        if (how != SHUT_WR)
            EQ(recv(peer, &c, 1, MSG_DONTWAIT), 0);
        else
            ERR(recv(peer, &c, 1, MSG_DONTWAIT), EAGAIN);
        OK(close(peer));
        OK(close(s));
        OK(close(listener));
    }
}

TEST(shut_early, "shutdown of a listener, and of a connection that is not there yet")
{
    struct sockaddr_in a = v4(INADDR_LOOPBACK, 0);
    int listener = socket(AF_INET, SOCK_STREAM, 0),
        first = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t len = sizeof(a);
    char c;

    OK(bind(listener, (void *)&a, sizeof(a)));
    OK(listen(listener, 0));
    a = name4(listener);
    OK(shutdown(listener, SHUT_WR)); /* it sends nothing anyway */
    OK(connect(first, (void *)&a, sizeof(a)));
    for (int how = SHUT_RD; how <= SHUT_RDWR; how++) {
        int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        struct pollfd p = {.fd = s, .events = POLLOUT};

        ERR(connect(s, (void *)&a, sizeof(a)), EINPROGRESS);
        EQ(poll(&p, 1, 0), 0);
        OK(shutdown(s, how));
        EQ(poll(&p, 1, 0), 1);
        EQ(p.revents, POLLOUT | POLLERR | POLLHUP);
        len = sizeof(int);
        int error;
        OK(getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &len));
        EQ(error, ECONNRESET);
        ERR(connect(s, (void *)&a, sizeof(a)), EINPROGRESS);
        OK(close(s));
    }
    int peer = accept(listener, NULL, NULL);
    OK(peer);
    EQ(send(peer, "x", 1, 0), 1);
    EQ(recv(first, &c, 1, 0), 1);
}

TEST(shut_datagrams, "datagrams of a socket that sends no more")
{
    struct sockaddr_in a = v4(INADDR_LOOPBACK, 9);
    int s = socket(AF_INET, SOCK_DGRAM, 0);

    ERR(shutdown(s, SHUT_WR), ENOTCONN);
    OK(connect(s, (void *)&a, sizeof(a)));
    ERR(send(s, "x", 1, MSG_NOSIGNAL), EPIPE);
}

TEST(stream,
     "a stream keeps its port, and its address if it or its listener was given one")
{
    for (int any = 0; any < 2; any++) {
        int l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0), d;
        struct sockaddr_in a = v4(any ? INADDR_ANY : INADDR_LOOPBACK, 0), b, to;

        OK(bind(l, (void *)&a, sizeof(a)));
        OK(listen(l, 1));
        a = name4(l);
        to = v4(INADDR_LOOPBACK, ntohs(a.sin_port));
        OK(connect(c, (void *)&to, sizeof(to)));
        OK(d = accept(l, NULL, NULL));
        b = name4(c);
        OK(connect(c, &nobody, sizeof(nobody)));
        EQ(name4(c).sin_port, b.sin_port);
        EQ(name4(c).sin_addr.s_addr, 0);
        OK(connect(d, &nobody, sizeof(nobody)));
        EQ(name4(d).sin_port, a.sin_port);
        EQ(ntohl(name4(d).sin_addr.s_addr), any ? INADDR_ANY : INADDR_LOOPBACK);
        OK(connect(c, (void *)&to, sizeof(to)));
        OK(close(c));
        OK(close(d));
        OK(close(l));
    }
}

/* Bound at `port`, which others may share. */
static int sharing(int type, int option, unsigned short port)
{
    struct sockaddr_in at = v4(INADDR_LOOPBACK, port);
    int s = socket(AF_INET, type, 0), on = 1;

    OK(setsockopt(s, SOL_SOCKET, option, &on, sizeof(on)));
    OK(bind(s, (void *)&at, sizeof(at)));
    return s;
}

TEST(newest, "of datagram sockets at one port the newest gets what comes, then the next")
{
    int first = sharing(SOCK_DGRAM, SO_REUSEADDR, 0), s[3], c;
    struct sockaddr_in to = name4(first);

    OK(c = socket(AF_INET, SOCK_DGRAM, 0));
    OK(connect(c, (void *)&to, sizeof(to)));
    for (int i = 0; i < 3; i++)
        s[i] = sharing(SOCK_DGRAM, SO_REUSEADDR, ntohs(to.sin_port));
    for (int i = 2; i >= 0; i--) {
        char got[2];

        EQ(send(c, "x", 1, 0), 1);
        EQ(recv(s[i], got, 2, MSG_DONTWAIT), 1);
        OK(close(s[i]));
    }
}

TEST(in_use, "connections keep others from the port of a listener that is gone")
{
    int listener = sharing(SOCK_STREAM, SO_REUSEADDR, 0), c[70], a[70], other, on = 1;
    struct sockaddr_in to = name4(listener);

    OK(listen(listener, 8));
    for (int i = 0; i < 70; i++) {
        OK(c[i] = socket(AF_INET, SOCK_STREAM, 0));
        OK(connect(c[i], (void *)&to, sizeof(to)));
        OK(a[i] = accept(listener, NULL, NULL));
    }
    OK(close(listener));
    OK(other = socket(AF_INET, SOCK_STREAM, 0));
    ERR(bind(other, (void *)&to, sizeof(to)), EADDRINUSE);
    OK(setsockopt(other, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
    OK(bind(other, (void *)&to, sizeof(to)));
    OK(listen(other, 8));
    for (int i = 0; i < 70; i++) {
        OK(close(c[i]));
        OK(close(a[i]));
    }
    OK(close(other));
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
