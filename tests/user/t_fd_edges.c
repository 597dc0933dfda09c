/* SPDX-License-Identifier: MIT
 *
 * Descriptors at their edges: signals for a group, positions of locks, numbers beyond the limit,
 * memory that is not there, pipes whose readers, writers and movers wait, are interrupted, or
 * have nobody at the other side.
 */
#include "tests/user/t.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#define BAD         ((void *)16)
#define SET_RW_HINT 1036
#define GET_RW_HINT 1035
#define SETOWN_EX   15
#define GETOWN_EX   16

static volatile int signals;
static int p[2], q[2];
static char big[1 << 17];

static void count(int sig)
{
    (void)sig;
    signals++;
}

static void on(int sig, int flags)
{
    struct sigaction sa = {.sa_handler = count, .sa_flags = flags};

    OK(sigaction(sig, &sa, NULL));
}

/* Interrupts the child until it has ended. */
static void interrupt(pid_t child)
{
    int status;

    t_until_asleep(child);
    while (waitpid(child, &status, WNOHANG) == 0) {
        OK(kill(child, SIGUSR1));
        t_nap(1000);
    }
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(group, "a group is told of input, and as owner has a negative number")
{
    int ready[2], ex[2];
    pid_t child;
    long r;

    OK(setpgid(0, 0));
    OK(pipe(p));
    OK(pipe(ready));
    on(SIGIO, 0);
    child = t_fork();
    if (!child) {
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGIO);
        OK(sigprocmask(SIG_BLOCK, &set, NULL));
        EQ(write(ready[1], "x", 1), 1);
        EQ(sigwaitinfo(&set, NULL), SIGIO);
        _exit(0);
    }
    EQ(read(ready[0], big, 1), 1);
    OK(fcntl(p[0], F_SETOWN, -getpgrp()));
    r = syscall(SYS_fcntl, p[0], F_GETOWN, 0);
    EQ(r == -1 ? -errno : r,
       -getpgrp()); /* small ones look like errors to the C library */
    OK(fcntl(p[0], GETOWN_EX, ex));
    EQ(ex[0], 2);
    EQ(ex[1], getpgrp());
    OK(fcntl(p[0], F_SETFL, O_ASYNC));
    EQ(write(p[1], "x", 1), 1);
    while (!signals)
        t_nap(1000);
    t_join(child);
    ex[0] = 1; /* one process */
    ex[1] = getpid();
    OK(fcntl(p[0], SETOWN_EX, ex));
    EQ(fcntl(p[0], F_GETOWN), getpid());
    ex[1] = -getpid();
    ERR(fcntl(p[0], SETOWN_EX, ex), ESRCH);
    ERR(fcntl(p[0], GETOWN_EX, BAD), EFAULT);
}

TEST(lock_from_here, "locks of bytes relative to the position")
{
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_start = -4, .l_len = 2};
    int fd = t_make("f", "0123456789");

    EQ(lseek(fd, 7, SEEK_SET), 7);
    OK(fcntl(fd, F_SETLK, &l));
    CHILD({
        struct flock g = {.l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_start = -7};

        OK(fcntl(fd, F_GETLK, &g));
        EQ(g.l_type, F_WRLCK);
        EQ(g.l_whence, SEEK_SET);
        EQ(g.l_start, 3);
        EQ(g.l_len, 2);
    });
    l.l_start = -8;
    ERR(fcntl(fd, F_SETLK, &l), EINVAL);
    l.l_start = INT64_MAX - 6;
    ERR(fcntl(fd, F_SETLK, &l), EOVERFLOW);
    l.l_start = INT64_MAX - 7;
    l.l_len = 1;
    OK(fcntl(fd, F_SETLK, &l));
    l.l_len = 2;
    ERR(fcntl(fd, F_SETLK, &l), EOVERFLOW);
    l.l_len = -8;
    l.l_start = 0;
    ERR(fcntl(fd, F_SETLK, &l), EINVAL);
    l.l_whence = SEEK_END;
    l.l_start = INT64_MAX - 9;
    ERR(fcntl(fd, F_SETLK, &l), EOVERFLOW);
}

