/* SPDX-License-Identifier: MIT
 *
 * Descriptors and credentials in messages, their circles; datagrams and sequenced packets.
 */
#include "tests/user/t.h"
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

static int v[2];
static char buf[1000];

static void send_fd(int s, int fd)
{
    char room[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec iov = {"f", 1};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = room,
                       .msg_controllen = sizeof(room)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);

    c->cmsg_len = CMSG_LEN(sizeof(int));
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    memcpy(CMSG_DATA(c), &fd, sizeof(fd));
    EQ(sendmsg(s, &m, 0), 1);
}

/* One byte and its descriptor; -1: none. */
static int receive_fd(int s, int flags, int *out)
{
    char room[CMSG_SPACE(sizeof(int))];
    struct iovec iov = {buf, 1};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = room,
                       .msg_controllen = sizeof(room)};
    struct cmsghdr *c;
    int fd = -1;

    EQ(recvmsg(s, &m, flags), 1);
    c = CMSG_FIRSTHDR(&m);
    if (c && c->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(c), sizeof(fd));
    if (out)
        *out = m.msg_flags;
    return fd;
}

TEST(rights, "a descriptor goes along, with peeking and close-on-exec")
{
    int p[2], fd;

    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, v));
    OK(pipe(p));
    send_fd(v[0], p[1]);
    OK(close(p[1]));
    fd = receive_fd(v[1], MSG_PEEK, NULL);
    OK(fd);
    OK(close(fd));
    fd = receive_fd(v[1], MSG_CMSG_CLOEXEC, NULL);
    OK(fd);
    EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    EQ(write(fd, "through", 7), 7);
    EQ(read(p[0], buf, 10), 7);
    OK(close(fd));
    EQ(read(p[0], buf, 10), 0);
    send_fd(v[0], p[0]);
    EQ(write(v[0], "b", 1), 1);
    EQ(read(v[1], buf, 10),
       1); /* not together with what follows; the descriptor is lost */
    EQ(read(v[1], buf, 10), 1);
}

TEST(circles, "sockets in their own and in each other's queues are collected")
{
    for (int i = 0; i < 3000; i++) {
        OK(socketpair(AF_UNIX, SOCK_STREAM, 0, v));
        send_fd(v[0], v[1]);
        send_fd(v[1], v[i & 1]);
        OK(close(v[0]));
        OK(close(v[1]));
    }
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, v));
}

TEST(chain, "a chain of sockets, each in the next one's queue, ends")
{
    int w[2];

    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, v));
    for (int i = 0; i < 3000; i++) {
        OK(socketpair(AF_UNIX, SOCK_STREAM, 0, w));
        send_fd(w[0], v[0]);
        send_fd(w[0], v[1]);
        OK(close(v[0]));
        OK(close(v[1]));
        v[0] = w[0];
        v[1] = w[1];
    }
}

/* Makes the collector look again and again. */
static void others_come_and_go(void)
{
    int p[2];

    for (int i = 0; i < 100; i++) {
        OK(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
        OK(close(p[0]));
        OK(close(p[1]));
    }
}

/* Each in the queue of the one before, sent in an order in which looking through all of them, to or
 * fro, comes to two more each time. */
TEST(crossing, "who makes such a chain in the worst order does not slow others down")
{
    enum { N = 1900 };
    static int s[N + 1][2], link_at[N];
    struct rlimit r = {2 * N + 100, 2 * N + 100};

    if (setrlimit(RLIMIT_NOFILE, &r))
        SKIP("not so many descriptors");
    for (int i = 0; i <= N; i++)
        OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s[i]));
    for (int i = 0, low = 0, high = N - 1; i < N; i++)
        link_at[i % 2 ? high-- : low++] = i;
    for (int i = 0; i < N; i++)
        send_fd(s[link_at[i]][1], s[link_at[i] + 1][0]);
    for (int i = 1; i <= N; i++) {
        OK(close(s[i][0]));
        OK(close(s[i][1]));
    }
    others_come_and_go();
    for (int i = 0, fd = s[0][0]; i < N; i++) { /* all were alive */
        int next = receive_fd(fd, 0, NULL);

        OK(next);
        OK(close(fd));
        fd = next;
    }
}

/* The listener is in a message, the connection in its queue, the descriptor in that one's. */
TEST(waiting,
     "what lies with a connection that nobody has accepted yet is kept with its listener")
{
    struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "listener"};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0),
        client = socket(AF_UNIX, SOCK_STREAM, 0);
    int p[2], fd;

    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, v));
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
    OK(bind(listener, (struct sockaddr *)&at, sizeof(at)));
    OK(listen(listener, 4));
    OK(connect(client, (struct sockaddr *)&at, sizeof(at)));
    send_fd(client, p[0]);
    OK(close(p[0]));
    send_fd(v[0], listener);
    OK(close(listener));
    others_come_and_go();
    OK(listener = receive_fd(v[1], 0, NULL));
    OK(fd = accept(listener, NULL, NULL));
    OK(fd = receive_fd(fd, 0, NULL));
    EQ(write(p[1], "still", 5), 5);
    EQ(read(fd, buf, 10), 5);
}

TEST(creds, "who has sent it")
{
    char room[CMSG_SPACE(sizeof(struct ucred))];
    struct iovec iov = {buf, sizeof(buf)};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = room,
                       .msg_controllen = sizeof(room)};
    int on = 1;

    OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, v));
    OK(setsockopt(v[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
    EQ(send(v[0], "who", 3, 0), 3);
    EQ(recvmsg(v[1], &m, 0), 3);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    CHECK(c && c->cmsg_type == SCM_CREDENTIALS);
    EQ(((struct ucred *)CMSG_DATA(c))->pid, getpid());
}

TEST(messages, "datagrams and sequenced packets keep their borders")
{
    OK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, v));
    EQ(write(v[0], "first", 5), 5);
    EQ(write(v[0], "second", 6), 6);
    EQ(recv(v[1], buf, 2, MSG_TRUNC), 5);
    EQ(read(v[1], buf, 100), 6);
    OK(close(v[0]));
    EQ(read(v[1], buf, 100), 0);
    OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, v));
    EQ(send(v[0], "", 0, 0), 0);
    EQ(recv(v[1], buf, 100, 0), 0);
    OK(close(v[1]));
    ERR(send(v[0], "x", 1, 0), ECONNREFUSED);
    ERR(send(v[0], "x", 1, 0), ENOTCONN);
}

TEST(udp, "UDP on the loopback")
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)},
                       b;
    int s = socket(AF_INET, SOCK_DGRAM, 0), c = socket(AF_INET, SOCK_DGRAM, 0);
    socklen_t len = sizeof(a);

    OK(bind(s, (void *)&a, len));
    OK(getsockname(s, (void *)&a, &len));
    EQ(sendto(c, "hi", 2, 0, (void *)&a, len), 2);
    EQ(recvfrom(s, buf, 10, 0, (void *)&b, &len), 2);
    EQ(sendto(s, "back", 4, 0, (void *)&b, len), 4);
    EQ(recv(c, buf, 10, 0), 4);
    OK(connect(c, (void *)&a, len));
    OK(close(s));
    EQ(send(c, "x", 1, 0), 1);
    ERR(recv(c, buf, 10, 0), ECONNREFUSED);
    ERR(send(socket(AF_INET, SOCK_DGRAM, 0), "x", 1, 0), EDESTADDRREQ);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
