/* SPDX-License-Identifier: MIT
 *
 * epoll(7): epolls in epolls, several epolls and several threads on one file, many watches.
 */
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include "t_epoll.h"

TEST(epoll_nested, "an epoll can be polled, by poll and by another epoll")
{
    int fds[2], outer = new ();
    struct pollfd p;
    char c;

    watched_pipe(fds, EPOLLIN);
    OK(add(outer, ep, EPOLLIN));
    p = (struct pollfd){.fd = ep, .events = POLLIN};
    EQ(poll(&p, 1, 0), 0);
    EQ(now(outer), 0);
    EQ(write(fds[1], "x", 1), 1);
    EQ(epoll_wait(outer, got, 16, -1), 1);
    EQ(got[0].data.fd, ep);
    EQ(poll(&p, 1, -1), 1);
    EQ(now(ep), 1);
    EQ(read(fds[0], &c, 1), 1);
    EQ(now(outer), 0);
    EQ(poll(&p, 1, 0), 0);
}

TEST(epoll_circle, "no circles, and no chain of more than five")
{
    int e[7];

    for (int i = 0; i < 7; i++)
        e[i] = new ();
    for (int i = 0; i < 4; i++)
        OK(add(e[i], e[i + 1], EPOLLIN));
    ERR(add(e[4], e[0], EPOLLIN), ELOOP);
    ERR(add(e[1], e[0], EPOLLIN), ELOOP);
    ERR(add(e[4], e[5], EPOLLIN), ELOOP);
    ERR(add(e[5], e[0], EPOLLIN), ELOOP);
    OK(add(e[5], e[1], EPOLLIN)); /* a second one above */
    OK(add(e[3], e[6], EPOLLIN));
    OK(close(e[2]));
    ERR(add(e[4], e[4], EPOLLIN), EINVAL);
    OK(add(e[4], e[0], EPOLLIN));
    ERR(add(e[1], e[4], EPOLLIN), ELOOP);
}