TEST(bad_memory, "controls of descriptors with memory that is not there")
{
    uint64_t hint = 6;
    int fd = t_make("f", "0123456789"), n = 1;

    ERR(fcntl(fd, SET_RW_HINT, BAD), EFAULT);
    ERR(fcntl(fd, GET_RW_HINT, BAD), EFAULT);
    ERR(fcntl(fd, SET_RW_HINT, &hint), EINVAL);
    ERR(ioctl(fd, FIOASYNC, BAD), EFAULT);
    ERR(ioctl(fd, FIONBIO, BAD), EFAULT);
    ERR(ioctl(fd, FIONREAD, BAD), EFAULT);
    ERR(ioctl(fd, FIOASYNC, &n), ENOTTY);
    n = 0;
    OK(ioctl(fd, FIOASYNC, &n));
    EQ(lseek(fd, 4, SEEK_SET), 4);
    OK(ioctl(fd, FIONREAD, &n));
    EQ(n, 6);
    EQ(lseek(fd, 14, SEEK_SET), 14);
    OK(ioctl(fd, FIONREAD, &n));
    EQ(n, -4); /* as Linux counts */
    ERR(ioctl(open(".", O_RDONLY), FIONREAD, &n), ENOTTY);
}

TEST(numbers, "descriptors at the limit of their number")
{
    struct rlimit r = {20, 20};
    int fd;

    OK(fd = dup(0));
    OK(close(fd));
    OK(setrlimit(RLIMIT_NOFILE, &r));
    ERR(dup2(0, 20), EBADF);
    ERR(dup2(0, -1), EBADF);
    ERR(dup2(1000, 20), EBADF);
    ERR(dup3(0, 20, 0), EBADF);
    ERR(syscall(SYS_dup3, 0, 5, O_NONBLOCK), EINVAL);
    ERR(syscall(SYS_dup3, 0, 0, 0), EINVAL);
    ERR(fcntl(0, F_DUPFD, 20), EINVAL);
    ERR(fcntl(0, F_DUPFD, -1), EINVAL);
    EQ(fcntl(0, F_DUPFD, 19), 19);
    ERR(fcntl(0, F_DUPFD, 19), EMFILE);
    while (dup(0) >= 0)
        ;
    EQ(errno, EMFILE);
    EQ(dup2(0, 19), 19);
    ERR(pipe(p), EMFILE);
    ERR(open(".", O_RDONLY), EMFILE);
    OK(close(18));
    ERR(pipe(p), EMFILE);
    EQ(dup(0), 18);
    ERR(fcntl(18 + 1000, F_SETFD, 1), EBADF);
    ERR(fcntl(18 + 1000, F_GETFD), EBADF);
    r.rlim_cur = 10; /* those above stay */
    OK(setrlimit(RLIMIT_NOFILE, &r));
    OK(fcntl(18, F_GETFD));
    ERR(dup2(0, 18), EBADF);
}

/* Fills what does not block, and then does. */
static void fill(int fd)
{
    OK(fcntl(fd, F_SETFL, O_NONBLOCK));
    while (write(fd, big, 4096) > 0)
        ;
    EQ(errno, EAGAIN);
    OK(fcntl(fd, F_SETFL, 0));
}

TEST(write_signal, "a writer that is interrupted says what it has written, or nothing")
{
    pid_t child;

    OK(pipe(p));
    fill(p[1]);
    child = t_fork();
    if (!child) {
        on(SIGUSR1, 0);
        ERR(write(p[1], "x", 1), EINTR);
        _exit(0);
    }
    interrupt(child);
    OK(pipe(p));
    child = t_fork();
    if (!child) {
        on(SIGUSR1, SA_RESTART);
        EQ(write(p[1], big, sizeof(big)), 65536);
        _exit(0);
    }
    interrupt(child);
    OK(mkfifo("fifo", 0600));
    for (int i = 0; i < 2; i++) {
        child = t_fork();
        if (!child) {
            on(SIGUSR1, 0);
            ERR(open("fifo", i ? O_WRONLY : O_RDONLY), EINTR);
            _exit(0);
        }
        interrupt(child);
    }
    ERR(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO); /* nobody is left there */
}

