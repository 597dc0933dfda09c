/* SPDX-License-Identifier: MIT
 *
 * SO_RCVLOWAT: what is stored, how long a read of a stream waits, and when a poll says so.
 */
#include "tests/user/t.h"
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static void set(int s, int value)
{
    OK(setsockopt(s, SOL_SOCKET, SO_RCVLOWAT, &value, sizeof(value)));
}

static int get(int s)
{
    socklen_t len = sizeof(int);
    int value;

    OK(getsockopt(s, SOL_SOCKET, SO_RCVLOWAT, &value, &len));
    return value;
}

static void tcp_pair(int s[2])
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int l = socket(AF_INET, SOCK_STREAM, 0);

    OK(bind(l, (void *)&a, len));
    OK(listen(l, 1));
    OK(getsockname(l, (void *)&a, &len));
    s[1] = socket(AF_INET, SOCK_STREAM, 0);
    OK(connect(s[1], (void *)&a, len));
    OK(s[0] = accept(l, NULL, NULL));
    close(l);
}

/* Whether s is readable within ms. */
static bool ready(int s, int ms)
{
    struct pollfd p = {.fd = s, .events = POLLIN};

    return poll(&p, 1, ms) == 1 && p.revents & POLLIN;
}

static void give(int s, size_t n)
{
    static char bytes[4096];

    EQ(write(s, bytes, n), (ssize_t)n);
}

/* On Linux bytes of the network are under way for a moment. */
static void arrived(int s, ssize_t n)
{
    char b[4096];

    while (recv(s, b, sizeof(b), MSG_PEEK | MSG_DONTWAIT) < n)
        t_nap(100);
}

/* Its value reads back as it was set; 0 counts as 1, less than 0 as the most there is. */
static void stores(int s)
{
    EQ(get(s), 1);
    set(s, 100);
    EQ(get(s), 100);
    set(s, 0);
    EQ(get(s), 1);
    set(s, -5);
    CHECK(get(s) > 1000000);
    set(s, 100);
}

static void waits(int s, int from)
{
    char b[300];
    struct timeval tv = {.tv_usec = 50000};

    give(from, 50);
    arrived(s, 50);
    EQ(recv(s, b, sizeof(b), MSG_DONTWAIT),
       50); /* who does not wait gets what is there */
    ERR(recv(s, b, sizeof(b), MSG_DONTWAIT), EAGAIN);
    give(from, 50);
    EQ(recv(s, b, 40, 0), 40); /* no more than was asked for is waited for */
    EQ(recv(s, b, 300, MSG_PEEK | MSG_DONTWAIT), 10);
    CHECK(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == 0);
    EQ(recv(s, b, 300, 0), 10); /* the time is over */
    tv.tv_usec = 0;
    CHECK(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == 0);
    pid_t pid = t_fork();
    if (!pid) {
        for (int i = 0; i < 4; i++) {
            t_nap(2000);
            give(from, 30);
        }
        _exit(0);
    }
    EQ(recv(s, b, 300, 0), 120); /* 90 are too few */
    t_join(pid);
    give(from, 10);
    OK(shutdown(from, SHUT_WR));
    EQ(recv(s, b, 300, 0), 10);
    EQ(recv(s, b, 300, 0), 0);
}

TEST(local, "streams of AF_UNIX: a read waits for so many bytes, a poll does not")
{
    int s[2];

    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    stores(s[0]);
    give(s[1], 1);
    CHECK(ready(s[0], 0));
    CHECK(read(s[0], &(char[300]){0}, 1) == 1);
    waits(s[0], s[1]);
}

TEST(network, "streams of the network: polls wait too, as long as more can come")
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLET};
    int s[2], ep = epoll_create1(0);

    tcp_pair(s);
    stores(s[0]);
    OK(epoll_ctl(ep, EPOLL_CTL_ADD, s[0], &e));
    give(s[1], 50);
    arrived(s[0], 50);
    CHECK(!ready(s[0], 0));
    EQ(epoll_wait(ep, &e, 1, 0), 0);
    give(s[1], 50);
    CHECK(ready(s[0], -1));
    EQ(epoll_wait(ep, &e, 1, 1000), 1);
    EQ(read(s[0], &(char[300]){0}, 30), 30);
    CHECK(!ready(s[0], 0));
    set(s[0], 70);
    CHECK(ready(s[0], 0));
    set(s[0], 71);
    CHECK(!ready(s[0], 0));
    EQ(read(s[0], &(char[300]){0}, 70), 70);
    set(s[0], 100);
    waits(s[0], s[1]);
    CHECK(ready(s[0], 0)); /* the end */
}

TEST(full, "a sender that can send no more makes what there is readable")
{
    static char block[4096];
    ssize_t n;
    int s[2];

    tcp_pair(s);
    set(s[0], 1 << 30);
    OK(fcntl(s[1], F_SETFL, O_NONBLOCK));
    while ((n = write(s[1], block, sizeof(block))) > 0)
        ;
    CHECK(n == -1 && errno == EAGAIN);
    CHECK(ready(s[0], 10000));
}

TEST(datagrams, "datagrams have the number and do not mind")
{
    char b[300];
    int s[2];

    OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
    stores(s[0]);
    give(s[1], 5);
    CHECK(ready(s[0], 0));
    EQ(recv(s[0], b, sizeof(b), 0), 5);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
