/* SPDX-License-Identifier: MIT
 *
 * Tables of many descriptors, and the limits of their number. What a process read and wrote,
 * and the vector its program was given.
 */
#include "tests/user/t.h"
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/select.h>

#define MANY 70000

/* In Tessera the limit may be raised by root; on a host only as far as it is allowed. */
static void raise_limit(void)
{
    struct rlimit limit = {MANY + 100, MANY + 100};

    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        SKIP("the limit cannot be raised here");
}

TEST(many, "seventy thousand descriptors: the lowest free one, fork, exec flags, ranges")
{
    int status;

    raise_limit();
    int fd = open("/dev/null", O_RDONLY), last = fd;
    OK(fd);
    while (last < MANY - 1) {
        last = dup(fd);
        OK(last);
    }
    OK(close(5001));
    OK(close(64127));
    EQ(dup(fd), 5001);
    EQ(dup(fd), 64127);
    EQ(dup(fd), MANY);
    EQ(fcntl(fd, F_DUPFD, 66000), MANY + 1);
    EQ(fcntl(fd, F_DUPFD_CLOEXEC, MANY + 50), MANY + 50);
    EQ(fcntl(MANY + 50, F_GETFD), FD_CLOEXEC);
    ERR(dup2(fd, MANY + 100), EBADF);
    ERR(fcntl(fd, F_DUPFD, MANY + 100), EINVAL);
    EQ(dup2(fd, MANY + 99), MANY + 99);
    pid_t child = fork();
    if (!child) {
        EQ(fcntl(MANY + 50, F_GETFD), FD_CLOEXEC);
        EQ(fcntl(MANY + 99, F_GETFD), 0);
        OK(syscall(436 /* close_range */, 10, ~0u, 0));
        ERR(fcntl(MANY + 99, F_GETFD), EBADF);
        ERR(fcntl(10, F_GETFD), EBADF);
        EQ(fcntl(9, F_GETFD), 0);
        EQ(dup(fd), 10);
        _exit(0);
    }
    OK(waitpid(child, &status, 0));
    EQ(status, 0);
    EQ(fcntl(MANY + 99, F_GETFD), 0);
}

TEST(limits, "a hard limit goes up to fs.nr_open")
{
    char text[32] = "";
    int fd = open("/proc/sys/fs/nr_open", O_RDONLY);

    OK(fd);
    CHECK(read(fd, text, sizeof(text) - 1) > 0);
    unsigned long most = strtoul(text, NULL, 10);
    CHECK(most >= 4096);
    struct rlimit limit = {most + 1, most + 1};
    ERR(setrlimit(RLIMIT_NOFILE, &limit), EPERM);
    raise_limit();
}

TEST(select, "select on a descriptor in the thousands")
{
    static unsigned long set[MANY / 64 + 1];
    struct timeval none = {0, 0};
    int fds[2];

    raise_limit();
    OK(pipe(fds));
    EQ(dup2(fds[0], 69000), 69000);
    set[69000 / 64] |= 1ul << 69000 % 64;
    EQ(select(69001, (fd_set *)set, NULL, NULL, &none), 0);
    EQ(write(fds[1], "x", 1), 1);
    set[69000 / 64] |= 1ul << 69000 % 64;
    EQ(select(69001, (fd_set *)set, NULL, NULL, &none), 1);
    EQ(set[69000 / 64], 1ul << 69000 % 64);
}

static long counted(const char *file, const char *name)
{
    static char text[512];
    int fd = open(file, O_RDONLY);

    OK(fd);
    ssize_t n = read(fd, text, sizeof(text) - 1);
    CHECK(n > 0);
    text[n] = '\0';
    close(fd);
    char *at = strstr(text, name);
    CHECK(at != NULL);
    return strtol(at + strlen(name), NULL, 10);
}

TEST(io, "/proc/PID/io counts calls and bytes, of children too when they were waited for")
{
    static char buf[10000];
    int fds[2];

    if (access("/proc/self/io", F_OK) != 0)
        SKIP("this Linux does not count");
    OK(pipe(fds));
    long w = counted("/proc/self/io", "wchar: "), r = counted("/proc/self/io", "rchar: "),
         cw = counted("/proc/self/io", "syscw: ");
    EQ(write(fds[1], buf, 5000), 5000);
    ERR(write(fds[1], (void *)8, 5), EFAULT);
    EQ(counted("/proc/self/io", "wchar: ") - w, 5000);
    EQ(counted("/proc/self/io", "syscw: ") - cw, 2);
    pid_t child = fork();
    if (!child) {
        read(fds[0], buf, 5000);
        _exit(0);
    }
    OK(waitpid(child, NULL, 0));
    CHECK(counted("/proc/self/io", "rchar: ") - r >= 5000);
    if (geteuid() == 0) {
        int fd = open("/proc/self/io", O_RDONLY);
        OK(fd);
        child = fork();
        if (!child) {
            OK(setresuid(65534, 65534, 65534));
            ERR(open("/proc/1/io", O_RDONLY), EACCES);
            ERR(open("/proc/1/auxv", O_RDONLY), EACCES);
            _exit(0);
        }
        int status;
        OK(waitpid(child, &status, 0));
        EQ(status, 0);
    }
}

TEST(auxv, "/proc/PID/auxv is what the program was given")
{
    unsigned long v[128];
    int fd = open("/proc/self/auxv", O_RDONLY);

    OK(fd);
    ssize_t n = read(fd, v, sizeof(v));
    CHECK(n >= 32 && n % 16 == 0);
    n /= 8;
    EQ(v[n - 2], 0);
    for (ssize_t i = 0; i + 2 < n; i += 2) {
        if (v[i] == AT_PHDR || v[i] == AT_RANDOM || v[i] == AT_ENTRY || v[i] == AT_PAGESZ)
            EQ(v[i + 1], getauxval(v[i]));
        CHECK(v[i] != 0);
    }
    EQ(access("/proc/self/wchan", R_OK), 0);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
