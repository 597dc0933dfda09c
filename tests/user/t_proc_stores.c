/* SPDX-License-Identifier: MIT
 *
 * /proc and /sys at their edges: what a zombie and a stopped process still tell, what may be
 * written into a process's files and how it is read, tables of IPv6, settings.
 */
#include "tests/user/t.h"
#include <netinet/in.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>

#define BAD ((void *)16)

static char text[8192];

/* The whole file; its length, or the negative errno of what failed. */
static long load(const char *path)
{
    int fd = open(path, O_RDONLY);
    ssize_t n, len = 0;

    if (fd < 0)
        return -errno;
    while ((n = read(fd, text + len, sizeof(text) - 1 - (size_t)len)) > 0)
        len += n;
    if (n < 0)
        len = -errno;
    text[len < 0 ? 0 : len] = 0;
    close(fd);
    return len;
}

static long load_of(pid_t pid, const char *name)
{
    char path[100];

    snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    return load(path);
}

/* Writes into a file, all in one call: what write gave, or the negative errno. */
static long store(const char *path, const char *what)
{
    int fd = open(path, O_WRONLY);
    ssize_t n;

    if (fd < 0)
        return -errno;
    n = write(fd, what, strlen(what));
    if (n < 0)
        n = -errno;
    close(fd);
    return n;
}

#define IS(want)                                    \
    do {                                            \
        if (strcmp(text, want))                     \
            FAIL("\"%s\", not \"%s\"", text, want); \
    } while (0)

TEST(zombie, "what a process that has ended still tells")
{
    static const char *const links[] = {"exe", "cwd", "root"};
    char path[100], to[100];
    pid_t child = t_fork();
    siginfo_t info;

    if (!child)
        _exit(0);
    OK(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT));
    CHECK(load_of(child, "statm") > 0);
    IS("0 0 0 0 0 0 0\n");
    CHECK(load_of(child, "status") > 0);
    CHECK(strstr(text, "State:\tZ (zombie)\n") && !strstr(text, "VmSize"));
    CHECK(load_of(child, "comm") > 0);
    CHECK(load_of(child, "stat") > 0);
    CHECK(load_of(child, "limits") > 0);
    EQ(load_of(child, "oom_score_adj"), 2);
    EQ(load_of(child, "cmdline"), 0);
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "/proc/%d/%s", child, links[i]);
        ERR(readlink(path, to, sizeof(to)), ENOENT);
        ERR(open(path, O_RDONLY), ENOENT);
    }
    t_join(child);
    EQ(load_of(child, "statm"), -ENOENT);
}

TEST(stopped, "a stopped process says so")
{
    pid_t child = t_fork();
    int status;

    if (!child) {
        raise(SIGSTOP);
        _exit(0);
    }
    EQ(waitpid(child, &status, WUNTRACED), child);
    CHECK(load_of(child, "status") > 0);
    CHECK(strstr(text, "State:\tT (stopped)\n"));
    CHECK(load_of(child, "stat") > 0);
    CHECK(strstr(text, ") T "));
    OK(kill(child, SIGCONT));
    t_join(child);
}

TEST(adjusted, "oom_score_adj: what is a number")
{
    static const struct {
        const char *in;
        long result;
        const char *then;
    } cases[] = {{"5\n", 2, "5\n"},         {"6", 1, "6\n"},
                 {" 7 \n", 4, "7\n"},       {"0x10", 4, "16\n"},
                 {"017", 3, "15\n"},        {"+18", 3, "18\n"},
                 {"x", -EINVAL, "18\n"},    {"3 4", -EINVAL, "18\n"},
                 {"1001", -EINVAL, "18\n"}, {"-1001", -EINVAL, "18\n"},
                 {"--5", -EINVAL, "18\n"},  {"99999999999", -ERANGE, "18\n"},
                 {"1000", 4, "1000\n"}};
    int fd;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        if (store("/proc/self/oom_score_adj", cases[i].in) != cases[i].result)
            FAIL("\"%s\" gave %ld", cases[i].in,
                 store("/proc/self/oom_score_adj", cases[i].in));
        CHECK(load("/proc/self/oom_score_adj") > 0);
        IS(cases[i].then);
    }
    OK(fd = open("/proc/self/oom_score_adj", O_RDWR));
    ERR(write(fd, BAD, 2), EFAULT);
    ERR(read(fd, BAD, 2), EFAULT);
}

