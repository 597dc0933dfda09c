/* SPDX-License-Identifier: MIT
 *
 * eventfd(2): counters that are read, written, polled.
 */
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include "t.h"

static unsigned ready(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};

    OK(poll(&p, 1, 0));
    return (unsigned)p.revents;
}

TEST(eventfd_count, "a read takes all, and says EAGAIN when there is nothing")
{
    int fd = eventfd(3, EFD_NONBLOCK);
    eventfd_t n;

    OK(fd);
    OK(eventfd_write(fd, 4));
    OK(eventfd_read(fd, &n));
    EQ(n, 7);
    ERR(eventfd_read(fd, &n), EAGAIN);
    EQ(ready(fd), POLLOUT);
    OK(eventfd_write(fd, 0));
    EQ(ready(fd), POLLOUT);
    OK(eventfd_write(fd, 1));
    EQ(ready(fd), POLLIN | POLLOUT);
}

TEST(eventfd_semaphore, "EFD_SEMAPHORE: a read takes one")
{
    int fd = eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE);
    eventfd_t n;

    OK(fd);
    for (int i = 0; i < 2; i++) {
        OK(eventfd_read(fd, &n));
        EQ(n, 1);
    }
    ERR(eventfd_read(fd, &n), EAGAIN);
}

TEST(eventfd_full, "the counter does not overflow")
{
    int fd = eventfd(0, EFD_NONBLOCK);
    eventfd_t n;

    OK(fd);
    ERR(eventfd_write(fd, UINT64_MAX), EINVAL);
    OK(eventfd_write(fd, UINT64_MAX - 1));
    EQ(ready(fd), POLLIN);
    ERR(eventfd_write(fd, 1), EAGAIN);
    OK(eventfd_write(fd, 0));
    OK(eventfd_read(fd, &n));
    EQ(n, UINT64_MAX - 1);
}

TEST(eventfd_errors, "flags, sizes, bad memory")
{
    int fd = eventfd(1, 0);
    char few[7];

    OK(fd);
    ERR(eventfd(0, 2), EINVAL);
    ERR(read(fd, few, sizeof(few)), EINVAL);
    ERR(write(fd, few, sizeof(few)), EINVAL);
    ERR(write(fd, (void *)8, 8), EFAULT);
    EQ(fcntl(fd, F_GETFD), 0);
    EQ(fcntl(eventfd(0, EFD_CLOEXEC), F_GETFD), FD_CLOEXEC);
}

static int shared;

static void *add_later(void *arg)
{
    (void)arg;
    t_nap(10000);
    OK(eventfd_write(shared, 5));
    return NULL;
}

static void *take_later(void *arg)
{
    eventfd_t n;

    (void)arg;
    t_nap(10000);
    OK(eventfd_read(shared, &n));
    return NULL;
}

TEST(eventfd_sleep, "reads wait for a count, writes for room")
{
    pthread_t th;
    eventfd_t n;

    OK(shared = eventfd(0, 0));
    EQ(pthread_create(&th, NULL, add_later, NULL), 0);
    OK(eventfd_read(shared, &n));
    EQ(n, 5);
    EQ(pthread_join(th, NULL), 0);
    OK(eventfd_write(shared, UINT64_MAX - 1));
    EQ(pthread_create(&th, NULL, take_later, NULL), 0);
    OK(eventfd_write(shared, 9));
    EQ(pthread_join(th, NULL), 0);
    OK(eventfd_read(shared, &n));
    EQ(n, 9);
}

static void on_alarm(int signo)
{
    (void)signo;
}

TEST(eventfd_signal, "a signal ends the wait")
{
    struct sigaction act = {.sa_handler = on_alarm};
    eventfd_t n;

    OK(shared = eventfd(0, 0));
    OK(sigaction(SIGALRM, &act, NULL));
    ualarm(10000, 10000);
    ERR(eventfd_read(shared, &n), EINTR);
    ualarm(0, 0);
}

TEST(eventfd_proc, "what /proc says")
{
    char path[64], name[64] = "";
    struct t_reader r;
    char *line;
    unsigned long long count = 0;

    OK(shared = eventfd(0x1f, 0));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", shared);
    OK(readlink(path, name, sizeof(name) - 1));
    CHECK(strcmp(name, "anon_inode:[eventfd]") == 0);
    ERR(open(path, O_RDWR), ENXIO);
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", shared);
    CHECK(t_open(&r, path));
    while ((line = t_line(&r)) != NULL)
        sscanf(line, "eventfd-count: %llx", &count);
    EQ(count, 0x1f);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
