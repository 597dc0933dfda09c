/* SPDX-License-Identifier: MIT
 *
 * epoll(7): what is told of, when, and to whom; what a watch is bound to.
 */
#include <pthread.h>
#include <sys/epoll.h>

#include "t_epoll.h"

TEST(epoll_create, "epoll_create: sizes, flags")
{
    int fd;

    ERR(syscall(SYS_epoll_create, 0), EINVAL);
    ERR(syscall(SYS_epoll_create, -1), EINVAL);
    ERR(epoll_create1(1), EINVAL);
    OK(fd = epoll_create(1));
    EQ(fcntl(fd, F_GETFD), 0);
    EQ(fcntl(new (), F_GETFD), FD_CLOEXEC);
}

TEST(epoll_ctl_errors, "epoll_ctl: each error of its page")
{
    struct epoll_event e = {.events = EPOLLIN};
    int fds[2], file = t_file();

    OK(pipe(fds));
    ep = new ();
    ERR(epoll_ctl(-1, EPOLL_CTL_ADD, fds[0], &e), EBADF);
    ERR(epoll_ctl(ep, EPOLL_CTL_ADD, -1, &e), EBADF);
    ERR(epoll_ctl(ep, EPOLL_CTL_ADD, fds[0], NULL), EFAULT);
    ERR(epoll_ctl(ep, EPOLL_CTL_ADD, file, &e), EPERM);
    ERR(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &e), EINVAL);
    ERR(epoll_ctl(fds[1], EPOLL_CTL_ADD, fds[0], &e), EINVAL);
    ERR(epoll_ctl(ep, 7, fds[0], &e), EINVAL);
    ERR(epoll_ctl(ep, EPOLL_CTL_MOD, fds[0], &e), ENOENT);
    ERR(epoll_ctl(ep, EPOLL_CTL_DEL, fds[0], NULL), ENOENT);
    OK(add(ep, fds[0], EPOLLIN));
    ERR(add(ep, fds[0], EPOLLIN), EEXIST);
    OK(epoll_ctl(ep, EPOLL_CTL_DEL, fds[0], NULL));
}

TEST(epoll_wait_errors, "epoll_wait: each error of its page")
{
    int fds[2];

    watched_pipe(fds, EPOLLIN);
    ERR(epoll_wait(ep, got, 0, 0), EINVAL);
    ERR(epoll_wait(ep, got, -1, 0), EINVAL);
    ERR(epoll_wait(fds[0], got, 1, 0), EINVAL);
    ERR(epoll_wait(-1, got, 1, 0), EBADF);
    EQ(write(fds[1], "x", 1), 1);
    ERR(epoll_wait(ep, (void *)8, 1, 0), EFAULT);
    EQ(now(ep), 1); /* it was not lost */
}

TEST(epoll_level, "level-triggered: told of as long as it holds, in turn")
{
    int a[2], b[2];
    char c;

    watched_pipe(a, EPOLLIN);
    OK(pipe(b));
    OK(add(ep, b[0], EPOLLIN));
    EQ(write(a[1], "x", 1), 1);
    EQ(now(ep), 1);
    EQ(now(ep), 1);
    EQ(got[0].data.fd, a[0]);
    EQ(got[0].events, EPOLLIN);
    EQ(write(b[1], "x", 1), 1);
    EQ(now(ep), 2);
    EQ(epoll_wait(ep, got, 1, 0), 1);
    c = got[0].data.fd == a[0];
    EQ(epoll_wait(ep, got, 1, 0), 1);
    EQ(got[0].data.fd, c ? b[0] : a[0]);
    EQ(read(a[0], &c, 1), 1);
    EQ(now(ep), 1);
    EQ(got[0].data.fd, b[0]);
    OK(close(b[1]));
    EQ(now(ep), 1);
    EQ(got[0].events, EPOLLIN | EPOLLHUP);
}

TEST(epoll_edge, "edge-triggered: told of once for each change")
{
    int fds[2];
    char c;

    watched_pipe(fds, EPOLLIN | EPOLLET);
    EQ(write(fds[1], "xy", 2), 2);
    EQ(now(ep), 1);
    EQ(now(ep), 0);
    EQ(read(fds[0], &c, 1), 1);
    EQ(now(ep), 0);
    EQ(write(fds[1], "z", 1), 1);
    EQ(now(ep), 1);
    EQ(now(ep), 0);
    OK(mod(ep, fds[0], EPOLLIN | EPOLLET)); /* looks anew */
    EQ(now(ep), 1);
    OK(close(fds[1]));
    EQ(now(ep), 1);
    EQ(got[0].events, EPOLLIN | EPOLLHUP);
    EQ(now(ep), 0);
}

TEST(epoll_oneshot, "one-shot: silent after the first time until it is armed again")
{
    int fds[2];

    watched_pipe(fds, EPOLLIN | EPOLLONESHOT);
    EQ(write(fds[1], "x", 1), 1);
    EQ(now(ep), 1);
    EQ(now(ep), 0);
    EQ(write(fds[1], "x", 1), 1);
    OK(close(fds[1]));
    EQ(now(ep), 0);
    OK(mod(ep, fds[0], EPOLLIN | EPOLLONESHOT));
    EQ(now(ep), 1);
    EQ(now(ep), 0);
}

