/* SPDX-License-Identifier: MIT
 *
 * Limits of a user: processes with their threads, queued signals, room of pipes. Every case
 * works as a user that nobody else is.
 */
#include "tests/user/t.h"
#include <grp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define NOBODY_ELSE 54321

static void limit(int which, rlim_t most)
{
    struct rlimit r = {most, most};
    OK(setrlimit(which, &r));
}

static void need_root(void)
{
    if (geteuid() != 0)
        SKIP("needs root");
}

static void become(void)
{
    OK(setgroups(0, NULL));
    OK(setuid(NOBODY_ELSE));
}

static void *waits(void *arg)
{
    pause();
    return arg;
}

static int start_thread(void)
{
    pthread_t t;
    return pthread_create(&t, NULL, waits, NULL);
}

TEST(threads, "threads count in RLIMIT_NPROC, and forks with them")
{
    need_root();
    limit(RLIMIT_NPROC, 4);
    become();
    for (int i = 0; i < 3; i++)
        EQ(start_thread(), 0);
    EQ(start_thread(), EAGAIN);
    ERR(fork(), EAGAIN);
}

TEST(exec_tells, "exec tells what setuid may not: too many processes")
{
    pid_t pids[2];

    need_root();
    for (int i = 0; i < 2; i++) {
        OK(pids[i] = fork());
        if (pids[i])
            continue;
        if (setuid(NOBODY_ELSE))
            _exit(1);
        for (;;)
            pause();
    }
    usleep(20000);
    limit(RLIMIT_NPROC, 1);
    become();
    char *argv[] = {"true", NULL};
    ERR(execve("/proc/self/exe", argv, NULL), EAGAIN);
    for (int i = 0; i < 2; i++)
        kill(pids[i], SIGKILL);
}

TEST(signals, "RLIMIT_SIGPENDING counts the queued signals of all processes of a user")
{
    union sigval v = {0};
    sigset_t set;

    need_root();
    limit(RLIMIT_SIGPENDING, 6);
    become();
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    OK(sigprocmask(SIG_BLOCK, &set, NULL));
    for (int i = 0; i < 4; i++)
        OK(sigqueue(getpid(), SIGRTMIN + 1, v));
    pid_t pid = fork();
    OK(pid);
    if (!pid) {
        int n = 0;
        while (n < 10 && sigqueue(getpid(), SIGRTMIN + 1, v) == 0)
            n++;
        _exit(errno == EAGAIN ? n : 99);
    }
    EQ(t_status_of(pid), 2 << 8);
    EQ(sigwaitinfo(&set, NULL), SIGRTMIN + 1);
    for (int i = 0; i < 3; i++)
        OK(sigqueue(getpid(), SIGRTMIN + 1, v)); /* the child's went with it */
    ERR(sigqueue(getpid(), SIGRTMIN + 1, v), EAGAIN);
}

static long setting(const char *path)
{
    char text[32] = "";
    int fd = open(path, O_RDONLY);
    OK(fd);
    OK(read(fd, text, sizeof(text) - 1));
    close(fd);
    return atol(text);
}

TEST(pipes, "beyond the soft limit pipes are small and do not grow, below it they may")
{
    long soft = setting("/proc/sys/fs/pipe-user-pages-soft");
    int end[2];

    need_root();
    if (soft <= 0 || soft > 20000)
        SKIP("a limit of %ld pages", soft);
    limit(RLIMIT_NOFILE, 4096);
    become();
    for (long pages = 0; pages + 256 <= soft; pages += 256) {
        OK(pipe(end));
        EQ(fcntl(end[1], F_SETPIPE_SZ, 1 << 20), 1 << 20);
    }
    for (int i = 0; i < 40; i++)
        OK(pipe(end));
    EQ(fcntl(end[0], F_GETPIPE_SZ), 2 * P);
    ERR(fcntl(end[0], F_SETPIPE_SZ, 16 * P), EPERM);
    EQ(fcntl(end[0], F_SETPIPE_SZ, P), P); /* smaller is allowed */
    ERR(fcntl(end[0], F_SETPIPE_SZ, 2 << 20), EPERM);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