TEST(named, "comm and the timer slack, as they are written")
{
    int fd;

    EQ(store("/proc/self/comm", "a name of more than 15"), 22);
    EQ(load("/proc/self/comm"), 16);
    IS("a name of more \n");
    EQ(store("/proc/self/comm", "short\n"), 6);
    CHECK(load("/proc/self/comm") > 0);
    IS("short\n\n"); /* as Linux: the newline is part of it */
    OK(prctl(PR_SET_NAME, "again"));
    OK(fd = open("/proc/self/comm", O_WRONLY));
    ERR(write(fd, BAD, 5), EFAULT);
    EQ(store("/proc/self/timerslack_ns", "1234\n"), 5);
    EQ(load("/proc/self/timerslack_ns"), 5);
    IS("1234\n");
    EQ(store("/proc/self/timerslack_ns", "x"), -EINVAL);
    EQ(store("/proc/self/timerslack_ns", "-1"), -EINVAL);
    EQ(store("/proc/self/timerslack_ns", "0"), 1);
    EQ(load("/proc/self/timerslack_ns"), 6);
    IS("50000\n");
}

TEST(counted, "a thread's own counts of what it has read and written")
{
    unsigned long r0, r1;
    char path[100];

    snprintf(path, sizeof(path), "/proc/self/task/%d/io", getpid());
    CHECK(load(path) > 0);
    EQ(sscanf(text, "rchar: %lu\nwchar: ", &r0), 1);
    CHECK(strstr(text, "cancelled_write_bytes: 0\n"));
    CHECK(load(path) > 0);
    EQ(sscanf(text, "rchar: %lu\nwchar: ", &r1), 1);
    CHECK(r1 > r0);
}

TEST(closed, "fdinfo of a descriptor that is closed meanwhile")
{
    char path[100];
    int fd, info;

    OK(fd = open(".", O_RDONLY));
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    CHECK(load(path) > 0);
    CHECK(strstr(text, "pos:\t0\nflags:\t0"));
    OK(info = open(path, O_RDONLY));
    OK(close(fd));
    ERR(read(info, text, 100), ENOENT);
    ERR(open(path, O_RDONLY), ENOENT);
}

/* The line of a table that names this local address. */
static char *line_with(const char *path, const char *local)
{
    char *at;

    CHECK(load(path) > 0);
    at = strstr(text, local);
    while (at && at > text && at[-1] != '\n')
        at--;
    if (at && strchr(at, '\n'))
        *strchr(at, '\n') = 0;
    return at;
}

TEST(six, "tables of IPv6: streams, datagrams, addresses, routes")
{
    struct sockaddr_in6 a = {AF_INET6, 0, 0, IN6ADDR_LOOPBACK_INIT, 0};
    int t = socket(AF_INET6, SOCK_STREAM, 0), u = socket(AF_INET6, SOCK_DGRAM, 0);
    socklen_t len = sizeof(a);
    char name[100], *line;
    unsigned st;

    OK(bind(t, (void *)&a, sizeof(a)));
    OK(listen(t, 5));
    OK(getsockname(t, (void *)&a, &len));
    snprintf(name, sizeof(name), ": 00000000000000000000000001000000:%04X ",
             ntohs(a.sin6_port));
    CHECK(line = line_with("/proc/net/tcp6", name));
    EQ(sscanf(line, "%*d: %*s 00000000000000000000000000000000:0000 %x", &st), 1);
    EQ(st, 10);
    a.sin6_port = 0;
    a.sin6_addr = in6addr_any;
    OK(bind(u, (void *)&a, sizeof(a)));
    OK(getsockname(u, (void *)&a, &len));
    snprintf(name, sizeof(name), ": 00000000000000000000000000000000:%04X ",
             ntohs(a.sin6_port));
    CHECK(line = line_with("/proc/net/udp6", name));
    EQ(sscanf(line, "%*d: %*s 00000000000000000000000000000000:0000 %x", &st), 1);
    EQ(st, 7);
    CHECK(load("/proc/net/if_inet6") > 0);
    CHECK(strstr(text, "00000000000000000000000000000001 01 80 10 80       lo\n"));
    CHECK(load("/proc/net/route") >= 128);
    CHECK(strncmp(text, "Iface\tDestination\tGateway \tFlags\t", 33) == 0);
    CHECK(text[127] == '\n' && text[126] == ' ');
}