TEST(moved, "splice and tee wait for bytes and for room")
{
    pid_t child;

    OK(pipe(p));
    OK(pipe(q));
    ERR(splice(p[0], NULL, q[1], NULL, 10, SPLICE_F_NONBLOCK), EAGAIN);
    ERR(tee(p[0], q[1], 10, SPLICE_F_NONBLOCK), EAGAIN);
    child = t_fork();
    if (!child) {
        EQ(splice(p[0], NULL, q[1], NULL, 10, 0), 1);
        EQ(tee(p[0], q[1], 10, 0), 1);
        _exit(0);
    }
    t_until_asleep(child);
    EQ(write(p[1], "x", 1), 1);
    EQ(read(q[0], big, 10), 1);
    t_until_asleep(child);
    EQ(write(p[1], "y", 1), 1);
    t_join(child);
    EQ(read(q[0], big, 10), 1);
    EQ(big[0], 'y');

    fill(q[1]);
    ERR(splice(p[0], NULL, q[1], NULL, 10, SPLICE_F_NONBLOCK), EAGAIN);
    child = t_fork();
    if (!child) {
        EQ(splice(p[0], NULL, q[1], NULL, 10, 0), 1);
        _exit(0);
    }
    t_until_asleep(child);
    EQ(read(q[0], big, 65536), 65536);
    t_join(child);
    EQ(read(q[0], big, 10), 1);
    OK(close(p[1]));
    EQ(splice(p[0], NULL, q[1], NULL, 10, 0), 0); /* no writer is left */
}

TEST(moved_signal, "and are interrupted")
{
    pid_t child;
    int fd = t_make("f", "text");

    OK(pipe(p));
    OK(pipe(q));
    child = t_fork();
    if (!child) {
        on(SIGUSR1, 0);
        ERR(splice(p[0], NULL, q[1], NULL, 10, 0), EINTR);
        ERR(tee(p[0], q[1], 10, 0), EINTR);
        ERR(splice(p[0], NULL, fd, NULL, 10, 0), EINTR);
        fill(q[1]);
        EQ(lseek(fd, 0, SEEK_SET), 0);
        ERR(splice(fd, NULL, q[1], NULL, 10, 0), EINTR);
        EQ(lseek(fd, 0, SEEK_CUR), 0);
        ERR(vmsplice(q[1], &(struct iovec){big, 5}, 1, 0), EINTR);
        _exit(0);
    }
    interrupt(child);
}

TEST(moved_nowhere, "into a pipe that nobody reads: EPIPE and a signal")
{
    int fd = t_make("f", "text");

    on(SIGPIPE, 0);
    OK(pipe(p));
    OK(pipe(q));
    EQ(write(p[1], "ab", 2), 2);
    OK(close(q[0]));
    ERR(splice(p[0], NULL, q[1], NULL, 10, 0), EPIPE);
    EQ(signals, 1);
    ERR(tee(p[0], q[1], 10, 0), EPIPE);
    EQ(signals, 2);
    ERR(splice(fd, NULL, q[1], NULL, 10, 0), EPIPE);
    EQ(signals, 3);
    ERR(vmsplice(q[1], &(struct iovec){big, 5}, 1, 0), EPIPE);
    EQ(signals, 4);
    ERR(sendfile(q[1], fd, NULL, 4), EPIPE);
    EQ(signals, 5); /* even where the file has ended */
    EQ(lseek(fd, 0, SEEK_SET), 0);
    ERR(sendfile(q[1], fd, NULL, 4), EPIPE);
    ERR(splice(fd, NULL, q[1], NULL, 10, 0), EPIPE);
    EQ(signals, 7);
    EQ(lseek(fd, 0, SEEK_CUR), 0);
    EQ(read(p[0], big, 10), 2); /* nothing was taken */
}

