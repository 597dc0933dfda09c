/* SPDX-License-Identifier: MIT
 *
 * Signals that tell of events of a file: O_ASYNC, F_SETOWN, F_SETSIG and their kin.
 */
#include "tests/user/t.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#ifndef F_SETSIG
#define F_SETSIG 10
#define F_GETSIG 11
#endif
#define F_SETOWN_EX_ 15
#define F_GETOWN_EX_ 16

struct owner {
    int type;
    pid_t pid;
};

static volatile int got, last_fd, last_code;
static volatile long last_band;

static void on_signal(int signo, siginfo_t *info, void *context)
{
    (void)context;
    got = signo;
    last_fd = info->si_fd;
    last_code = info->si_code;
    last_band = info->si_band;
}

static void catch (int signo)
{
    struct sigaction act = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};

    OK(sigaction(signo, &act, NULL));
}

/* Whether a signal came, with some time for it. */
static int came(void)
{
    int signo;

    for (int i = 0; !got && i < 50; i++)
        nanosleep(&(struct timespec){0, 2000000}, NULL);
    signo = got;
    got = 0;
    return signo;
}

TEST(owner, "who gets the signals: processes, threads, groups that exist")
{
    struct owner o = {2, 0};
    int fds[2];

    OK(pipe(fds));
    EQ(fcntl(fds[0], F_GETOWN), 0);
    OK(fcntl(fds[0], F_SETOWN, getpid()));
    EQ(fcntl(fds[0], F_GETOWN), getpid());
    OK(fcntl(fds[0], F_GETOWN_EX_, &o));
    EQ(o.type, 1);
    EQ(o.pid, getpid());
    ERR(fcntl(fds[0], F_SETOWN, 4000000), ESRCH);
    ERR(fcntl(fds[0], F_SETOWN, -4000000), ESRCH);
    ERR(fcntl(fds[0], F_SETOWN, 1u << 31), EINVAL);
    EQ(fcntl(fds[0], F_GETOWN), getpid());
    o.type = 2;
    o.pid = getpgrp();
    OK(fcntl(fds[0], F_SETOWN_EX_, &o));
    OK(fcntl(fds[0], F_GETOWN_EX_, &o));
    EQ(o.type, 2);
    EQ(o.pid, getpgrp());
    o.type = 3;
    ERR(fcntl(fds[0], F_SETOWN_EX_, &o), EINVAL);
    o.type = 0;
    o.pid = 4000000;
    ERR(fcntl(fds[0], F_SETOWN_EX_, &o), ESRCH);
    ERR(fcntl(fds[0], F_SETOWN_EX_, (void *)8), EFAULT);
    OK(fcntl(fds[0], F_SETOWN, 0));
    EQ(fcntl(fds[0], F_GETOWN), 0);
    EQ(fcntl(fds[0], F_GETSIG), 0);
    OK(fcntl(fds[0], F_SETSIG, SIGUSR1));
    EQ(fcntl(fds[0], F_GETSIG), SIGUSR1);
    ERR(fcntl(fds[0], F_SETSIG, 65), EINVAL);
    ERR(fcntl(fds[0], F_SETSIG, -1), EINVAL);
    pid_t child = fork();
    if (!child)
        _exit(0);
    OK(fcntl(fds[0], F_SETOWN, child));
    OK(waitpid(child, NULL, 0));
    EQ(fcntl(fds[0], F_GETOWN), 0); /* gone */
}

TEST(input,
     "a pipe's reader is told of each write, the end too; with particulars on demand")
{
    int fds[2], on = 1;
    char b[8];

    catch (SIGIO);
    catch (SIGRTMIN + 1);
    OK(pipe(fds));
    EQ(write(fds[1], "x", 1), 1);
    OK(fcntl(fds[0], F_SETFL, O_ASYNC));
    CHECK(fcntl(fds[0], F_GETFL) & O_ASYNC);
    EQ(write(fds[1], "x", 1), 1);
    EQ(came(), 0); /* nobody owns it */
    OK(fcntl(fds[0], F_SETOWN, getpid()));
    EQ(write(fds[1], "x", 1), 1);
    EQ(came(), SIGIO);
    OK(fcntl(fds[0], F_SETSIG, SIGRTMIN + 1));
    EQ(write(fds[1], "x", 1), 1);
    EQ(came(), SIGRTMIN + 1);
    EQ(last_fd, fds[0]);
    EQ(last_code, POLL_IN);
    EQ(last_band, POLLIN | POLLRDNORM);
    OK(fcntl(fds[0], F_SETFL, 0));
    EQ(write(fds[1], "x", 1), 1);
    EQ(came(), 0);
    OK(ioctl(fds[0], FIOASYNC, &on));
    CHECK(fcntl(fds[0], F_GETFL) & O_ASYNC);
    EQ(read(fds[0], b, 8), 5);
    got = 0;
    OK(close(fds[1]));
    EQ(came(), SIGRTMIN + 1);
    close(fds[0]);
}

TEST(output, "a pipe's writer is told of room")
{
    static char buf[65536];
    int fds[2];

    catch (SIGIO);
    OK(pipe(fds));
    OK(fcntl(fds[1], F_SETFL, O_ASYNC | O_NONBLOCK));
    OK(fcntl(fds[1], F_SETOWN, getpid()));
    while (write(fds[1], buf, sizeof(buf)) > 0)
        ;
    got = 0;
    EQ(read(fds[0], buf, sizeof(buf)), sizeof(buf));
    EQ(came(), SIGIO);
}

TEST(others,
     "another process gets them, nobody after the file is closed; files ignore the flag")
{
    int fds[2], status;

    catch (SIGIO);
    OK(pipe(fds));
    pid_t child = fork();
    if (!child) {
        while (!got)
            pause();
        _exit(3);
    }
    OK(fcntl(fds[0], F_SETFL, O_ASYNC));
    OK(fcntl(fds[0], F_SETOWN, child));
    do {
        EQ(write(fds[1], "x", 1), 1);
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    } while (waitpid(child, &status, WNOHANG) == 0);
    EQ(WEXITSTATUS(status), 3);
    OK(fcntl(fds[0], F_SETOWN, getpid()));
    int copy = dup(fds[0]);
    close(fds[0]);
    EQ(write(fds[1], "x", 1), 1);
    EQ(came(), SIGIO); /* it is the open file's */
    close(copy);
    close(fds[1]);
    got = 0;
    int fd = memfd_create("async", 0);
    OK(fcntl(fd, F_SETFL, O_ASYNC));
    EQ(fcntl(fd, F_GETFL) & O_ASYNC, 0);
}

TEST(flood,
     "kill of a real-time signal queues up to the limit, and still arrives beyond it")
{
    struct rlimit limit = {10, 10};
    struct timespec none = {0, 0};
    siginfo_t info;
    sigset_t set;
    int n = 0;

    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 2);
    OK(sigprocmask(SIG_BLOCK, &set, NULL));
    OK(setrlimit(RLIMIT_SIGPENDING, &limit));
    for (int i = 0; i < 1000; i++)
        OK(kill(getpid(), SIGRTMIN + 2));
    while (sigtimedwait(&set, &info, &none) > 0)
        n++;
    CHECK(n >= 1 && n <= 12);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