TEST(sys, "files of /sys: processors, the pool of huge pages")
{
    static const char pool[] = "/sys/kernel/mm/hugepages/hugepages-2048kB/";
    static const char *const numbers[] = {"free_hugepages", "resv_hugepages",
                                          "surplus_hugepages", "nr_hugepages"};
    char path[200];
    unsigned n;
    int fd;

    CHECK(load("/sys/devices/system/cpu/offline") >= 1);
    CHECK(load("/sys/devices/system/cpu/kernel_max") > 1);
    EQ(sscanf(text, "%u\n", &n), 1);
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof(path), "%s%s", pool, numbers[i]);
        CHECK(load(path) > 1);
        EQ(sscanf(text, "%u\n", &n), 1);
        if (i < 3 && geteuid())
            EQ(store(path, "1"), -EACCES);
    }
    OK(fd = open(path, O_RDONLY));
    ERR(read(fd, BAD, 1), EFAULT);
    EQ(pread(fd, text, 100, 100), 0);
    EQ(pread(fd, text, 0, 0), 0);
    ERR(write(fd, "1", 1), EBADF);
}

TEST(ipc, "tables of System V objects that are longer than one read")
{
    static const char *const names[] = {"msg", "sem", "shm"};
    char path[100], piece[700];
    int made[3][300];

    if (unshare(CLONE_NEWIPC) && !t_tessera)
        SKIP("the objects would be the machine's");
    for (int i = 0; i < 300; i++) {
        OK(made[0][i] = msgget(IPC_PRIVATE, 0600));
        OK(made[1][i] = semget(IPC_PRIVATE, 1, 0600));
        OK(made[2][i] = shmget(IPC_PRIVATE, 4096, 0600));
    }
    for (int k = 0; k < 3; k++) {
        int fd, lines = 0, id = -1, next = 0;
        size_t len = 0;
        ssize_t n;

        snprintf(path, sizeof(path), "/proc/sysvipc/%s", names[k]);
        OK(fd = open(path, O_RDONLY));
        while ((n = read(fd, piece, sizeof(piece))) > 0)
            for (ssize_t i = 0; i < n; i++) {
                CHECK(len < sizeof(text) - 1);
                text[len++] = piece[i];
                if (piece[i] != '\n')
                    continue;
                text[len] = 0;
                len = 0;
                if (lines++ && sscanf(text, "%*d %d", &id) == 1)
                    next += next < 300 && id == made[k][next];
            }
        EQ(n, 0);
        CHECK(lines >= 301);
        EQ(next, 300);
        OK(close(fd));
    }
    for (int i = 0; i < 300; i++) {
        OK(msgctl(made[0][i], IPC_RMID, NULL));
        OK(semctl(made[1][i], 0, IPC_RMID));
        OK(shmctl(made[2][i], IPC_RMID, NULL));
    }
}

