/* SPDX-License-Identifier: MIT
 *
 * Ports that several sockets have, that not everybody may have, addresses of another family,
 * a listener that is asked to connect or to end, bytes to a connection that is not there yet.
 */
#include "tests/user/t.h"
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

static char buf[100];

static struct sockaddr_in at(uint32_t ip, unsigned short port)
{
    return (struct sockaddr_in){AF_INET, port, {htonl(ip)}, {0}};
}

static int bind_to(int s, struct sockaddr_in *a)
{
    return bind(s, (void *)a, sizeof(*a));
}

static int connect_to(int s, const struct sockaddr_in *a)
{
    return connect(s, (const void *)a, sizeof(*a));
}

static int with(int type, int name)
{
    int s = socket(AF_INET, type, 0), on = 1;

    OK(s);
    if (name)
        OK(setsockopt(s, SOL_SOCKET, name, &on, sizeof(on)));
    return s;
}

static void bind_any_port(int s, struct sockaddr_in *a)
{
    socklen_t len = sizeof(*a);

    *a = at(INADDR_LOOPBACK, 0);
    OK(bind_to(s, a));
    OK(getsockname(s, (void *)a, &len));
}

TEST(reserved, "the ports below 1024 are not for everybody")
{
    CHILD({
        struct sockaddr_in a = at(INADDR_LOOPBACK, htons(1023));
        struct sockaddr_in b = at(0x08080808, htons(80));
        struct sockaddr_in6 six = {AF_INET6, htons(7), 0, IN6ADDR_LOOPBACK_INIT, 0};
        int s = with(SOCK_STREAM, 0);

        if (!geteuid())
            OK(setresuid(65534, 65534, 65534));
        ERR(bind_to(s, &a), EACCES);
        ERR(bind_to(with(SOCK_DGRAM, 0), &a), EACCES);
        ERR(bind(socket(AF_INET6, SOCK_DGRAM, 0), (void *)&six, sizeof(six)), EACCES);
        ERR(bind_to(s, &b), EADDRNOTAVAIL);
        a.sin_port = 0;
        OK(bind_to(s, &a));
        a.sin_port = htons(80);
        ERR(bind_to(s, &a), EACCES); /* before it is said that it has a port */
    });
}

TEST(listen_twice, "of those that share a port by SO_REUSEADDR one listens")
{
    struct sockaddr_in a;
    int s = with(SOCK_STREAM, SO_REUSEADDR), t = with(SOCK_STREAM, SO_REUSEADDR);

    bind_any_port(s, &a);
    OK(bind_to(t, &a));
    ERR(bind_to(with(SOCK_STREAM, 0), &a), EADDRINUSE);
    OK(listen(s, 1));
    OK(listen(s, 2));
    ERR(listen(t, 1), EADDRINUSE);
    ERR(bind_to(with(SOCK_STREAM, SO_REUSEADDR), &a), EADDRINUSE);
    OK(close(s));
    OK(listen(t, 1));
}

TEST(reuse_addr,
     "datagrams go to the one that was bound last, or is connected to the sender")
{
    struct sockaddr_in a, b;
    int s = with(SOCK_DGRAM, SO_REUSEADDR), t = with(SOCK_DGRAM, SO_REUSEADDR), x, y;

    bind_any_port(s, &a);
    OK(bind_to(t, &a));
    ERR(bind_to(with(SOCK_DGRAM, 0), &a), EADDRINUSE);
    ERR(bind_to(with(SOCK_DGRAM, SO_REUSEPORT), &a), EADDRINUSE);
    x = with(SOCK_DGRAM, 0);
    y = with(SOCK_DGRAM, 0);
    bind_any_port(x, &b);
    EQ(sendto(x, "1", 1, 0, (void *)&a, sizeof(a)), 1);
    EQ(recv(t, buf, 9, MSG_DONTWAIT), 1);
    ERR(recv(s, buf, 9, MSG_DONTWAIT), EAGAIN);
    OK(connect_to(s, &b));
    EQ(sendto(x, "2", 1, 0, (void *)&a, sizeof(a)), 1);
    EQ(recv(s, buf, 9, MSG_DONTWAIT), 1);
    EQ(buf[0], '2');
    EQ(sendto(y, "3", 1, 0, (void *)&a, sizeof(a)), 1);
    ERR(recv(s, buf, 9, MSG_DONTWAIT), EAGAIN);
    EQ(recv(t, buf, 9, MSG_DONTWAIT), 1);
    EQ(buf[0], '3');
    OK(close(t));
    EQ(sendto(y, "4", 1, 0, (void *)&a, sizeof(a)), 1);
    ERR(recv(s, buf, 9, MSG_DONTWAIT), EAGAIN);
}

