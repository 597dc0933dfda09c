/* SPDX-License-Identifier: MIT
 *
 * Cases of unrelated processes: calls, futexes, pipes, files, forks.
 */
#include "scale.h"

#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WARM = 64, COUNT = 256, FORKS = 32 };
enum { FUTEX_WAIT, FUTEX_WAKE };

/* The least there is: what the tick alone does. */
static int nothing(struct worker *w, unsigned i)
{
    (void)w;
    (void)i;
    return 0;
}

static int null_call(struct worker *w, unsigned i)
{
    (void)w;
    (void)i;
    return syscall(SYS_getppid) < 0 ? -1 : 0;
}

/* Wakes nobody, then would wait for what is not so. */
static int futex_call(struct worker *w, unsigned i)
{
    (void)i;
    syscall(SYS_futex, &w->word, FUTEX_WAKE, 1, NULL, NULL, 0);
    syscall(SYS_futex, &w->word, FUTEX_WAIT, 1, NULL, NULL, 0);
    return 0;
}

static void own_pipe(struct worker *w)
{
    if (pipe(w->pipe))
        die("pipe");
}

static int write_and_read(struct worker *w, unsigned i)
{
    char text[64] = {0};

    (void)i;
    if (write(w->pipe[1], text, sizeof(text)) != sizeof(text) ||
        read(w->pipe[0], text, sizeof(text)) != sizeof(text))
        die("pipe");
    return 0;
}

static void own_file(struct worker *w)
{
    w->fd = file(16, 1);
}

static int read_file(struct worker *w, unsigned i)
{
    char text[512];

    if (pread(w->fd, text, sizeof(text), (off_t)(i % 16 * P)) != sizeof(text))
        die("pread");
    return 0;
}

static int write_file(struct worker *w, unsigned i)
{
    char text[512] = {0};

    if (pwrite(w->fd, text, sizeof(text), (off_t)(i % 16 * P)) != sizeof(text))
        die("pwrite");
    return 0;
}

static int fork_and_wait(struct worker *w, unsigned i)
{
    pid_t pid = fork();

    (void)w;
    (void)i;
    if (pid == 0)
        _exit(0);
    if (pid < 0 || waitpid(pid, NULL, 0) != pid)
        die("fork");
    return 0;
}

const struct kase system_cases[] = {
    {"nothing", 1, WARM, COUNT, NULL, NULL, nothing},
    {"null call, processes", 1, WARM, COUNT, NULL, NULL, null_call},
    {"null call, threads", 0, WARM, COUNT, NULL, NULL, null_call},
    {"futex wake and wait, processes", 1, WARM, COUNT, NULL, NULL, futex_call},
    {"pipe write and read, processes", 1, WARM, COUNT, NULL, own_pipe, write_and_read},
    {"file read, processes", 1, WARM, COUNT, NULL, own_file, read_file},
    {"file write, processes", 1, WARM, COUNT, NULL, own_file, write_file},
    {"fork, exit, wait, processes", 1, FORKS / 4, FORKS, NULL, NULL, fork_and_wait},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};
