/* SPDX-License-Identifier: MIT
 *
 * Advisory locks: records of a process, records of an open file, flock; /proc/locks.
 */
#include "tests/user/t.h"
#include <sys/file.h>
#include <sys/sysmacros.h>

static int set(int fd, int cmd, int type, long start, long len)
{
    struct flock l = {.l_type = (short)type, .l_whence = SEEK_SET, .l_start = start};
    l.l_len = len;
    return fcntl(fd, cmd, &l);
}

static struct flock get(int fd, int cmd, int type, long start, long len)
{
    struct flock l = {.l_type = (short)type, .l_whence = SEEK_SET, .l_start = start};
    l.l_len = len;
    OK(fcntl(fd, cmd, &l));
    return l;
}

static int file(void)
{
    int fd = open("file", O_RDWR | O_CREAT, 0644);
    OK(fd);
    EQ(write(fd, "0123456789", 10), 10);
    return fd;
}

/* What another process sees: the start and length of the lock in the way of one byte. */
static void seen(int fd, long byte, int type, long start, long len, pid_t pid)
{
    struct flock l = get(fd, F_GETLK, F_WRLCK, byte, 1);
    EQ(l.l_type, type);
    if (type == F_UNLCK)
        return;
    EQ(l.l_start, start);
    EQ(l.l_len, len);
    EQ(l.l_pid, pid);
    EQ(l.l_whence, SEEK_SET);
}

TEST(record, "F_SETLK: conflicts, splitting, merging")
{
    int fd = file();
    pid_t me = getpid();
    OK(set(fd, F_SETLK, F_WRLCK, 0, 10));
    EQ(get(fd, F_GETLK, F_WRLCK, 0, 0).l_type, F_UNLCK); /* own locks do not count */
    CHILD({
        ERR(set(fd, F_SETLK, F_RDLCK, 9, 1), EAGAIN);
        OK(set(fd, F_SETLK, F_WRLCK, 10, 0));
        seen(fd, 3, F_WRLCK, 0, 10, me);
    });
    OK(set(fd, F_SETLK, F_UNLCK, 4, 2));
    CHILD({
        seen(fd, 3, F_WRLCK, 0, 4, me);
        seen(fd, 4, F_UNLCK, 0, 0, 0);
        seen(fd, 6, F_WRLCK, 6, 4, me);
    });
    OK(set(fd, F_SETLK, F_RDLCK, 2, 6));
    CHILD({
        seen(fd, 1, F_WRLCK, 0, 2, me);
        seen(fd, 5, F_RDLCK, 2, 6, me);
        seen(fd, 8, F_WRLCK, 8, 2, me);
        OK(set(fd, F_SETLK, F_RDLCK, 3, 2));
        ERR(set(fd, F_SETLK, F_WRLCK, 3, 2), EAGAIN);
    });
    OK(set(fd, F_SETLK, F_WRLCK, 2, 6));
    CHILD({ seen(fd, 5, F_WRLCK, 0, 10, me); });
    OK(set(fd, F_SETLK, F_WRLCK, 5, 0));
    CHILD({ seen(fd, 1000, F_WRLCK, 0, 0, me); });
}

TEST(record_close, "records go with any descriptor of the file")
{
    int fd = file(), other = open("file", O_RDONLY);
    OK(set(fd, F_SETLK, F_WRLCK, 0, 0));
    CHILD({ seen(fd, 0, F_WRLCK, 0, 0, getppid()); });
    OK(close(other));
    CHILD({ seen(fd, 0, F_UNLCK, 0, 0, 0); });
    CHILD({ OK(set(fd, F_SETLK, F_WRLCK, 0, 0)); }); /* exit */
    OK(set(fd, F_SETLK, F_WRLCK, 0, 0));
    OK(dup2(1, fd) == fd ? 0 : -1);
    fd = open("file", O_RDWR);
    CHILD({ seen(fd, 0, F_UNLCK, 0, 0, 0); });
}

TEST(record_path, "a descriptor that only names the file takes no record along")
{
    int fd = file();
    OK(set(fd, F_SETLK, F_WRLCK, 0, 0));
    OK(close(open("file", O_PATH)));
    OK(dup2(1, open("file", O_PATH)));
    CHILD({ seen(fd, 0, F_WRLCK, 0, 0, getppid()); });
}