TEST(reuse_port, "SO_REUSEPORT: each sender has its receiver, not all have the same")
{
    struct sockaddr_in a;
    int r[3] = {with(SOCK_DGRAM, SO_REUSEPORT), with(SOCK_DGRAM, SO_REUSEPORT),
                with(SOCK_DGRAM, SO_REUSEPORT)},
        count[3] = {0, 0, 0};

    bind_any_port(r[0], &a);
    OK(bind_to(r[1], &a));
    OK(bind_to(r[2], &a));
    ERR(bind_to(with(SOCK_DGRAM, 0), &a), EADDRINUSE);
    ERR(bind_to(with(SOCK_DGRAM, SO_REUSEADDR), &a), EADDRINUSE);
    for (int i = 0; i < 60; i++) {
        int s = with(SOCK_DGRAM, 0), found = -1;

        EQ(sendto(s, "a", 1, 0, (void *)&a, sizeof(a)), 1);
        EQ(sendto(s, "b", 1, 0, (void *)&a, sizeof(a)), 1);
        for (int j = 0; j < 3; j++)
            if (recv(r[j], buf, 9, MSG_DONTWAIT) == 1) {
                EQ(found, -1);
                EQ(buf[0], 'a');
                EQ(recv(r[j], buf, 9, MSG_DONTWAIT), 1);
                EQ(buf[0], 'b');
                found = j;
            }
        CHECK(found >= 0);
        count[found]++;
    }
    CHECK(count[0] && count[1] && count[2]);
    if (geteuid())
        SKIP("another user is wanted");
    CHILD({
        OK(setresuid(65534, 65534, 65534));
        ERR(bind_to(with(SOCK_DGRAM, SO_REUSEPORT), &a), EADDRINUSE);
    });
}

TEST(reuse_listeners, "and so have streams their listeners")
{
    struct sockaddr_in a;
    int s = with(SOCK_STREAM, SO_REUSEPORT), t = with(SOCK_STREAM, SO_REUSEPORT);

    bind_any_port(s, &a);
    OK(bind_to(t, &a));
    OK(listen(s, 100));
    OK(listen(t, 100));
    OK(fcntl(s, F_SETFL, O_NONBLOCK));
    OK(fcntl(t, F_SETFL, O_NONBLOCK));
    int n = 0, m = 0, x;
    for (int i = 0; i < 40; i++) {
        int c = with(SOCK_STREAM, 0);

        OK(connect_to(c, &a));
        if ((x = accept(s, NULL, NULL)) >= 0)
            n++;
        else if ((x = accept(t, NULL, NULL)) >= 0)
            m++;
        EQ(write(c, "x", 1), 1);
        EQ(read(x, buf, 9), 1);
        OK(close(x));
        OK(close(c));
    }
    EQ(n + m, 40);
    CHECK(n && m);
}

TEST(families, "addresses of another family")
{
    struct sockaddr_in a, none = {0};
    struct sockaddr_in6 six = {AF_INET6, 0, 0, IN6ADDR_LOOPBACK_INIT, 0}, far = six;
    int u = with(SOCK_DGRAM, 0), t = with(SOCK_STREAM, 0), on = 1,
        r = with(SOCK_DGRAM, 0);
    int u6 = socket(AF_INET6, SOCK_DGRAM, 0), t6 = socket(AF_INET6, SOCK_STREAM, 0);
    int r6 = socket(AF_INET6, SOCK_DGRAM, 0);

    bind_any_port(r, &a);
    six.sin6_port = a.sin_port;
    ERR(connect(u, (void *)&six, sizeof(six)), EAFNOSUPPORT);
    ERR(connect(t, (void *)&six, sizeof(six)), EAFNOSUPPORT);
    ERR(bind(u, (void *)&six, sizeof(six)), EAFNOSUPPORT);
    ERR(sendto(u, "x", 1, 0, (void *)&six, sizeof(six)), EAFNOSUPPORT);
    ERR(connect(t6, (void *)&a, sizeof(a)), EINVAL); /* too short */
    ERR(bind(t6, (void *)&a, sizeof(a)), EINVAL);
    far.sin6_family = AF_INET;
    ERR(connect(t6, (void *)&far, sizeof(far)), EAFNOSUPPORT);
    ERR(bind(t6, (void *)&far, sizeof(far)), EAFNOSUPPORT);
    ERR(bind(u6, (void *)&far, sizeof(far)), EAFNOSUPPORT);
    none.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ERR(bind_to(u, &none), EAFNOSUPPORT);
    none.sin_addr.s_addr = 0;
    OK(bind_to(with(SOCK_DGRAM, 0), &none)); /* AF_UNSPEC, as Linux has it */
    far.sin6_family = 77;
    ERR(connect(u6, (void *)&far, sizeof(far)), EAFNOSUPPORT);
    ERR(sendto(u6, "x", 1, 0, (void *)&far, sizeof(far)), EINVAL);
    ERR(sendto(u, "x", 1, 0, (void *)&far, sizeof(far)), EAFNOSUPPORT);
    ERR(sendto(u6, "x", 1, 0, (void *)&far, 1), EINVAL);
    ERR(sendto(u, "x", 1, 0, (void *)&far, 15), EINVAL);
    far.sin6_family = AF_UNSPEC; /* is as if there were none, or AF_INET */
    ERR(sendto(u6, "x", 1, 0, (void *)&far, sizeof(far)), EDESTADDRREQ);
    ERR(sendto(u6, "x", 1, 0, (void *)&far, 2), EDESTADDRREQ);
    none = a;
    none.sin_family = AF_UNSPEC;
    EQ(sendto(u, "x", 1, 0, (void *)&none, sizeof(none)), 1);
    EQ(recv(r, buf, 9, MSG_DONTWAIT), 1);
    OK(bind(r6, (void *)&six, sizeof(six)));
    OK(connect(u6, (void *)&six, sizeof(six)));
    EQ(sendto(u6, "x", 1, 0, (void *)&far, sizeof(far)), 1);
    EQ(recv(r6, buf, 9, MSG_DONTWAIT), 1);

    u6 = socket(AF_INET6, SOCK_DGRAM, 0);
    OK(setsockopt(u6, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)));
    OK(setsockopt(t6, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)));
    ERR(connect(u6, (void *)&a, sizeof(a)), EAFNOSUPPORT);
    ERR(sendto(u6, "x", 1, 0, (void *)&a, sizeof(a)), ENETUNREACH);
    far = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = a.sin_port};
    far.sin6_addr.s6_addr[10] = far.sin6_addr.s6_addr[11] = 255;
    far.sin6_addr.s6_addr[12] = 127;
    far.sin6_addr.s6_addr[15] = 1;
    ERR(connect(u6, (void *)&far, sizeof(far)), ENETUNREACH);
    ERR(connect(t6, (void *)&far, sizeof(far)), ENETUNREACH);
    ERR(sendto(u6, "x", 1, 0, (void *)&far, sizeof(far)), ENETUNREACH);
    far.sin6_port = 0;
    ERR(bind(u6, (void *)&far, sizeof(far)), EINVAL);
    ERR(bind(t6, (void *)&far, sizeof(far)), EINVAL);
}

