/* SPDX-License-Identifier: MIT
 *
 * pidfd_open(2) and its kin: descriptors that stand for a process, not for its number.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include "t.h"

#define WAIT_PIDFD 3
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif
#define PARENT_SETTID 0x100000

static int pidfd_open(pid_t pid, unsigned flags)
{
    return (int)syscall(434, pid, flags);
}

static int send(int fd, int signo)
{
    return (int)syscall(424, fd, signo, NULL, 0);
}

static int getfd(int fd, int target)
{
    return (int)syscall(438, fd, target, 0);
}

/* A child that sleeps until it is killed. */
static pid_t sleeper(void)
{
    pid_t pid = t_fork();

    while (!pid)
        pause();
    return pid;
}

TEST(pidfd_open, "errors, flags, names")
{
    char path[64], name[64] = "";
    int fd;

    ERR(pidfd_open(0, 0), EINVAL);
    ERR(pidfd_open(-1, 0), EINVAL);
    ERR(pidfd_open(getpid(), 1), EINVAL);
    ERR(pidfd_open(4000000, 0), ESRCH);
    OK(fd = pidfd_open(getpid(), 0));
    EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    EQ(fcntl(pidfd_open(getpid(), O_NONBLOCK), F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    OK(readlink(path, name, sizeof(name) - 1));
    CHECK(strncmp(name, "anon_inode:[pidfd]", 18) == 0 || !t_tessera);
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    EQ(t_proc_kb(path, "Pid"), getpid());
    ERR(read(fd, path, 1), EINVAL);
}

TEST(pidfd_end,
     "poll and epoll tell of the end; signals; nothing after it was waited for")
{
    struct epoll_event e = {.events = EPOLLIN};
    pid_t pid = sleeper();
    int fd = pidfd_open(pid, 0), ep = epoll_create1(0);
    struct pollfd p = {.fd = fd, .events = POLLIN};

    OK(fd);
    OK(ep);
    OK(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
    EQ(poll(&p, 1, 0), 0);
    OK(send(fd, 0));
    ERR(send(fd, 65), EINVAL);
    ERR(send(ep, 0), EBADF);
    ERR(syscall(424, fd, 0, NULL, 0x100), EINVAL);
    OK(send(fd, SIGKILL));
    EQ(epoll_wait(ep, &e, 1, -1), 1);
    EQ(poll(&p, 1, -1), 1);
    EQ(p.revents, POLLIN);
    OK(send(fd, 0)); /* a zombie is there still */
    EQ(t_status_of(pid), SIGKILL);
    ERR(send(fd, SIGTERM), ESRCH);
    EQ(poll(&p, 1, 0), 1);
    ERR(getfd(fd, 0), ESRCH);
}

TEST(pidfd_siginfo, "a signal with particulars is for oneself, or looks like sigqueue's")
{
    siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};
    pid_t pid = sleeper();
    int fd = pidfd_open(pid, 0);

    OK(fd);
    ERR(syscall(424, fd, SIGUSR2, &info, 0), EINVAL);
    ERR(syscall(424, fd, SIGUSR1, (void *)8, 0), EFAULT);
    info.si_code = SI_USER;
    ERR(syscall(424, fd, SIGUSR1, &info, 0), EPERM);
    info.si_code = SI_QUEUE;
    OK(syscall(424, fd, SIGUSR1, &info, 0));
    EQ(t_status_of(pid), SIGUSR1);
}

TEST(pidfd_info, "what is sent along arrives, si_errno too")
{
    siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE, .si_errno = EAGAIN}, got;
    struct signalfd_siginfo read_info;
    int self = pidfd_open(getpid(), 0), fd;
    sigset_t set;

    info.si_value.sival_ptr = &info;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN);
    OK(sigprocmask(SIG_BLOCK, &set, NULL));
    for (int signo = SIGUSR1; signo; signo = signo == SIGUSR1 ? SIGRTMIN : 0) {
        info.si_signo = signo;
        OK(syscall(424, self, signo, &info, 0));
        EQ(sigwaitinfo(&set, &got), signo);
        EQ(got.si_errno, EAGAIN);
        EQ((uintptr_t)got.si_value.sival_ptr, (uintptr_t)&info);
    }
    OK(syscall(SYS_rt_sigqueueinfo, getpid(), SIGRTMIN, &info));
    OK(fd = signalfd(-1, &set, 0));
    EQ(read(fd, &read_info, sizeof(read_info)), sizeof(read_info));
    EQ(read_info.ssi_errno, EAGAIN);
}

TEST(pidfd_waitid, "waitid P_PIDFD")
{
    pid_t pid = sleeper();
    int fd = pidfd_open(pid, O_NONBLOCK), self = pidfd_open(getpid(), 0);
    siginfo_t info = {0};

    OK(fd);
    ERR(waitid(WAIT_PIDFD, 99, &info, WEXITED), EBADF);
    ERR(waitid(WAIT_PIDFD, (id_t)self, &info, WEXITED), ECHILD);
    ERR(waitid(WAIT_PIDFD, (id_t)fd, &info, WEXITED), EAGAIN);
    OK(waitid(WAIT_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG));
    EQ(info.si_pid, 0);
    OK(fcntl(fd, F_SETFL, 0));
    OK(send(fd, SIGTERM));
    OK(waitid(WAIT_PIDFD, (id_t)fd, &info, WEXITED));
    EQ(info.si_pid, pid);
    EQ(info.si_status, SIGTERM);
    ERR(waitid(WAIT_PIDFD, (id_t)fd, &info, WEXITED), ECHILD);
}

