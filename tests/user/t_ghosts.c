/* SPDX-License-Identifier: MIT
 *
 * What is granted or queued after its owner has gone: locks whose descriptor was closed while
 * a thread waited, waiters that were killed, circles that close later.
 */
#include "tests/user/t.h"
#include <pthread.h>
#include <sched.h>
#include <sys/file.h>

static int set(int fd, int cmd, int type, long start)
{
    struct flock l = {.l_type = (short)type, .l_whence = SEEK_SET, .l_start = start};

    l.l_len = 1;
    return fcntl(fd, cmd, &l);
}

static int type_seen(int fd, long start)
{
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start};

    l.l_len = 1;
    OK(fcntl(fd, F_GETLK, &l));
    return l.l_type;
}

/* Whether thread tid sleeps, by its line in /proc. */
static bool sleeps(pid_t pid)
{
    char path[64], text[512] = "", *end;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    fd = open(path, O_RDONLY);
    if (fd < 0)
        return false;
    if (read(fd, text, sizeof(text) - 1) < 0)
        text[0] = 0;
    close(fd);
    end = strrchr(text, ')');
    return end && end[2] == 'S';
}

static void until_sleeps(pid_t pid)
{
    while (!sleeps(pid))
        t_nap(1000);
}

struct wait_case {
    int fd, result, error;
    volatile int started;
};

static void *wait_for_lock(void *arg)
{
    struct wait_case *w = arg;

    w->started = 1;
    w->result = set(w->fd, F_SETLKW, F_WRLCK, 0);
    w->error = errno;
    return NULL;
}

/* A process that holds byte 0 of the file until something comes through the pipe. */
static pid_t holder(int *release)
{
    int ready[2], go[2];
    char c;
    pid_t pid;

    OK(pipe(ready));
    OK(pipe(go));
    pid = t_fork();
    if (!pid) {
        int fd = open("file", O_RDWR);

        close(go[1]);
        OK(set(fd, F_SETLK, F_WRLCK, 0));
        EQ(write(ready[1], "r", 1), 1);
        (void)!read(go[0], &c, 1);
        _exit(0);
    }
    EQ(read(ready[0], &c, 1), 1);
    close(go[0]);
    *release = go[1];
    return pid;
}

enum closing { CLOSE, REPLACE };

static void close_while_waiting(enum closing how)
{
    struct wait_case w = {.result = 5};
    pthread_t t;
    int release, other;
    pid_t pid;

    close(t_make("file", "0123456789"));
    pid = holder(&release);
    w.fd = open("file", O_RDWR);
    OK(w.fd);
    EQ(pthread_create(&t, NULL, wait_for_lock, &w), 0);
    while (!w.started)
        sched_yield();
    t_nap(30000);
    other = open("/dev/null", O_RDWR);
    if (how == CLOSE)
        OK(close(w.fd));
    else
        OK(dup2(other, w.fd));
    OK(close(release));
    t_join(pid);
    EQ(pthread_join(t, NULL), 0);
    EQ(w.result, -1);
    EQ(w.error, EBADF);
}

static void nobody_holds_it(void)
{
    CHILD({
        int fd = open("file", O_RDWR);
        EQ(type_seen(fd, 0), F_UNLCK);
        OK(set(fd, F_SETLK, F_WRLCK, 0));
    });
}

TEST(close, "a record that is granted after close() does not stay")
{
    CHILD({
        close_while_waiting(CLOSE);
        nobody_holds_it();
    });
    nobody_holds_it();
}

TEST(replace, "the same with dup2 over the descriptor")
{
    CHILD({
        close_while_waiting(REPLACE);
        nobody_holds_it();
    });
    nobody_holds_it();
}

TEST(fresh, "new files carry no lock of old ones")
{
    char name[32];

    for (int i = 0; i < 5; i++) {
        CHILD({ close_while_waiting(CLOSE); });
        OK(unlink("file"));
    }
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof(name), "new%d", i);
        int fd = open(name, O_RDWR | O_CREAT, 0600);
        OK(fd);
        EQ(type_seen(fd, 0), F_UNLCK);
        OK(close(fd));
        OK(unlink(name));
    }
}

TEST(killed, "a killed waiter gets neither a record nor a flock")
{
    int release, fd = t_make("file", "0123456789");
    pid_t pid = holder(&release), waiter = t_fork();

    if (!waiter)
        _exit(set(open("file", O_RDWR), F_SETLKW, F_WRLCK, 0) == 0);
    until_sleeps(waiter);
    OK(kill(waiter, SIGKILL));
    CHECK(WIFSIGNALED(t_status_of(waiter)));
    OK(close(release));
    t_join(pid);
    nobody_holds_it();

    OK(flock(fd, LOCK_EX));
    waiter = t_fork();
    if (!waiter) {
        int own = open("file", O_RDWR);

        close(fd);
        _exit(flock(own, LOCK_EX) == 0);
    }
    until_sleeps(waiter);
    OK(kill(waiter, SIGKILL));
    CHECK(WIFSIGNALED(t_status_of(waiter)));
    OK(flock(fd, LOCK_UN));
    OK(flock(open("file", O_RDWR), LOCK_EX | LOCK_NB));
}

/* Holds byte `own` and waits for byte `next`; `after`: only when that one sleeps. */
static pid_t chain(int own, int next, pid_t after)
{
    int ready[2];
    char c;
    pid_t pid;

    OK(pipe(ready));
    pid = t_fork();
    if (!pid) {
        int fd = open("file", O_RDWR);

        OK(set(fd, F_SETLK, F_WRLCK, own));
        EQ(write(ready[1], "r", 1), 1);
        if (after)
            until_sleeps(after);
        _exit(set(fd, F_SETLKW, F_WRLCK, next) == 0 ? 0 : errno);
    }
    EQ(read(ready[0], &c, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

TEST(circle, "a circle over three owners is EDEADLK")
{
    int fd = t_make("file", "0123456789");
    pid_t a, b;

    OK(set(fd, F_SETLK, F_WRLCK, 2));
    b = chain(1, 2, 0);
    until_sleeps(b);
    a = chain(0, 1, 0);
    until_sleeps(a);
    ERR(set(fd, F_SETLKW, F_WRLCK, 0), EDEADLK);
    OK(set(fd, F_SETLK, F_UNLCK, 2));
    t_join(b);
    t_join(a);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
