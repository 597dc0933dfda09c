/* SPDX-License-Identifier: MIT
 *
 * What is only kept and told: timer slack, hints; descriptors that are no files; the place of one
 * write; numbers of /proc/stat; names of /proc/devices.
 */
#include "tests/user/t.h"
#include <dirent.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <time.h>

#ifndef F_GET_RW_HINT
#define F_GET_RW_HINT 1035
#define F_SET_RW_HINT 1036
#endif

TEST(slack_file, "timerslack_ns tells and sets it, others' for who may")
{
    char text[40] = "";
    int fd = open("/proc/self/timerslack_ns", O_RDWR), gate[2];
    pid_t child;

    OK(prctl(PR_SET_TIMERSLACK, 70000));
    CHECK(read(fd, text, sizeof(text)) > 0);
    EQ(atol(text), 70000);
    EQ(write(fd, "90000\n", 6), 6);
    EQ(prctl(PR_GET_TIMERSLACK), 90000);
    ERR(write(fd, "many", 4), EINVAL);
    EQ(write(fd, "0", 1), 1);
    CHECK(prctl(PR_GET_TIMERSLACK) < 70000);
    OK(pipe(gate));
    child = fork();
    if (child == 0) {
        close(gate[1]);
        _exit(read(gate[0], text, 1));
    }
    snprintf(text, sizeof(text), "/proc/%d/timerslack_ns", child);
    if (geteuid() == 0)
        CHILD(OK(setresuid(65534, 65534, 65534)); OK(fd = open(text, O_RDWR));
              ERR(read(fd, text, 1), EPERM); ERR(write(fd, "5", 1), EPERM));
    OK(close(gate[1]));
    EQ(waitpid(child, NULL, 0), child);
}

TEST(tsc, "everybody may read the time stamp counter")
{
    int how = 0;

    OK(prctl(PR_GET_TSC, &how));
    EQ(how, PR_TSC_ENABLE);
    OK(prctl(PR_SET_TSC, PR_TSC_ENABLE));
    ERR(prctl(PR_SET_TSC, 7), EINVAL);
}

static long type_of(int fd)
{
    struct statfs st;

    OK(fstatfs(fd, &st));
    return (long)st.f_type;
}

TEST(nameless, "descriptors that are no files: their file system, and their one place")
{
    int event = eventfd(0, 0), poll = epoll_create1(0), timer, pipes[2], sock;
    char c;

    OK(timer = timerfd_create(CLOCK_MONOTONIC, 0));
    OK(pipe(pipes));
    OK(sock = socket(AF_UNIX, SOCK_STREAM, 0));
    EQ(type_of(event), 0x09041934);
    EQ(type_of(poll), 0x09041934);
    EQ(type_of(timer), 0x09041934);
    EQ(type_of(pipes[0]), 0x50495045);
    EQ(type_of(sock), 0x534f434b);
    EQ(lseek(event, 5, SEEK_SET), 0);
    EQ(lseek(poll, 0, SEEK_END), 0);
    EQ(lseek(timer, -7, SEEK_CUR), 0);
    ERR(lseek(event, 0, 99), EINVAL);
    ERR(pread(event, &c, 1, 0), ESPIPE);
    ERR(lseek(pipes[0], 0, SEEK_CUR), ESPIPE);
    ERR(lseek(sock, 0, SEEK_CUR), ESPIPE);
}

TEST(hints, "F_SET_RW_HINT is kept in the file, for its owner")
{
    int fd = t_file(), again;
    uint64_t hint = 99;
    char name[64];

    OK(fcntl(fd, F_GET_RW_HINT, &hint));
    EQ(hint, 0);
    hint = 2;
    OK(fcntl(fd, F_SET_RW_HINT, &hint));
    hint = 6;
    ERR(fcntl(fd, F_SET_RW_HINT, &hint), EINVAL);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    OK(again = open(name, O_RDONLY));
    OK(fcntl(again, F_GET_RW_HINT, &hint));
    EQ(hint, 2);
    ERR(fcntl(fd, F_GET_RW_HINT, 8), EFAULT);
}

static long write_at(int fd, const char *text, off_t at, int flags)
{
    struct iovec v = {(char *)text, strlen(text)};

    return syscall(SYS_pwritev2, fd, &v, 1, at, 0, flags);
}

static ssize_t at_once(int fd, bool writes, size_t n)
{
    char c[8] = "1234567";
    struct iovec v = {c, n};

    return syscall(writes ? SYS_pwritev2 : SYS_preadv2, fd, &v, 1, -1L, -1L, 8);
}

TEST(
    nowait,
    "RWF_NOWAIT: pipes, sockets and eventfds answer at once, memory files do not know it")
{
    int p[2], fd = t_file();

    OK(pipe(p));
    ERR(at_once(p[0], false, 3), EAGAIN);
    EQ(at_once(p[1], true, 3), 3);
    EQ(at_once(p[0], false, 8), 3);
    OK(fcntl(p[1], F_SETPIPE_SZ, 4096));
    EQ(write(p[1], (char[4096]){0}, 4096), 4096);
    ERR(at_once(p[1], true, 3), EAGAIN);
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
    ERR(at_once(p[0], false, 3), EAGAIN);
    EQ(at_once(p[1], true, 3), 3);
    EQ(at_once(p[0], false, 8), 3);
    OK(p[0] = (int)syscall(SYS_eventfd2, 0, 0));
    ERR(at_once(p[0], false, 8), EAGAIN);
    ERR(at_once(p[0], true, 8), EOPNOTSUPP);
    ERR(at_once(fd, false, 3), EOPNOTSUPP);
    ERR(at_once(fd, true, 3), EOPNOTSUPP);
    EQ(at_once(fd, true, 0), 0);
    OK(fd = open("/dev/null", O_RDWR));
    EQ(at_once(fd, true, 3), 3);
}