TEST(record_args, "F_SETLK: arguments")
{
    int fd = file(), ro = open("file", O_RDONLY), wo = open("file", O_WRONLY);
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    ERR(set(ro, F_SETLK, F_WRLCK, 0, 1), EBADF);
    ERR(set(wo, F_SETLK, F_RDLCK, 0, 1), EBADF);
    OK(set(wo, F_SETLK, F_UNLCK, 0, 1));
    ERR(set(fd, F_SETLK, 7, 0, 1), EINVAL);
    ERR(set(fd, F_SETLK, F_WRLCK, -1, 1), EINVAL);
    ERR(set(fd, F_SETLK, F_WRLCK, 3, -4), EINVAL);
    OK(set(fd, F_SETLK, F_WRLCK, 3, -3));
    CHILD({ seen(fd, 1, F_WRLCK, 0, 3, getppid()); });
    ERR(set(fd, F_SETLK, F_WRLCK, INT64_MAX, 2), EOVERFLOW);
    OK(set(fd, F_SETLK, F_WRLCK, INT64_MAX, 1));
    ERR(fcntl(fd, F_SETLK, 8), EFAULT);
    ERR(fcntl(fd, F_GETLK, 8), EFAULT);
    ERR(fcntl(999, F_SETLK, &l), EBADF);
    l.l_whence = 9;
    ERR(fcntl(fd, F_SETLK, &l), EINVAL);
    l.l_type = F_UNLCK;
    l.l_whence = SEEK_SET;
    ERR(fcntl(fd, F_GETLK, &l), EINVAL);
    l.l_type = F_WRLCK;
    l.l_whence = SEEK_END;
    l.l_start = -2;
    l.l_len = 1;
    OK(set(fd, F_SETLK, F_UNLCK, 0, 0));
    OK(fcntl(fd, F_SETLK, &l));
    CHILD({ seen(fd, 8, F_WRLCK, 8, 1, getppid()); });
}

TEST(record_wait, "F_SETLKW waits; a circle of waiters is refused")
{
    int fd = file();
    OK(set(fd, F_SETLK, F_WRLCK, 0, 1));
    pid_t pid = t_fork();
    if (!pid) {
        OK(set(fd, F_SETLK, F_WRLCK, 1, 1));
        OK(set(fd, F_SETLKW, F_WRLCK, 0, 1));
        _exit(0);
    }
    while (get(fd, F_GETLK, F_WRLCK, 1, 1).l_type == F_UNLCK)
        t_nap(1000);
    t_nap(30000);
    ERR(set(fd, F_SETLKW, F_WRLCK, 1, 1), EDEADLK);
    OK(set(fd, F_SETLK, F_UNLCK, 0, 1));
    t_join(pid);
    OK(set(fd, F_SETLKW, F_WRLCK, 0, 0));
}

static void on_alarm(int sig)
{
    (void)sig;
}

TEST(record_signal, "F_SETLKW ends with a signal")
{
    int fd = file();
    OK(set(fd, F_SETLK, F_WRLCK, 0, 1));
    CHILD({
        struct sigaction sa = {.sa_handler = on_alarm};
        OK(sigaction(SIGALRM, &sa, NULL));
        alarm(1);
        ERR(set(fd, F_SETLKW, F_WRLCK, 0, 1), EINTR);
    });
}

TEST(ofd, "F_OFD_SETLK: the open file owns it")
{
    int a = file(), b = open("file", O_RDWR), a2 = dup(a);
    OK(set(a, F_OFD_SETLK, F_WRLCK, 0, 4));
    ERR(set(b, F_OFD_SETLK, F_WRLCK, 3, 4), EAGAIN);
    ERR(set(b, F_SETLK, F_RDLCK, 3, 4), EAGAIN);
    OK(set(a2, F_OFD_SETLK, F_RDLCK, 0, 4));
    struct flock l = get(b, F_OFD_GETLK, F_WRLCK, 0, 1);
    EQ(l.l_type, F_RDLCK);
    EQ(l.l_pid, -1);
    OK(close(a));
    ERR(set(b, F_OFD_SETLK, F_WRLCK, 3, 4), EAGAIN);
    OK(close(a2));
    OK(set(b, F_OFD_SETLK, F_WRLCK, 3, 4));
    l.l_pid = 5;
    ERR(fcntl(b, F_OFD_SETLK, &l), EINVAL);
    CHILD({ OK(set(b, F_OFD_SETLK, F_UNLCK, 3, 4)); });
    int c = open("file", O_RDWR);
    OK(set(c, F_OFD_SETLK, F_WRLCK, 3, 4));
}

TEST(flock, "flock")
{
    int a = file(), b = open("file", O_RDONLY), d = dup(a);
    OK(flock(a, LOCK_EX));
    OK(flock(d, LOCK_EX | LOCK_NB));
    ERR(flock(b, LOCK_SH | LOCK_NB), EAGAIN);
    OK(set(a, F_SETLK, F_WRLCK, 0, 0)); /* another world */
    OK(flock(a, LOCK_SH));
    OK(flock(b, LOCK_SH | LOCK_NB));
    ERR(flock(a, LOCK_EX | LOCK_NB), EAGAIN);
    OK(flock(b, LOCK_UN));
    OK(flock(a, LOCK_EX | LOCK_NB));
    ERR(flock(a, 0), EINVAL);
    ERR(flock(a, 16), EINVAL);
    ERR(flock(999, LOCK_SH), EBADF);
    pid_t pid = t_fork();
    if (!pid) {
        close(a);
        close(d);
        int e = open("file", O_RDWR);
        _exit(flock(e, LOCK_EX) != 0);
    }
    t_nap(20000);
    OK(close(a));
    OK(close(d));
    t_join(pid);
}

