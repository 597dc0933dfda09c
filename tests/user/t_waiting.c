/* SPDX-License-Identifier: MIT
 *
 * /proc/PID/syscall and /proc/PID/wchan: what a thread waits in, told to who may look.
 */
#include "tests/user/t.h"
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>

static void text_of(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY);
    ssize_t n;

    OK(fd);
    OK(n = read(fd, out, size - 1));
    out[n] = 0;
    close(fd);
}

static const char *path_of(pid_t pid, const char *file)
{
    static char path[64];

    snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
    return path;
}

/* A child that reads from an empty pipe. */
static pid_t reader(int fd[2], char *buf)
{
    OK(pipe(fd));
    pid_t pid = t_fork();
    if (!pid) {
        close(fd[1]);
        _exit(read(fd[0], buf, 123) == 0 ? 0 : 1);
    }
    close(fd[0]);
    return pid;
}

TEST(syscall,
     "the call with its arguments, stack and instruction; running; nothing of a zombie")
{
    static char buf[123];
    char text[512];
    unsigned long v[9];
    long nr = -2;
    int fd[2];
    pid_t pid = reader(fd, buf);

    while (nr != SYS_read || v[0] != (unsigned long)fd[0]) { /* until it is there */
        text_of(path_of(pid, "syscall"), text, sizeof(text));
        if (sscanf(text, "%ld %lx %lx %lx %lx %lx %lx %lx %lx\n", &nr, &v[0], &v[1],
                   &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]) != 9)
            nr = -2;
    }
    EQ(v[1], (unsigned long)buf);
    EQ(v[2], sizeof(buf));
    CHECK(v[6] > 4096 && v[7] > 4096);
    close(fd[1]);
    t_join(pid);
    text_of("/proc/self/syscall", text, sizeof(text));
    EQ(sscanf(text, "%ld %lx %lx", &nr, &v[0], &v[1]), 3);
    EQ(nr, SYS_read);
    pid = t_fork();
    if (!pid)
        for (;;)
            ;
    do
        text_of(path_of(pid, "syscall"), text, sizeof(text));
    while (strcmp(text, "running\n") != 0);
    text_of(path_of(pid, "wchan"), text, sizeof(text));
    CHECK(!strcmp(text, "0"));
    OK(kill(pid, SIGKILL));
    siginfo_t info;
    OK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
    text_of(path_of(pid, "syscall"), text, sizeof(text));
    if (strcmp(text, "-1 0x0 0x0\n") != 0)
        FAIL("zombie: %s", text);
    EQ(t_status_of(pid), SIGKILL);
}

TEST(wchan, "the name of a function while it waits")
{
    char text[128];
    int fd[2];
    pid_t pid = reader(fd, text);

    do
        text_of(path_of(pid, "wchan"), text, sizeof(text));
    while (!strcmp(text, "0"));
    for (const char *c = text; *c; c++)
        CHECK((*c >= 'a' && *c <= 'z') || *c == '_' || *c == '.' ||
              (*c >= '0' && *c <= '9'));
    CHECK(text[0] < '0' || text[0] > '9');
    text_of("/proc/self/wchan", text, sizeof(text));
    CHECK(!strcmp(text, "0"));
    close(fd[1]);
    t_join(pid);
}

static void *waits_for_bytes(void *fd)
{
    char c;

    (void)!read(*(int *)fd, &c, 1);
    return NULL;
}

TEST(threads, "each thread's own file")
{
    char path[64], text[512];
    pthread_t t;
    int fd[2];

    OK(pipe(fd));
    EQ(pthread_create(&t, NULL, waits_for_bytes, &fd[0]), 0);
    snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", getpid() + 1);
    for (pid_t tid = getpid() + 1; access(path, F_OK) != 0; tid++)
        snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", tid);
    do
        text_of(path, text, sizeof(text));
    while (strncmp(text, "0 0x", 4) != 0);
    close(fd[1]);
    pthread_join(t, NULL);
}

TEST(rights, "who may not look into the process: EPERM or EACCES, and no name")
{
    char text[128];
    int fd[2], own;
    pid_t pid;

    if (getuid() != 0)
        SKIP("needs root");
    pid = reader(fd, text);
    OK(own = open(path_of(pid, "syscall"), O_RDONLY));
    CHILD({
        OK(setgroups(0, NULL));
        OK(setgid(1000));
        OK(setuid(1000));
        ERR(open(path_of(pid, "syscall"), O_RDONLY), EACCES);
        ERR(read(own, text, 10), EPERM); /* asked again with each read */
        text_of(path_of(pid, "wchan"), text, sizeof(text));
        CHECK(!strcmp(text, "0"));
    });
    close(fd[1]);
    t_join(pid);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
