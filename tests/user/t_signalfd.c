/* SPDX-License-Identifier: MIT
 *
 * signalfd(2): signals that are read.
 */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include "t.h"

static sigset_t set;

static int watch(int flags)
{
    int fd;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGRTMIN + 3);
    OK(sigprocmask(SIG_BLOCK, &set, NULL));
    OK(fd = signalfd(-1, &set, flags));
    return fd;
}

TEST(signalfd_errors, "each error of the page")
{
    struct signalfd_siginfo info;
    int fd = watch(SFD_NONBLOCK | SFD_CLOEXEC), fds[2];

    OK(pipe(fds));
    EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    ERR(syscall(SYS_signalfd4, -1, &set, 4L, 0), EINVAL);
    ERR(syscall(SYS_signalfd4, -1, &set, 8L, 1), EINVAL);
    ERR(syscall(SYS_signalfd4, -1, (void *)8, 8L, 0), EFAULT);
    ERR(syscall(SYS_signalfd4, fds[0], &set, 8L, 0), EINVAL);
    ERR(syscall(SYS_signalfd4, 99, &set, 8L, 0), EBADF);
    ERR(read(fd, &info, sizeof(info)), EAGAIN);
    ERR(read(fd, &info, sizeof(info) - 1), EINVAL);
}

TEST(signalfd_read, "what a read says; several at once; another mask")
{
    struct signalfd_siginfo info[4];
    int fd = watch(SFD_NONBLOCK);
    union sigval v = {.sival_int = 77};
    struct pollfd p = {.fd = fd, .events = POLLIN};

    EQ(poll(&p, 1, 0), 0);
    OK(raise(SIGUSR1));
    OK(sigqueue(getpid(), SIGRTMIN + 3, v));
    OK(sigqueue(getpid(), SIGRTMIN + 3, v));
    EQ(poll(&p, 1, 0), 1);
    EQ(read(fd, info, sizeof(info)), 3 * sizeof(info[0]));
    EQ(info[0].ssi_signo, SIGUSR1);
    EQ(info[0].ssi_pid, getpid());
    EQ(info[1].ssi_signo, SIGRTMIN + 3);
    EQ(info[1].ssi_code, SI_QUEUE);
    EQ(info[1].ssi_int, 77);
    EQ(poll(&p, 1, 0), 0);
    OK(raise(SIGUSR1));
    sigdelset(&set, SIGUSR1);
    EQ(signalfd(fd, &set, 0), fd);
    ERR(read(fd, info, sizeof(info)), EAGAIN);
    sigaddset(&set, SIGUSR1);
    EQ(signalfd(fd, &set, 0), fd);
    EQ(read(fd, info, sizeof(info)), sizeof(info[0]));
}

TEST(signalfd_child, "a read and an epoll wait for the end of a child")
{
    struct signalfd_siginfo info;
    struct epoll_event e = {.events = EPOLLIN};
    int fd = watch(0), ep = epoll_create1(0);
    pid_t pid;

    OK(ep);
    OK(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
    pid = t_fork();
    if (!pid)
        _exit(5);
    EQ(epoll_wait(ep, &e, 1, -1), 1);
    EQ(read(fd, &info, sizeof(info)), sizeof(info));
    EQ(info.ssi_signo, SIGCHLD);
    EQ(info.ssi_code, CLD_EXITED);
    EQ(info.ssi_status, 5);
    EQ(info.ssi_pid, pid);
    (void)t_status_of(pid);
    pid = t_fork();
    if (!pid) {
        t_nap(10000);
        _exit(0);
    }
    EQ(read(fd, &info, sizeof(info)), sizeof(info));
    EQ(info.ssi_pid, pid);
    (void)t_status_of(pid);
}

TEST(signalfd_inherited,
     "a child reads and polls its own signals through its parent's file")
{
    struct signalfd_siginfo info;
    int fd = watch(SFD_NONBLOCK);

    OK(raise(SIGUSR1));
    CHILD({
        struct pollfd p = {.fd = fd, .events = POLLIN};

        EQ(poll(&p, 1, 0), 0);
        ERR(read(fd, &info, sizeof(info)), EAGAIN);
        if (t_fork() == 0)
            _exit(0);
        EQ(poll(&p, 1, -1), 1);
        EQ(read(fd, &info, sizeof(info)), sizeof(info));
        EQ(info.ssi_signo, SIGCHLD);
    });
    EQ(read(fd, &info, sizeof(info)), sizeof(info));
    EQ(info.ssi_signo, SIGUSR1);
}

TEST(signalfd_left, "an epoll keeps what a process that ended put there")
{
    struct epoll_event e = {.events = EPOLLIN};
    int fd = watch(SFD_NONBLOCK), ep = epoll_create1(0);

    OK(ep);
    CHILD({ OK(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e)); });
    OK(raise(SIGUSR1));
    OK(epoll_wait(ep, &e, 1, 0));
    OK(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL));
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