TEST(append_once, "RWF_APPEND writes at the end, RWF_NOAPPEND where it is told")
{
    int fd = t_file();
    char text[16] = "";

    EQ(write_at(fd, "0123", 0, 0), 4);
    EQ(write_at(fd, "ab", 0, 0x10), 2);
    EQ(lseek(fd, 0, SEEK_CUR), 0);
    EQ(write_at(fd, "cd", -1, 0x10), 2);
    EQ(lseek(fd, 0, SEEK_CUR), 8);
    OK(fcntl(fd, F_SETFL, O_APPEND));
    EQ(write_at(fd, "ef", 0, 0), 2);
    if (write_at(fd, "Z", 0, 0x20) == 1) { /* Linux 6.9 */
        ERR(write_at(fd, "Z", 0, 0x30), EINVAL);
        EQ(pread(fd, text, 15, 0), 10);
        EQ(strcmp(text, "Z123abcdef"), 0);
    }
}

static long stat_number(const char *key)
{
    char line[4096];
    FILE *f = fopen("/proc/stat", "r");
    long n = -1;

    CHECK(f != NULL);
    while (fgets(line, sizeof(line), f))
        if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ' ')
            n = atol(line + strlen(key));
    fclose(f);
    return n;
}

TEST(counts, "/proc/stat counts switches and new processes since the start")
{
    long made = stat_number("processes"), switches = stat_number("ctxt");
    int there[2], back[2];
    char c;

    CHECK(made > 0 && switches > 0);
    OK(pipe(there));
    OK(pipe(back));
    if (fork() == 0) {
        close(there[1]);
        while (read(there[0], &c, 1) == 1)
            (void)!write(back[1], &c, 1);
        _exit(0);
    }
    for (int i = 0; i < 50; i++) {
        EQ(write(there[1], "x", 1), 1);
        EQ(read(back[0], &c, 1), 1);
    }
    OK(close(there[1]));
    OK(wait(NULL));
    for (int i = 0; i < 5; i++)
        CHILD((void)0);
    CHECK(stat_number("processes") >= made + 6);
    CHECK(stat_number("ctxt") >= switches + 6);
}

/* Whether /proc/devices has a driver of that name for the device. */
static bool is_driven(const char *device, const char *driver)
{
    char line[100], want[100];
    FILE *f = fopen("/proc/devices", "r");
    struct stat st;
    bool found = false;

    CHECK(f);
    OK(stat(device, &st));
    snprintf(want, sizeof(want), "%3u %s\n", major(st.st_rdev), driver);
    while (fgets(line, sizeof(line), f))
        found |= strcmp(line, want) == 0;
    fclose(f);
    return found;
}

TEST(drivers, "/proc/devices names the drivers of devices; /sys/dev/block can be listed")
{
    DIR *d = opendir("/sys/dev/block");

    CHECK(is_driven("/dev/zero", "mem"));
    CHECK(is_driven("/dev/tty", "/dev/tty"));
    CHECK(is_driven("/dev/ptmx", "/dev/ptmx"));
    CHECK(!is_driven("/dev/zero", "pts"));
    CHECK(d && readdir(d));
    closedir(d);
}

/* <linux/random.h>, which is not everywhere. */
#define RNDGETENTCNT   _IOR('R', 0, int)
#define RNDADDTOENTCNT _IOW('R', 1, int)
#define RNDGETPOOL     _IOR('R', 2, int[2])
#define RNDADDENTROPY  _IOW('R', 3, int[2])
#define RNDZAPENTCNT   _IO('R', 4)
#define RNDCLEARPOOL   _IO('R', 6)
#define RNDRESEEDCRNG  _IO('R', 7)

TEST(random_ioctls, "ioctls of /dev/random: what there is, and what root may add")
{
    struct {
        int bits, len;
        unsigned char bytes[3000];
    } pool = {8, 3000, {1}};
    int fd = open("/dev/urandom", O_RDONLY), bits = -1;

    OK(fd);
    OK(ioctl(fd, RNDGETENTCNT, &bits));
    CHECK(bits > 0 && bits <= 4096);
    ERR(ioctl(fd, RNDGETENTCNT, 8), EFAULT);
    ERR(ioctl(fd, RNDGETPOOL, &pool), EINVAL);
    if (geteuid() == 0 && t_tessera) {
        OK(ioctl(fd, RNDADDENTROPY, &pool));
        pool.len = 3001 + (int)P; /* more than is mapped */
        unsigned char *at =
            t_map(NULL, 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        OK(munmap(at + P, P));
        memcpy(at, &pool, 8);
        ERR(ioctl(fd, RNDADDENTROPY, at), EFAULT);
        pool.bits = -1;
        ERR(ioctl(fd, RNDADDENTROPY, &pool), EINVAL);
        ERR(ioctl(fd, RNDADDTOENTCNT, &pool.bits), EINVAL);
        OK(ioctl(fd, RNDADDTOENTCNT, &bits));
        OK(ioctl(fd, RNDZAPENTCNT, 0));
        OK(ioctl(fd, RNDCLEARPOOL, 0));
        OK(ioctl(fd, RNDRESEEDCRNG, 0));
    }
    if (geteuid() == 0)
        OK(setresuid(1234, 1234, 1234));
    ERR(ioctl(fd, RNDADDENTROPY, &pool), EPERM);
    ERR(ioctl(fd, RNDADDTOENTCNT, &bits), EPERM);
    ERR(ioctl(fd, RNDCLEARPOOL, 0), EPERM);
    ERR(ioctl(fd, RNDRESEEDCRNG, 0), EPERM);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
