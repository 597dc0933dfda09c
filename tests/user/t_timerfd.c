/* SPDX-License-Identifier: MIT
 *
 * timerfd_create(2): timers that are read and polled.
 */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "t.h"

#define MS 1000000L

static int create(int clock, int flags)
{
    int fd = timerfd_create(clock, flags);

    OK(fd);
    return fd;
}

static struct itimerspec spec(long value_ns, long interval_ns)
{
    return (struct itimerspec){{0, interval_ns},
                               {value_ns / 1000000000, value_ns % 1000000000}};
}

static int set(int fd, int flags, long value_ns, long interval_ns)
{
    struct itimerspec s = spec(value_ns, interval_ns);

    return timerfd_settime(fd, flags, &s, NULL);
}

TEST(timerfd_errors, "each error of the pages")
{
    struct itimerspec s = spec(0, 0);
    int fds[2];
    char few[7];
    int fd = create(CLOCK_MONOTONIC, TFD_NONBLOCK);

    ERR(timerfd_create(-1, 0), EINVAL);
    ERR(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL);
    ERR(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
    ERR(timerfd_settime(-1, 0, &s, NULL), EBADF);
    OK(pipe(fds));
    ERR(timerfd_settime(fds[0], 0, &s, NULL), EINVAL);
    ERR(timerfd_gettime(fds[0], &s), EINVAL);
    ERR(timerfd_settime(fd, 0, (void *)8, NULL), EFAULT);
    ERR(timerfd_settime(fd, 8, &s, NULL), EINVAL);
    s.it_value.tv_nsec = 1000000000;
    ERR(timerfd_settime(fd, 0, &s, NULL), EINVAL);
    s = spec(0, 0);
    s.it_interval.tv_sec = -1;
    ERR(timerfd_settime(fd, 0, &s, NULL), EINVAL);
    ERR(read(fd, few, sizeof(few)), EINVAL);
    ERR(read(fd, &s, 8), EAGAIN);
    ERR(write(fd, &s, 8), EINVAL);
    EQ(fcntl(create(CLOCK_REALTIME, TFD_CLOEXEC), F_GETFD), FD_CLOEXEC);
}

TEST(timerfd_once, "a relative timer runs out once, not early, and is polled")
{
    static const int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME};

    for (int i = 0; i < 3; i++) {
        int fd = create(clocks[i], 0);
        struct pollfd p = {.fd = fd, .events = POLLIN};
        struct itimerspec s;
        uint64_t start = t_ns(), n = 0;

        OK(set(fd, 0, 20 * MS, 0));
        OK(timerfd_gettime(fd, &s));
        CHECK(s.it_value.tv_nsec <= 20 * MS && s.it_value.tv_sec == 0);
        EQ(poll(&p, 1, -1), 1);
        CHECK(t_ns() - start >= 20 * MS);
        EQ(read(fd, &n, 8), 8);
        EQ(n, 1);
        EQ(poll(&p, 1, 0), 0);
        OK(timerfd_gettime(fd, &s));
        EQ(s.it_value.tv_nsec, 0);
    }
}

TEST(timerfd_interval, "a periodic timer counts what was missed")
{
    int fd = create(CLOCK_MONOTONIC, 0);
    uint64_t start = t_ns(), n, sum = 0;
    struct itimerspec s;

    OK(set(fd, 0, 5 * MS, 5 * MS));
    t_nap(30000);
    EQ(read(fd, &n, 8), 8);
    CHECK(n >= 6 && n <= (t_ns() - start) / (5 * MS));
    sum = n;
    for (int i = 0; i < 4; i++, sum += n)
        EQ(read(fd, &n, 8), 8);
    CHECK(sum <= (t_ns() - start) / (5 * MS));
    OK(timerfd_gettime(fd, &s));
    EQ(s.it_interval.tv_nsec, 5 * MS);
    CHECK(s.it_value.tv_nsec <= 5 * MS && s.it_value.tv_nsec > 0);
    OK(set(fd, 0, 0, 0));
    OK(timerfd_gettime(fd, &s));
    EQ(s.it_value.tv_nsec, 0);
}

TEST(timerfd_short, "the shortest period does not keep the machine busy")
{
    int fd = create(CLOCK_MONOTONIC, 0);
    uint64_t n;

    OK(set(fd, 0, 1, 1));
    for (int i = 0; i < 100; i++) {
        EQ(read(fd, &n, 8), 8);
        CHECK(n >= 1);
    }
}

TEST(timerfd_absolute,
     "an absolute time, on both clocks; one that has passed; the old setting")
{
    static const int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC};

    for (int i = 0; i < 2; i++) {
        int fd = create(clocks[i], 0);
        struct itimerspec s = {0}, old;
        struct timespec now;
        uint64_t n;

        OK(clock_gettime(clocks[i], &now));
        s.it_value = now;
        s.it_value.tv_sec += 1000;
        OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &s, NULL));
        s.it_value = now;
        OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &s, &old));
        CHECK(old.it_value.tv_sec >= 900 && old.it_value.tv_sec <= 1000);
        EQ(read(fd, &n, 8), 8);
        EQ(n, 1);
    }
}

TEST(timerfd_clock_set,
     "TFD_TIMER_CANCEL_ON_SET, and absolute timers when the clock is set")
{
    int fd = create(CLOCK_REALTIME, TFD_NONBLOCK),
        plain = create(CLOCK_REALTIME, TFD_NONBLOCK);
    struct itimerspec s = {0};
    struct timespec now;
    uint64_t n;

    if (!t_tessera)
        SKIP("sets the clock");
    OK(clock_gettime(CLOCK_REALTIME, &now));
    s.it_value.tv_sec = now.tv_sec + 1000;
    OK(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &s, NULL));
    OK(timerfd_settime(plain, TFD_TIMER_ABSTIME, &s, NULL));
    ERR(read(fd, &n, 8), EAGAIN);
    now.tv_sec += 2000;
    OK(clock_settime(CLOCK_REALTIME, &now));
    ERR(read(fd, &n, 8), ECANCELED);
    EQ(read(plain, &n, 8), 8);
    now.tv_sec -= 2000;
    OK(clock_settime(CLOCK_REALTIME, &now));
}

TEST(timerfd_epoll, "edge-triggered epoll tells of each run that was read")
{
    int ep = epoll_create1(0), fd = create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct epoll_event e = {.events = EPOLLIN | EPOLLET};
    uint64_t n;

    OK(ep);
    OK(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
    OK(set(fd, 0, 2 * MS, 2 * MS));
    for (int i = 0; i < 5; i++) {
        EQ(epoll_wait(ep, &e, 1, -1), 1);
        EQ(read(fd, &n, 8), 8);
    }
    OK(close(fd));
    EQ(epoll_wait(ep, &e, 1, 0), 0);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