TEST(sent, "sendfile to a pipe is a splice: it waits for room, not for more of it")
{
    int fd = t_make("f", "text");

    OK(pipe(p));
    fill(p[1]);
    OK(fcntl(p[1], F_SETFL, O_NONBLOCK));
    ERR(sendfile(p[1], fd, NULL, 4), EAGAIN); /* though it has ended */
    EQ(read(p[0], big, 65536), 65536);
    OK(fcntl(p[1], F_SETFL, 0));
    EQ(sendfile(p[1], fd, NULL, 4), 0);
    OK(ftruncate(fd, 1 << 20));
    EQ(lseek(fd, 0, SEEK_SET), 0);
    EQ(sendfile(p[1], fd, NULL, 1 << 20), 65536);
    EQ(lseek(fd, 0, SEEK_CUR), 65536);
}

TEST(waiting_reader, "who waits for room learns that the last reader has gone")
{
    pid_t child;

    on(SIGPIPE, 0);
    OK(pipe(p));
    OK(pipe(q));
    fill(q[1]);
    EQ(write(p[1], "ab", 2), 2);
    child = t_fork();
    if (!child) {
        OK(close(q[0]));
        ERR(splice(p[0], NULL, q[1], NULL, 10, 0), EPIPE);
        EQ(signals, 1);
        _exit(0);
    }
    t_until_asleep(child);
    OK(close(q[0]));
    t_join(child);
}

static void sysctl(const char *name, const char *text)
{
    char path[100];
    int fd;

    snprintf(path, sizeof(path), "/proc/sys/fs/%s", name);
    OK(fd = open(path, O_WRONLY));
    EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    OK(close(fd));
}

TEST(pipe_limits, "the rooms of a user's pipes")
{
    if (!t_tessera)
        SKIP("they are the machine's");
    sysctl("pipe-user-pages-soft", "40");
    sysctl("pipe-user-pages-hard", "45");
    CHILD({
        OK(setresuid(1234, 1234, 1234));
        for (int i = 0; i < 2; i++)
            OK(pipe(p));
        EQ(fcntl(p[0], F_GETPIPE_SZ), 65536);
        ERR(fcntl(p[0], F_SETPIPE_SZ, 1 << 17), EPERM);
        for (int i = 0; i < 6; i++)
            OK(pipe(p)); /* poor ones */
        EQ(fcntl(p[0], F_GETPIPE_SZ), 8192);
        ERR(pipe(p), ENFILE);
        OK(fcntl(p[0], F_SETPIPE_SZ, 4096));
        ERR(fcntl(p[0], F_SETPIPE_SZ, 1 << 17), EPERM);
    });
    OK(pipe(p)); /* root has no bound */
    sysctl("pipe-user-pages-soft", "16384");
    sysctl("pipe-user-pages-hard", "0");
}

TEST(pipe_most, "the largest pipe that others than root may make")
{
    int fd;

    if (!t_tessera)
        SKIP("it is the machine's");
    OK(fd = open("/proc/sys/fs/pipe-max-size", O_RDWR));
    EQ(read(fd, big, 100), 8);
    CHECK(memcmp(big, "1048576\n", 8) == 0);
    ERR(pwrite(fd, "0", 1, 0), EINVAL);
    ERR(pwrite(fd, "x", 1, 0), EINVAL);
    ERR(pwrite(fd, "2147483649", 10, 0), EINVAL);
    EQ(pwrite(fd, "70000\n", 6, 0), 6);
    EQ(pread(fd, big, 100, 0), 7);
    CHECK(memcmp(big, "131072\n", 7) == 0);
    OK(pipe(p));
    CHILD({
        OK(setresuid(1234, 1234, 1234));
        ERR(fcntl(p[0], F_SETPIPE_SZ, 131073), EPERM);
        EQ(fcntl(p[0], F_SETPIPE_SZ, 131071), 131072);
    });
    EQ(fcntl(p[0], F_SETPIPE_SZ, 1 << 20), 1 << 20);
    EQ(pwrite(fd, "1", 1, 0), 1);
    EQ(pread(fd, big, 100, 0), 5);
    EQ(pwrite(fd, "1048576", 7, 0), 7);
    OK(fd = open("/proc/sys/fs/file-nr", O_RDONLY));
    CHECK(read(fd, big, 100) > 5);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