TEST(epoll_always, "hang-up and error are told of without being asked for")
{
    int fds[2];

    OK(pipe(fds));
    ep = new ();
    OK(add(ep, fds[1], 0));
    EQ(now(ep), 0);
    OK(close(fds[0]));
    EQ(now(ep), 1);
    EQ(got[0].events, EPOLLERR);
}

TEST(epoll_bound,
     "a watch is bound to the open file and the number, until the last close")
{
    int fds[2], other;

    watched_pipe(fds, EPOLLIN);
    OK(other = dup(fds[0]));
    OK(add(ep, other, EPOLLIN));
    EQ(write(fds[1], "x", 1), 1);
    EQ(now(ep), 2);
    OK(close(fds[0]));
    EQ(now(ep), 2); /* the file is open still */
    OK(epoll_ctl(ep, EPOLL_CTL_DEL, other, NULL));
    EQ(now(ep), 1);
    EQ(got[0].data.fd, fds[0]);
    OK(close(other));
    EQ(now(ep), 0);
    ERR(epoll_ctl(ep, EPOLL_CTL_DEL, fds[0], NULL), EBADF);
}

TEST(epoll_forked, "a child's epoll is the same one")
{
    int fds[2];

    watched_pipe(fds, EPOLLIN);
    CHILD({
        OK(epoll_ctl(ep, EPOLL_CTL_DEL, fds[0], NULL));
        OK(add(ep, fds[1], EPOLLOUT));
        OK(close(ep));
    });
    EQ(now(ep), 1);
    EQ(got[0].data.fd, fds[1]);
    EQ(got[0].events, EPOLLOUT);
}

static void *write_later(void *fd)
{
    t_nap(20000);
    EQ(write(*(int *)fd, "x", 1), 1);
    return NULL;
}

TEST(epoll_sleep, "epoll_wait sleeps until something happens, or its time is over")
{
    struct timespec t = {0, 20000000};
    int fds[2];
    uint64_t start;
    pthread_t th;

    watched_pipe(fds, EPOLLIN);
    start = t_ns();
    EQ(epoll_wait(ep, got, 16, 30), 0);
    CHECK(t_ns() - start >= 29000000);
    start = t_ns();
    EQ(syscall(441, ep, got, 16, &t, NULL, 0L), 0);
    CHECK(t_ns() - start >= 20000000);
    t.tv_nsec = -1;
    ERR(syscall(441, ep, got, 16, &t, NULL, 0L), EINVAL);
    EQ(pthread_create(&th, NULL, write_later, &fds[1]), 0);
    EQ(epoll_wait(ep, got, 16, -1), 1);
    EQ(pthread_join(th, NULL), 0);
}

static volatile sig_atomic_t handled;

static void on_signal(int signo)
{
    handled = signo;
}

TEST(epoll_signal, "a signal ends the wait, with SA_RESTART too; epoll_pwait's mask")
{
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigset_t none, usr, old;
    int fds[2];

    watched_pipe(fds, EPOLLIN);
    OK(sigaction(SIGUSR1, &act, NULL));
    sigemptyset(&none);
    sigemptyset(&usr);
    sigaddset(&usr, SIGUSR1);
    OK(sigprocmask(SIG_BLOCK, &usr, NULL));
    OK(raise(SIGUSR1));
    EQ(epoll_wait(ep, got, 16, 0), 0);
    EQ(handled, 0);
    ERR(epoll_pwait(ep, got, 16, -1, &none), EINTR);
    EQ(handled, SIGUSR1);
    OK(sigprocmask(SIG_BLOCK, NULL, &old));
    EQ(sigismember(&old, SIGUSR1), 1);
    ERR(syscall(SYS_epoll_pwait, ep, got, 16, 0, &none, 4L), EINVAL);
    ERR(syscall(SYS_epoll_pwait, ep, got, 16, 0, (void *)8, 8L), EFAULT);
}

TEST(epoll_proc, "what /proc says of an epoll")
{
    char link[64], name[64] = "";
    struct t_reader r;
    int fds[2], n = 0;
    char *line;

    watched_pipe(fds, EPOLLIN);
    snprintf(link, sizeof(link), "/proc/self/fd/%d", ep);
    OK(readlink(link, name, sizeof(name) - 1));
    CHECK(strcmp(name, "anon_inode:[eventpoll]") == 0);
    snprintf(link, sizeof(link), "/proc/self/fdinfo/%d", ep);
    CHECK(t_open(&r, link));
    while ((line = t_line(&r)) != NULL) {
        int fd;
        unsigned events;

        if (sscanf(line, "tfd: %d events: %x", &fd, &events) != 2)
            continue;
        EQ(fd, fds[0]);
        EQ(events, EPOLLIN | EPOLLERR | EPOLLHUP);
        n++;
    }
    EQ(n, 1);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