TEST(pidfd_clone, "CLONE_PIDFD gives a descriptor of the child")
{
    struct {
        uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
    } c = {.flags = CLONE_PIDFD, .exit_signal = SIGCHLD};
    int fd = -1;
    siginfo_t info;
    long pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &fd, 0, 0);

    OK(pid);
    if (!pid)
        _exit(3);
    CHECK(fd > 2);
    EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    OK(waitid(WAIT_PIDFD, (id_t)fd, &info, WEXITED));
    EQ(info.si_status, 3);
    EQ(info.si_pid, pid);
    c.pidfd = (uintptr_t)&fd;
    OK(pid = syscall(435, &c, sizeof(c)));
    if (!pid)
        _exit(4);
    OK(waitid(WAIT_PIDFD, (id_t)fd, &info, WEXITED));
    EQ(info.si_status, 4);
    ERR(syscall(SYS_clone, CLONE_PIDFD | PARENT_SETTID | SIGCHLD, 0, &fd, 0, 0), EINVAL);
    ERR(syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, (void *)8, 0, 0), EFAULT);
    ERR(waitpid(-1, NULL, 0), ECHILD); /* no child was made */
}

TEST(pidfd_getfd, "a descriptor of another process, for who may look into it")
{
    int fds[2], fd, copy;
    char c = 0;
    pid_t pid;

    OK(pipe(fds));
    pid = sleeper();
    OK(fd = pidfd_open(pid, 0));
    OK(close(fds[1]));
    ERR(syscall(438, fd, fds[1], 1), EINVAL);
    ERR(getfd(fd, 99), EBADF);
    ERR(getfd(fds[0], 0), EBADF);
    OK(copy = getfd(fd, fds[1]));
    EQ(fcntl(copy, F_GETFD), FD_CLOEXEC);
    EQ(write(copy, "x", 1), 1);
    EQ(read(fds[0], &c, 1), 1);
    CHILD({
        OK(setuid(23456));
        ERR(getfd(fd, fds[1]), EPERM);
        ERR(send(fd, 0), EPERM);
    });
    OK(send(fd, SIGKILL));
    (void)t_status_of(pid);
}

TEST(pidfd_proc, "pidfd_send_signal takes a directory of /proc, too")
{
    char path[32];
    pid_t pid = sleeper();
    int fd;

    snprintf(path, sizeof(path), "/proc/%d", pid);
    OK(fd = open(path, O_RDONLY | O_DIRECTORY));
    OK(send(fd, SIGKILL));
    (void)t_status_of(pid);
    ERR(send(fd, SIGKILL), ESRCH);
}

/* A child with `size` bytes that sleeps until it is killed. */
static pid_t large_sleeper(size_t size)
{
    int fds[2];
    char c;

    OK(pipe(fds));
    pid_t pid = t_fork();

    if (!pid) {
        char *m =
            mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(m != MAP_FAILED);
        memset(m, 1, size);
        EQ(write(fds[1], "r", 1), 1);
        for (;;)
            pause();
    }
    EQ(read(fds[0], &c, 1), 1);
    OK(close(fds[0]));
    OK(close(fds[1]));
    return pid;
}

static int mrelease(int fd, unsigned flags)
{
    return (int)syscall(448, fd, flags);
}

TEST(pidfd_mrelease, "process_mrelease: of who was killed only")
{
    int fd, fds[2], released = 0;

    for (int i = 0; i < 8; i++) {
        pid_t pid = large_sleeper(8 << 20);
        char path[64];

        OK(fd = pidfd_open(pid, 0));
        ERR(mrelease(fd, 1), EINVAL);
        ERR(mrelease(fd, 0), EINVAL);
        OK(send(fd, SIGKILL));
        if (mrelease(fd, 0) == 0) { /* else it was faster */
            released++;
            snprintf(path, sizeof(path), "/proc/%d/status", pid);
            CHECK(!t_tessera || t_proc_kb(path, "VmRSS") <= 0);
        } else {
            EQ(errno, ESRCH);
        }
        EQ(t_status_of(pid), SIGKILL);
        ERR(mrelease(fd, 0), ESRCH);
        OK(close(fd));
    }
    CHECK(released > 0);
    ERR(mrelease(-1, 0), EBADF);
    OK(pipe(fds));
    ERR(mrelease(fds[0], 0), EBADF);
}

static _Noreturn int wait_forever(void *arg)
{
    for (;;)
        (void)!read(*(int *)arg, &(char){0}, 1);
}

TEST(pidfd_mrelease_shared,
     "process_mrelease: not while somebody who goes on has the memory")
{
    static char stack[16384] __attribute__((aligned(16)));
    int fds[2], fd;

    OK(pipe(fds));
    pid_t pid = clone(wait_forever, stack + sizeof(stack), CLONE_VM | SIGCHLD, &fds[0]);
    OK(pid);
    OK(fd = pidfd_open(pid, 0));
    OK(send(fd, SIGKILL));
    EQ(mrelease(fd, 0), -1);
    CHECK(errno == EINVAL || errno == ESRCH); /* ESRCH: it has left the memory already */
    EQ(t_status_of(pid), SIGKILL);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
