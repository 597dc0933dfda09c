/* SPDX-License-Identifier: MIT
 *
 * Connections of TCP whose ends have come: what a socket still knows of its peer.
 */
#include "tests/user/t.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

static char buf[10];

static void connected(int *a, int *b)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int s;

    signal(SIGPIPE, SIG_IGN);
    OK(s = socket(AF_INET, SOCK_STREAM, 0));
    OK(bind(s, (void *)&at, sizeof(at)));
    OK(listen(s, 5));
    OK(getsockname(s, (void *)&at, &len));
    OK(*a = socket(AF_INET, SOCK_STREAM, 0));
    OK(connect(*a, (void *)&at, sizeof(at)));
    OK(*b = accept(s, NULL, NULL));
    OK(close(s));
}

/* Closes at once, whatever lies on the way. */
static void reset(int s)
{
    struct linger l = {1, 0};

    OK(setsockopt(s, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
    OK(close(s));
}

/* The state that TCP_INFO tells; a peer is known but in TCP_CLOSE. */
static void is(int s, unsigned state)
{
    struct tcp_info info = {0};
    struct sockaddr_in at;
    socklen_t len = sizeof(info);

    for (int i = 0; info.tcpi_state != state && i < 500; i++) {
        if (i) /* Linux's answers are on their way for a moment */
            nanosleep(&(struct timespec){0, 2000000}, NULL);
        OK(getsockopt(s, IPPROTO_TCP, TCP_INFO, &info, &len));
    }
    EQ(info.tcpi_state, state);
    len = sizeof(at);
    if (state == TCP_CLOSE)
        ERR(getpeername(s, (void *)&at, &len), ENOTCONN);
    else
        OK(getpeername(s, (void *)&at, &len));
    OK(getsockname(s, (void *)&at, &len));
    EQ(at.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
}

TEST(linger, "SO_LINGER: seconds below 0 are many, and off keeps them")
{
    struct linger l = {1, 7};
    socklen_t len = sizeof(l);
    int a, b;

    connected(&a, &b);
    OK(setsockopt(a, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
    l.l_onoff = 0;
    l.l_linger = 3;
    OK(setsockopt(a, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
    OK(getsockopt(a, SOL_SOCKET, SO_LINGER, &l, &len));
    EQ(l.l_onoff, 0);
    EQ(l.l_linger, 7);
    l.l_onoff = 1;
    l.l_linger = -1;
    OK(setsockopt(a, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
    EQ(send(a, "x", 1, 0), 1);
    OK(close(a));
    EQ(recv(b, buf, sizeof(buf), 0), 1);
    EQ(recv(b, buf, sizeof(buf), 0), 0); /* not a reset */
}

TEST(reset, "a reset ends it, what came before can be read")
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = 9};
    int a, b;

    connected(&a, &b);
    EQ(send(a, "xyz", 3, 0), 3);
    is(b, TCP_ESTABLISHED);
    reset(a);
    is(b, TCP_CLOSE);
    ERR(shutdown(b, SHUT_WR), ENOTCONN);
    EQ(recv(b, buf, sizeof(buf), 0), 3);
    ERR(recv(b, buf, sizeof(buf), 0), ECONNRESET);
    EQ(recv(b, buf, sizeof(buf), 0), 0);
    ERR(send(b, "1", 1, 0), EPIPE);
    ERR(connect(b, (void *)&at, sizeof(at)), EISCONN);
    is(b, TCP_CLOSE);
}

TEST(ends, "so do the ends of both directions")
{
    int a, b;

    connected(&a, &b);
    OK(close(a));
    is(b, TCP_CLOSE_WAIT);
    OK(shutdown(b, SHUT_WR));
    is(b, TCP_CLOSE);
    ERR(shutdown(b, SHUT_WR), ENOTCONN);

    connected(&a, &b);
    OK(shutdown(a, SHUT_WR));
    is(a, TCP_FIN_WAIT2);
    is(b, TCP_CLOSE_WAIT);
    OK(close(b));
    is(a, TCP_CLOSE);
    EQ(recv(a, buf, 1, 0), 0);
    ERR(shutdown(a, SHUT_RD), ENOTCONN);

    connected(&a, &b);
    OK(shutdown(a, SHUT_RDWR));
    OK(shutdown(a, SHUT_RDWR));
    is(a, TCP_FIN_WAIT2);
    OK(shutdown(b, SHUT_RDWR));
    is(a, TCP_CLOSE);
    is(b, TCP_CLOSE);
}

TEST(unknown, "and the answer to bytes for nobody")
{
    int a, b;

    connected(&a, &b);
    OK(close(a));
    EQ(send(b, "1", 1, 0), 1);
    is(b, TCP_CLOSE);
    EQ(recv(b, buf, 1, 0), 0);
}

TEST(begins, "connect to nobody begins anew")
{
    struct sockaddr_in nobody = {.sin_family = AF_UNSPEC};
    int a, b, c, s;
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);

    connected(&a, &b);
    reset(b);
    is(a, TCP_CLOSE);
    OK(connect(a, (void *)&nobody, sizeof(nobody)));
    OK(s = socket(AF_INET, SOCK_STREAM, 0));
    OK(bind(s, (void *)&at, sizeof(at)));
    OK(listen(s, 5));
    OK(getsockname(s, (void *)&at, &len));
    OK(connect(a, (void *)&at, sizeof(at)));
    is(a, TCP_ESTABLISHED);
    reset(a); /* before it is accepted */
    len = sizeof(at);
    OK(c = accept(s, (void *)&at, &len));
    EQ(at.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    is(c, TCP_CLOSE);
}

#define FAST 0x20000000 /* MSG_FASTOPEN */

TEST(fast, "MSG_FASTOPEN connects and sends")
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in nobody = {.sin_family = AF_UNSPEC};
    socklen_t len = sizeof(at);
    int a, b, s, on = 1;

    signal(SIGPIPE, SIG_IGN);
    OK(s = socket(AF_INET, SOCK_STREAM, 0));
    OK(bind(s, (void *)&at, sizeof(at)));
    OK(getsockname(s, (void *)&at, &len));
    OK(a = socket(AF_INET, SOCK_STREAM, 0));
    ERR(sendto(a, "abc", 3, FAST, (void *)&at, len), ECONNREFUSED);
    OK(listen(s, 5));
    EQ(sendto(a, "abc", 3, FAST, (void *)&at, len), 3);
    OK(b = accept(s, NULL, NULL));
    EQ(read(b, buf, sizeof(buf)), 3);
    ERR(sendto(a, "abc", 3, FAST, (void *)&at, len), EISCONN);
    ERR(send(a, "abc", 3, FAST), EISCONN);
    ERR(sendto(s, "abc", 3, FAST, (void *)&at, len), EISCONN);

    OK(a = socket(AF_INET, SOCK_STREAM, 0));
    ERR(send(a, "abc", 3, FAST), EINVAL);
    ERR(sendto(a, "abc", 3, FAST, (void *)&at, 1), EINVAL);
    ERR(sendto(a, "abc", 3, FAST, (void *)&nobody, sizeof(nobody)), EOPNOTSUPP);
    ERR(sendto(a, "abc", 3, FAST | MSG_DONTWAIT, (void *)&at, len), EINPROGRESS);
    OK(accept(s, NULL, NULL));
    EQ(write(a, "x", 1), 1);
    OK(a = socket(AF_INET, SOCK_STREAM, 0));
    EQ(sendto(a, NULL, 0, FAST, (void *)&at, len), 0);
    is(a, TCP_ESTABLISHED);

    OK(a = socket(AF_INET, SOCK_STREAM, 0));
    OK(setsockopt(a, IPPROTO_TCP, 30, &on, sizeof(on))); /* TCP_FASTOPEN_CONNECT */
    OK(connect(a, (void *)&at, len));
    EQ(write(a, "x", 1), 1);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