TEST(listener_connects,
     "a listener does not connect; without reading it is none any more")
{
    struct sockaddr_in a;
    int s = with(SOCK_STREAM, 0), u = socket(AF_UNIX, SOCK_STREAM, 0), c;
    struct sockaddr un[8] = {{AF_UNIX, ""}};
    socklen_t len = sizeof(un);
    struct pollfd p = {0, POLLIN, 0};
    pid_t child;

    bind_any_port(s, &a);
    OK(close(s));
    s = with(SOCK_STREAM, 0);
    OK(bind_to(s, &a)); /* of its own will: so it keeps the port */
    OK(listen(s, 5));
    ERR(connect_to(s, &a), EISCONN);
    OK(bind(u, un, 2));
    OK(listen(u, 5));
    OK(getsockname(u, un, &len));
    ERR(connect(u, un, len), EINVAL);
    ERR(send(s, "x", 1, MSG_NOSIGNAL), EPIPE);
    ERR(recv(s, buf, 1, 0), ENOTCONN);
    child = t_fork();
    if (!child) {
        ERR(accept(s, NULL, NULL), EINVAL);
        _exit(0);
    }
    t_until_asleep(child);
    OK(shutdown(s, SHUT_WR));
    c = with(SOCK_STREAM, 0);
    p.fd = s;
    EQ(poll(&p, 1, 0), 0);
    OK(shutdown(s, SHUT_RD));
    t_join(child);
    ERR(connect_to(c, &a), ECONNREFUSED);
    ERR(accept(s, NULL, NULL), EINVAL);
    ERR(shutdown(s, SHUT_RD), ENOTCONN);
    EQ(poll(&p, 1, 0), 1);
    EQ(p.revents, POLLIN | POLLHUP);
    OK(listen(s, 5)); /* it can begin again */
    OK(connect_to(with(SOCK_STREAM, 0), &a));
}

TEST(not_yet, "bytes to a connection that waits for room at the listener")
{
    struct sockaddr_in a;
    int s = with(SOCK_STREAM, 0), c = with(SOCK_STREAM, 0), w = -1;
    struct pollfd p = {0, POLLOUT, 0};
    pid_t child;

    bind_any_port(s, &a);
    OK(listen(s, 0));
    OK(connect_to(c, &a));
    OK(close(c));
    for (int i = 0; i < 3; i++) { /* as many as have room, and one */
        w = with(SOCK_STREAM | SOCK_NONBLOCK, 0);
        ERR(connect_to(w, &a), EINPROGRESS);
        p.fd = w;
        if (poll(&p, 1, 100) == 0)
            break;
    }
    ERR(connect_to(w, &a), EALREADY);
    ERR(write(w, "x", 1), EAGAIN);
    ERR(read(w, buf, 1), EAGAIN);
    EQ(poll(&p, 1, 0), 0);
    child = t_fork();
    if (!child) {
        OK(fcntl(w, F_SETFL, 0));
        EQ(write(w, "late", 4), 4);
        _exit(0);
    }
    t_until_asleep(child);
    OK(accept(s, NULL, NULL));
    t_join(child);
    EQ(poll(&p, 1, 0), 1);
    OK(c = accept(s, NULL, NULL));
    EQ(read(c, buf, 9), 4);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