TEST(memory, "reads and writes of mem and pagemap where the caller's memory ends")
{
    char *half, *other;
    int fd;

    half = mmap(NULL, 3 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(half != MAP_FAILED);
    OK(munmap(half + P, P));
    other = mmap(NULL, 3 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(other != MAP_FAILED);
    memset(other, 'o', 3 * P);
    memset(half, 'h', P);
    OK(fd = open("/proc/self/mem", O_RDWR));
    ERR(pread(fd, BAD, 10, (off_t)(uintptr_t)other), EFAULT);
    ERR(pwrite(fd, BAD, 10, (off_t)(uintptr_t)other), EFAULT);
    ERR(pread(fd, half, 2 * P, (off_t)(uintptr_t)other),
        EFAULT); /* nor is it told of the first */
    EQ(half[P - 1], 'o');
    memset(half, 'h', P);
    ERR(pwrite(fd, half, 2 * P, (off_t)(uintptr_t)other), EFAULT);
    EQ(other[P - 1], 'h');
    EQ(other[P], 'o');
    EQ(pread(fd, other, 2 * P, (off_t)(uintptr_t)half),
       (ssize_t)P); /* but of the file's end */
    ERR(pread(fd, other, 2 * P, (off_t)(uintptr_t)half + (off_t)P), EIO);
    ERR(pwrite(fd, other, 2 * P, (off_t)(uintptr_t)half + (off_t)P), EIO);
    EQ(pread(fd, other, 0, (off_t)(uintptr_t)half + (off_t)P), 0);
    OK(close(fd));
    OK(fd = open("/proc/self/pagemap", O_RDONLY));
    ERR(pread(fd, BAD, 8, 0), EFAULT);
    ERR(pread(fd, other, 7, 0), EINVAL);
    ERR(pread(fd, other, 8, 4), EINVAL);
    EQ(pread(fd, other, 0, 0), 0);
    EQ(pread(fd, other, 16, (off_t)((uintptr_t)half / P * 8)), 16);
    ERR(pread(fd, half + P - 8, 16, (off_t)((uintptr_t)half / P * 8)), EFAULT);
}

TEST(settings, "settings of the kernel: what is taken, what is refused")
{
    static const struct {
        const char *name, *in;
        long result;
        const char *then; /* NULL: whatever */
    } cases[] = {{"kernel/domainname", "some.where\n", 11, "some.where\n"},
                 {"kernel/domainname", "", 0, NULL},
                 {"kernel/printk", "5 4\t1 7\n", 8, "5\t4\t1\t7\n"},
                 {"kernel/printk", "6", 1, "6\t4\t1\t7\n"},
                 {"kernel/printk", "x", -EINVAL, "6\t4\t1\t7\n"},
                 {"kernel/printk", "4\t4\t1\t7", 7, NULL},
                 {"kernel/tainted", "x", -EINVAL, NULL},
                 {"kernel/sem", "250 32000 32 128", 16, NULL},
                 {"kernel/sem", "100 200\n", 8, "100\t200\t32\t128\n"},
                 {"kernel/sem", "250\t32000  32 \t128", 18, "250\t32000\t32\t128\n"},
                 {"kernel/sem", "1 x", -EINVAL, "250\t32000\t32\t128\n"},
                 {"kernel/sem", "1 2 3 4 5", -EINVAL, "250\t32000\t32\t128\n"},
                 {"kernel/sem", "65536", -EINVAL, "250\t32000\t32\t128\n"},
                 {"kernel/sem", "32000 1024000000 500 32000", 26, NULL},
                 {"kernel/msg_next_id", "x", -EINVAL, "-1\n"},
                 {"vm/drop_caches", "0", -EINVAL, NULL},
                 {"vm/drop_caches", "5", -EINVAL, NULL},
                 {"vm/drop_caches", " 1 \n", 4, NULL},
                 {"vm/nr_hugepages", "x", -EINVAL, NULL},
                 {"vm/nr_overcommit_hugepages", "x", -EINVAL, NULL},
                 {"fs/mount-max", "  70000\n", 8, "70000\n"},
                 {"fs/mount-max", "100000", 6, "100000\n"},
                 {"fs/mount-max", "1k", -EINVAL, "100000\n"},
                 {"kernel/core_pattern", "|x", -EINVAL, "core\n"},
                 {"kernel/core_pattern", "", 0, "core\n"},
                 {"kernel/core_pattern", "\n", 1, "\n"},
                 {"kernel/core_pattern", "/tmp/%p.%e\n", 11, "/tmp/%p.%e\n"},
                 {"kernel/core_pattern", "core\n", 5, "core\n"},
                 {"fs/file-nr", "1", -EACCES, NULL}};
    char path[100];

    if (!t_tessera)
        SKIP("they are the machine's");
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        long r;

        snprintf(path, sizeof(path), "/proc/sys/%s", cases[i].name);
        r = store(path, cases[i].in);
        if (r != cases[i].result)
            FAIL("%s \"%s\" gave %ld", path, cases[i].in, r);
        CHECK(!cases[i].then || load(path) >= 0);
        if (cases[i].then)
            IS(cases[i].then);
    }
    CHECK(load("/proc/sys/fs/file-nr") > 0);
}

TEST(fixed, "what nobody may set, root may not open for it either")
{
    static const char name[] = "/proc/sys/kernel/osrelease";

    OK(access(name, R_OK));
    ERR(access(name, W_OK), EACCES);
    ERR(open(name, O_WRONLY), EACCES);
    ERR(open(name, O_RDWR), EACCES);
    OK(access("/proc/version", R_OK));
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