TEST(epoll_exclusive, "EPOLLEXCLUSIVE: what it goes with; one of several epolls at least")
{
    int fds[2], e[3], n = 0;

    OK(pipe(fds));
    for (int i = 0; i < 3; i++) {
        e[i] = new ();
        OK(add(e[i], fds[0], EPOLLIN | EPOLLEXCLUSIVE));
    }
    EQ(write(fds[1], "x", 1), 1);
    for (int i = 0; i < 3; i++)
        n += now(e[i]);
    CHECK(n >= 1);
    ERR(mod(e[0], fds[0], EPOLLIN), EINVAL);
    ERR(mod(e[0], fds[0], EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
    ERR(add(e[0], e[1], EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
    ERR(add(e[0], fds[1], EPOLLOUT | EPOLLONESHOT | EPOLLEXCLUSIVE), EINVAL);
}

static int eater_ep;
static volatile int eaten;

static void *eat(void *arg)
{
    struct epoll_event e;

    (void)arg;
    while (epoll_wait(eater_ep, &e, 1, -1) == 1) {
        uint64_t n;

        if (e.data.fd < 0)
            break;
        EQ(read(e.data.fd, &n, 8), 8);
        __atomic_fetch_add(&eaten, 1, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

TEST(epoll_threads, "each edge is taken by one of the threads that wait")
{
    struct epoll_event stop = {.events = EPOLLIN, .data.fd = -1};
    pthread_t th[3];
    int fd, end;

    eater_ep = new ();
    OK(fd = eventfd(0, 0));
    OK(end = eventfd(0, 0));
    OK(add(eater_ep, fd, EPOLLIN | EPOLLET));
    for (int i = 0; i < 3; i++)
        EQ(pthread_create(&th[i], NULL, eat, NULL), 0);
    for (int i = 1; i <= 200; i++) {
        OK(eventfd_write(fd, 1));
        while (eaten < i)
            sched_yield();
    }
    OK(epoll_ctl(eater_ep, EPOLL_CTL_ADD, end, &stop));
    OK(eventfd_write(end, 1));
    for (int i = 0; i < 3; i++)
        EQ(pthread_join(th[i], NULL), 0);
    EQ(eaten, 200);
}

enum { PAIRS = 8, TOLD = 30000 };
static int pairs[PAIRS][2];

static void *writes_always(void *arg)
{
    uint32_t seed = (uint32_t)(uintptr_t)arg;

    for (;;) {
        seed = seed * 1664525 + 1013904223;
        if (write(pairs[seed >> 24 & (PAIRS - 1)][1], "x", 1) < 0)
            return NULL; /* the reader has closed */
    }
}

TEST(epoll_once,
     "in one call a descriptor is told of once, however often it becomes ready meanwhile")
{
    pthread_t threads[2];
    int ep = epoll_create1(0);

    signal(SIGPIPE, SIG_IGN);
    for (uint32_t i = 0; i < PAIRS; i++) {
        struct epoll_event e = {.events = EPOLLIN | (i % 2 ? (uint32_t)EPOLLET : 0),
                                .data.u32 = i};

        OK(pipe2(pairs[i], O_NONBLOCK));
        OK(fcntl(pairs[i][1], F_SETFL, 0));
        OK(epoll_ctl(ep, EPOLL_CTL_ADD, pairs[i][0], &e));
    }
    for (uintptr_t i = 0; i < 2; i++)
        OK(pthread_create(&threads[i], NULL, writes_always, (void *)(i + 1)));
    for (int told = 0; told < TOLD;) {
        struct epoll_event e[4 * PAIRS];
        uint32_t seen = 0;
        int n = epoll_wait(ep, e, 4 * PAIRS, -1);

        CHECK(n > 0);
        for (int i = 0; i < n; i++, told++) {
            char c[64];

            CHECK(!(seen >> e[i].data.u32 & 1));
            seen |= 1u << e[i].data.u32;
            CHECK(read(pairs[e[i].data.u32][0], c, sizeof(c)) > 0);
        }
    }
    for (uint32_t i = 0; i < PAIRS; i++)
        close(pairs[i][0]);
    for (int i = 0; i < 2; i++)
        OK(pthread_join(threads[i], NULL));
    for (uint32_t i = 0; i < PAIRS; i++)
        close(pairs[i][1]);
    close(ep);
}

TEST(epoll_many, "thousands of watches come and go")
{
    struct rlimit lim = {4000, 4000};
    int fds[3900], n = 0;

    OK(setrlimit(RLIMIT_NOFILE, &lim));
    ep = new ();
    while (n < 3900) {
        OK(fds[n] = eventfd(0, 0));
        OK(add(ep, fds[n], EPOLLIN | (n % 2 ? EPOLLET : 0)));
        n++;
    }
    for (int i = 0; i < n; i += 3)
        OK(eventfd_write(fds[i], 1));
    for (int seen = 0; seen < n / 6;)
        seen += now(ep);
    for (int i = 0; i < n; i += 2)
        OK(close(fds[i]));
    while (now(ep) > 0)
        ;
    EQ(now(ep), 0);
}

TEST(epoll_within, "an epoll in an epoll is ready at once for who looks without waiting")
{
    for (int i = 0; i < 200; i++) {
        int inner = new (), middle = new (), outer = new (), e;

        OK(e = eventfd(0, 0));
        OK(add(inner, e, EPOLLIN));
        OK(add(middle, inner, EPOLLIN));
        OK(add(outer, middle, EPOLLIN));
        EQ(now(outer), 0);
        OK(eventfd_write(e, 1));
        EQ(now(outer), 1);
        for (int *fd = (int[]){inner, middle, outer, e, -1}; *fd >= 0; fd++)
            OK(close(*fd));
    }
}

TEST(epoll_room, "a pipe with room makes no edge by more of it")
{
    static char page[4096];
    int fds[2];
    char c;

    ep = new ();
    OK(pipe2(fds, O_NONBLOCK));
    OK(fcntl(fds[1], F_SETPIPE_SZ, 8192));
    for (int i = 0; i < 2; i++)
        EQ(write(fds[1], page, 4096), 4096);
    OK(add(ep, fds[1], EPOLLOUT | EPOLLET));
    EQ(now(ep), 0);
    EQ(read(fds[0], page, 4096), 4096);
    EQ(now(ep), 1);
    EQ(now(ep), 0);
    EQ(read(fds[0], &c, 1), 1);
    EQ(now(ep), 0);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