/* The lines of /proc/locks about the file that say `want`, which has neither the number nor the
 * file in it; *number is the last one's. */
static int told(int fd, const char *want, int *number)
{
    FILE *all = fopen("/proc/locks", "r");
    char line[200], text[200], place[40];
    struct stat st;
    int n = 0, from = 0;

    CHECK(all != NULL);
    OK(fstat(fd, &st));
    snprintf(place, sizeof(place), " %02x:%02x:%lu", major(st.st_dev), minor(st.st_dev),
             st.st_ino);
    while (fgets(line, sizeof(line), all)) {
        char *file = strstr(line, place);
        int id;

        if (!file || sscanf(line, "%d: %n", &id, &from) != 1)
            continue;
        *file = 0;
        snprintf(text, sizeof(text), "%s%s", line + from, file + strlen(place));
        if (strncmp(text, want, strlen(want)) != 0)
            continue;
        n++;
        *number = id;
    }
    fclose(all);
    return n;
}

/* Once, with our pid in it or another's. */
#define TOLD(fd, format, ...)                                  \
    ({                                                         \
        char t_want[100];                                      \
        int t_number = 0;                                      \
        snprintf(t_want, sizeof(t_want), format, __VA_ARGS__); \
        EQ(told(fd, t_want, &t_number), 1);                    \
        t_number;                                              \
    })

TEST(proc, "/proc/locks: what is locked, by whom, and who waits for which")
{
    int fd = file(), a = open("file", O_RDWR), number, other;
    pid_t me = getpid(), pid;

    EQ(told(fd, "", &other), 0);
    OK(set(fd, F_SETLK, F_WRLCK, 2, 4));
    OK(set(fd, F_SETLK, F_RDLCK, 20, 0));
    OK(set(a, F_OFD_SETLK, F_RDLCK, 8, 1));
    OK(flock(a, LOCK_SH));
    number = TOLD(fd, "POSIX  ADVISORY  WRITE %d 2 5\n", me);
    TOLD(fd, "POSIX  ADVISORY  READ %d 20 EOF\n", me);
    TOLD(fd, "OFDLCK ADVISORY  READ %d 8 8\n", -1);
    TOLD(fd, "FLOCK  ADVISORY  READ %d 0 EOF\n", me);
    pid = t_fork();
    if (!pid)
        _exit(set(fd, F_SETLKW, F_RDLCK, 0, 3) != 0);
    while (!told(fd, "->", &other))
        t_nap(1000);
    EQ(TOLD(fd, "-> POSIX  ADVISORY  READ %d 0 2\n", pid), number);
    OK(set(fd, F_SETLK, F_UNLCK, 0, 0));
    t_join(pid);
    OK(flock(a, LOCK_UN));
    EQ(told(fd, "", &other), 1);
    OK(close(a));
    EQ(told(fd, "", &other), 0);
}

/* The lines of fdinfo that tell of locks; the last one. */
static int own_locks(int fd, char last[1024])
{
    struct t_reader r;
    char name[40];
    int n = 0;

    snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
    CHECK(t_open(&r, name));
    for (char *line; (line = t_line(&r));)
        if (!strncmp(line, "lock:\t", 6)) {
            strcpy(last, line);
            n++;
        }
    return n;
}

TEST(fdinfo, "fdinfo: the locks of the open file and of the process")
{
    struct flock l = {.l_type = F_WRLCK, .l_start = 3, .l_len = 5};
    int fd = t_make("a", "0123456789"), other = t_reopen(fd, O_RDWR);
    char line[1024];

    EQ(own_locks(fd, line), 0);
    OK(fcntl(fd, F_SETLK, &l));
    EQ(own_locks(fd, line), 1);
    CHECK(strstr(line, "POSIX  ADVISORY  WRITE") && strstr(line, " 3 7"));
    EQ(own_locks(other, line), 0); /* it was set by the first */
    OK(flock(other, LOCK_SH));
    EQ(own_locks(fd, line), 1);
    EQ(own_locks(other, line), 1);
    CHECK(strstr(line, "FLOCK  ADVISORY  READ"));
    CHILD(EQ(own_locks(other, line), 1); EQ(own_locks(fd, line), 0));
}

TEST(proc_many, "/proc/locks: each of many is told once")
{
    enum { N = 500 };
    int fd = file(), other;

    for (int i = 0; i < N; i++)
        OK(set(fd, F_SETLK, F_WRLCK, 2 * i, 1));
    EQ(told(fd, "", &other), N);
    for (int i = 0; i < N; i++) {
        char want[64];

        snprintf(want, sizeof(want), "POSIX  ADVISORY  WRITE %d %d %d\n", getpid(), 2 * i,
                 2 * i);
        if (i % 25 == 0)
            EQ(told(fd, want, &other), 1);
    }
    OK(set(fd, F_SETLK, F_WRLCK, 0, 0)); /* they are one */
    EQ(told(fd, "", &other), 1);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
