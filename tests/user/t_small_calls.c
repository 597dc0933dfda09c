/* SPDX-License-Identifier: MIT
 *
 * Small calls, and calls with two things wrong, of which the right one must be told: flags
 * before names, names before what they lead to.
 */
#include "tests/user/t.h"
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

#ifndef SIOCATMARK
#define SIOCATMARK 0x8905
#endif

enum { ARCH_GET_CPUID = 0x1011, ARCH_SET_CPUID = 0x1012 };

static const char *const missing = "no_dir/no_file";

static mode_t mode_of(const char *name)
{
    struct stat st;

    OK(lstat(name, &st));
    return st.st_mode & 07777;
}

static long chmod2(int dir, const char *name, mode_t mode, int flags)
{
    return syscall(SYS_fchmodat2, dir, name, mode, flags);
}

TEST(fchmodat2, "fchmodat2 changes files by name, by descriptor, never links")
{
    int fd;

    OK(fd = open("ch_f", O_RDWR | O_CREAT, 0644));
    OK(symlink("ch_f", "ch_l"));
    if (chmod2(AT_FDCWD, "ch_f", 0600, 0) == -1 && errno == ENOSYS)
        SKIP("no fchmodat2");
    EQ(mode_of("ch_f"), 0600);
    OK(chmod2(AT_FDCWD, "ch_f", 0640, AT_SYMLINK_NOFOLLOW));
    EQ(mode_of("ch_f"), 0640);
    OK(chmod2(AT_FDCWD, "ch_l", 0700, 0));
    EQ(mode_of("ch_f"), 0700);
    ERR(chmod2(AT_FDCWD, "ch_l", 0640, AT_SYMLINK_NOFOLLOW), EOPNOTSUPP);
    OK(chmod2(fd, "", 0604, AT_EMPTY_PATH));
    OK(close(fd));
    EQ(mode_of("ch_f"), 0604);
    OK(fd = open("ch_f", O_PATH));
    OK(chmod2(fd, "", 0606, AT_EMPTY_PATH));
    EQ(mode_of("ch_f"), 0606);
    ERR(chmod2(fd, "", 0600, 0), ENOENT);
    ERR(chmod2(-1, missing, 0600, 1), EINVAL);
    EQ(mode_of("ch_f"), 0606);
}

TEST(flags_first, "flags that can never be right are told before the name")
{
    ERR(open(missing, O_TMPFILE | O_RDONLY), EINVAL);
    ERR(open(missing, (O_TMPFILE & ~O_DIRECTORY) | O_RDWR), EINVAL);
    ERR(mknod(missing, S_IFDIR | 0644, 0), EPERM);
    ERR(mknod(missing, S_IFLNK | 0644, 0), EINVAL);
    ERR(mknod((char *)1, 0150000, 0), EINVAL);
    ERR(syscall(SYS_renameat2, AT_FDCWD, missing, AT_FDCWD, "x", 8), EINVAL);
    ERR(syscall(SYS_renameat2, AT_FDCWD, 1, AT_FDCWD, "x", 3), EINVAL);
    ERR(flock(-1, LOCK_NB), EINVAL);
    ERR(flock(-1, LOCK_SH | LOCK_EX), EINVAL);
    ERR(flock(-1, LOCK_SH), EBADF);
}

TEST(creat_dir, "O_CREAT with O_DIRECTORY makes nothing")
{
    int fd = open("cd_f", O_CREAT | O_DIRECTORY | O_RDONLY, 0644);

    if (fd != -1 || errno == ENOTDIR)
        SKIP("this Linux makes a file (before 6.4)");
    EQ(errno, EINVAL);
    ERR(access("cd_f", F_OK), ENOENT);
    ERR(open(".", O_CREAT | O_DIRECTORY | O_RDONLY), EINVAL);
    OK(open(".", O_CREAT | O_DIRECTORY | O_PATH)); /* O_PATH looks at few flags */
}

TEST(readlink_empty, "readlinkat of a descriptor that is no link")
{
    char text[16];
    int fd;

    OK(fd = open("rl_f", O_RDWR | O_CREAT, 0644));
    ERR(readlinkat(fd, "", text, sizeof(text)), ENOENT);
    ERR(readlink("rl_f", text, sizeof(text)), EINVAL);
    OK(symlink("there", "rl_l"));
    OK(fd = open("rl_l", O_PATH | O_NOFOLLOW));
    EQ(readlinkat(fd, "", text, sizeof(text)), 5);
}

TEST(seek_over, "lseek beyond the largest number")
{
    int fd = F(1);

    EQ(lseek(fd, INT64_MAX, SEEK_SET), INT64_MAX);
    ERR(lseek(fd, 1, SEEK_CUR), EINVAL);
    ERR(lseek(fd, INT64_MAX, SEEK_END), EINVAL);
    EQ(lseek(fd, 0, SEEK_CUR), INT64_MAX);
}

TEST(sysfs, "sysfs(2) numbers the kinds of file systems")
{
    char name[64], back[64];
    long n = syscall(SYS_sysfs, 3), at;

    if (n == -1 && errno == ENOSYS)
        SKIP("no sysfs(2)");
    CHECK(n > 3);
    for (long i = 0; i < n; i++) {
        OK(syscall(SYS_sysfs, 2, i, name));
        EQ(syscall(SYS_sysfs, 1, name), i);
    }
    OK(at = syscall(SYS_sysfs, 1, "tmpfs"));
    OK(syscall(SYS_sysfs, 2, at, back));
    CHECK(!strcmp(back, "tmpfs"));
    ERR(syscall(SYS_sysfs, 2, n, name), EINVAL);
    ERR(syscall(SYS_sysfs, 2, 0, 1), EFAULT);
    ERR(syscall(SYS_sysfs, 1, "none such"), EINVAL);
    ERR(syscall(SYS_sysfs, 1, 1), EFAULT);
    ERR(syscall(SYS_sysfs, 4), EINVAL);
}

TEST(ustat, "ustat tells what is free on a file system")
{
    struct {
        int free;
        unsigned long inodes;
        char names[12];
    } u;
    struct stat st;

    OK(stat("/proc", &st));
    if (syscall(SYS_ustat, (unsigned)st.st_dev, &u) == -1 && errno == ENOSYS)
        SKIP("no ustat");
    memset(&u, 0xff, sizeof(u));
    OK(syscall(SYS_ustat, (unsigned)st.st_dev, &u));
    EQ(u.free, 0);
    EQ(u.names[0], 0);
    ERR(syscall(SYS_ustat, (unsigned)st.st_dev, 1), EFAULT);
    ERR(syscall(SYS_ustat, -1, &u), EINVAL);
}

/* As statx(2) has it; the C library here does not know it. */
struct more {
    uint32_t mask, blksize;
    uint64_t attributes;
    uint32_t numbers[4];
    uint64_t sizes[3], known_attributes;
    struct {
        int64_t sec;
        uint32_t nsec, pad;
    } atime, btime, ctime, mtime;
    uint32_t devices[4];
    uint64_t mount, spare[13];
};

enum { BASIC = 0x7ff, BTIME = 0x800, MOUNT = 0x1000, MOUNT_ROOT = 0x2000 };

static struct more more_of(int dir, const char *name, int flags)
{
    struct more x;

    OK(syscall(SYS_statx, dir, name, flags, BASIC | BTIME | MOUNT, &x));
    return x;
}

TEST(statx_more, "statx: the time of birth, the mount, whether it is its root")
{
    struct timespec before;
    struct more x, d;
    int fd;

    OK(clock_gettime(CLOCK_REALTIME_COARSE, &before));
    OK(fd = open("bt_f", O_RDWR | O_CREAT, 0644));
    x = more_of(AT_FDCWD, "bt_f", 0);
    if ((x.mask & (BTIME | MOUNT)) != (BTIME | MOUNT))
        SKIP("this Linux or its file system does not know");
    CHECK(x.btime.sec >= before.tv_sec && x.btime.sec <= before.tv_sec + 5);
    OK(futimens(fd, (struct timespec[2]){{9, 9}, {9, 9}}));
    d = more_of(fd, "", 0x1000);
    EQ(d.mtime.sec, 9);
    EQ(d.btime.sec, x.btime.sec);
    EQ(d.btime.nsec, x.btime.nsec);
    EQ(x.attributes & MOUNT_ROOT, 0);
    CHECK(x.known_attributes & MOUNT_ROOT);
    d = more_of(AT_FDCWD, "/proc", 0);
    CHECK(d.attributes & MOUNT_ROOT);
    CHECK(d.mount && d.mount != x.mount);
}

TEST(mark, "SIOCATMARK; the flags of lo may be set as they are")
{
    int s = socket(AF_INET, SOCK_STREAM, 0), at = 7, fd;
    struct ifreq r = {.ifr_name = "lo"};

    OK(s);
    OK(ioctl(s, SIOCATMARK, &at));
    EQ(at, 0);
    ERR(ioctl(s, SIOCATMARK, 8), EFAULT);
    OK(fd = open("/dev/null", O_RDWR));
    ERR(ioctl(fd, SIOCATMARK, &at), ENOTTY);
    if (!t_tessera) /* one may not touch the flags of others' machines */
        return;
    OK(ioctl(s, SIOCGIFFLAGS, &r));
    OK(ioctl(s, SIOCSIFFLAGS, &r));
    r.ifr_flags ^= IFF_UP;
    ERR(ioctl(s, SIOCSIFFLAGS, &r), EOPNOTSUPP);
}

TEST(discipline, "TIOCGETD and TIOCSETD: a terminal has the usual line discipline")
{
    int master = posix_openpt(O_RDWR | O_NOCTTY), kind = 99;

    OK(master);
    OK(ioctl(master, TIOCGETD, &kind));
    EQ(kind, 0);
    OK(ioctl(master, TIOCSETD, &kind));
    kind = 9999;
    ERR(ioctl(master, TIOCSETD, &kind), EINVAL);
    ERR(ioctl(master, TIOCSETD, 8), EFAULT);
}

TEST(direct, "O_DIRECT where it can mean nothing is EINVAL, not passed over")
{
    int fd, v[2];

    OK(mkfifo("di_p", 0600));
    ERR(open("di_p", O_RDWR | O_DIRECT), EINVAL);
    ERR(open(".", O_RDONLY | O_DIRECT), EINVAL);
    ERR(open("/dev/null", O_RDWR | O_DIRECT), EINVAL);
    ERR(open("/proc/self/maps", O_RDONLY | O_DIRECT), EINVAL);
    OK(fd = open("/dev/null", O_RDWR));
    ERR(fcntl(fd, F_SETFL, O_DIRECT), EINVAL);
    OK(socketpair(AF_UNIX, SOCK_STREAM, 0, v));
    ERR(fcntl(v[0], F_SETFL, O_DIRECT | O_NONBLOCK), EINVAL);
    EQ(fcntl(v[0], F_GETFL) & O_NONBLOCK, 0);
    OK(pipe(v)); /* packets */
    OK(fcntl(v[1], F_SETFL, O_DIRECT));
    OK(fd = open("di_f", O_RDWR | O_CREAT, 0644));
    if (t_tessera)
        OK(fcntl(fd, F_SETFL, O_DIRECT));
}

enum { FILE_, VM_, FILES_, FS_, SIGHAND_, IO_, SYSVSEM_, TYPES_ = 8 };

static long compared(pid_t a, pid_t b, int type, int fd_a, int fd_b)
{
    return syscall(SYS_kcmp, a, b, type, fd_a, fd_b);
}

static int ends(void *go)
{
    char c;

    return (int)read(*(int *)go, &c, 1);
}

TEST(kcmp, "kcmp tells what processes have in common")
{
    static char stack[16384];
    int go[2], fd = F(1), same = dup(fd), other = F(1);
    pid_t me = getpid(), child;

    if (compared(me, me, VM_, 0, 0) == -1 && errno == ENOSYS)
        SKIP("no kcmp");
    EQ(compared(me, me, FILE_, fd, same), 0);
    CHECK(compared(me, me, FILE_, fd, other) > 0);
    EQ(compared(me, me, FILE_, fd, other) + compared(me, me, FILE_, other, fd), 3);
    ERR(compared(me, me, FILE_, fd, 999), EBADF);
    ERR(compared(me, me, TYPES_, 0, 0), EINVAL);
    ERR(compared(me, 0, VM_, 0, 0), ESRCH);
    ERR(compared(-1, me, TYPES_, 0, 0), ESRCH);
    OK(pipe(go));
    OK(child = fork());
    if (child == 0)
        _exit(ends(&go[0]));
    EQ(compared(me, child, FILE_, fd, same), 0);
    for (int type = VM_; type <= SIGHAND_; type++) {
        EQ(compared(me, me, type, 0, 0), 0);
        CHECK(compared(me, child, type, 0, 0) > 0);
    }
    EQ(compared(me, child, IO_, 0, 0), 0);
    EQ(compared(me, child, SYSVSEM_, 0, 0), 0);
    EQ(write(go[1], "x", 1), 1);
    EQ(waitpid(child, NULL, 0), child);
    OK(child =
           clone(ends, stack + sizeof(stack),
                 CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_SIGHAND | SIGCHLD, &go[0]));
    for (int type = VM_; type <= SIGHAND_; type++)
        EQ(compared(me, child, type, 0, 0), 0);
    EQ(write(go[1], "x", 1), 1);
    EQ(waitpid(child, NULL, 0), child);
    ERR(compared(me, child, VM_, 0, 0), ESRCH);
}

TEST(kcmp_epoll,
     "kcmp knows the file that an epoll watches by a descriptor, also one closed since")
{
    struct {
        unsigned efd, tfd, skip;
    } slot = {.skip = 0};
    enum { EPOLL_TFD = 7 };
    struct epoll_event e = {.events = EPOLLIN};
    int ends[2], first, second, low;
    pid_t me = getpid();

    if (compared(me, me, VM_, 0, 0) == -1 && errno == ENOSYS)
        SKIP("no kcmp");
    OK(pipe(ends));
    OK(slot.efd = (unsigned)epoll_create1(0));
    OK(low = dup(ends[0]));
    slot.tfd = (unsigned)low;
    ERR(syscall(SYS_kcmp, me, me, EPOLL_TFD, ends[0], &slot), ENOENT);
    OK(epoll_ctl((int)slot.efd, EPOLL_CTL_ADD, low, &e));
    EQ(syscall(SYS_kcmp, me, me, EPOLL_TFD, ends[0], &slot), 0);
    CHECK(syscall(SYS_kcmp, me, me, EPOLL_TFD, ends[1], &slot) > 0);
    OK(close(
        low)); /* the pipe is open, so the watch stays, and another gets its number */
    OK(second = dup2(ends[1], low));
    e.events = EPOLLOUT;
    OK(epoll_ctl((int)slot.efd, EPOLL_CTL_ADD, second, &e));
    OK(first = (int)syscall(SYS_kcmp, me, me, EPOLL_TFD, ends[0], &slot));
    slot.skip = 1;
    CHECK((first == 0) != (syscall(SYS_kcmp, me, me, EPOLL_TFD, ends[0], &slot) == 0));
    slot.skip = 2;
    ERR(syscall(SYS_kcmp, me, me, EPOLL_TFD, ends[0], &slot), ENOENT);
    ERR(syscall(SYS_kcmp, me, me, EPOLL_TFD, ends[0], 8), EFAULT);
    ERR(syscall(SYS_kcmp, me, me, EPOLL_TFD, 999, &slot), EBADF);
    slot.efd = (unsigned)ends[0];
    ERR(syscall(SYS_kcmp, me, me, EPOLL_TFD, ends[0], &slot), EINVAL);
    slot.efd = 999;
    ERR(syscall(SYS_kcmp, me, me, EPOLL_TFD, ends[0], &slot), EBADF);
}

TEST(slack, "a thread's timer slack: kept, inherited, put back")
{
    long first = prctl(PR_GET_TIMERSLACK);

    CHECK(first > 0);
    OK(prctl(PR_SET_TIMERSLACK, 70000));
    EQ(prctl(PR_GET_TIMERSLACK), 70000);
    CHILD(EQ(prctl(PR_GET_TIMERSLACK), 70000); OK(prctl(PR_SET_TIMERSLACK, 5));
          EQ(prctl(PR_GET_TIMERSLACK), 5); OK(prctl(PR_SET_TIMERSLACK, 0));
          EQ(prctl(PR_GET_TIMERSLACK), 70000));
    OK(prctl(PR_SET_TIMERSLACK, 0));
    EQ(prctl(PR_GET_TIMERSLACK), first);
    EQ(prctl(PR_GET_TIMING), PR_TIMING_STATISTICAL);
    OK(prctl(PR_SET_TIMING, PR_TIMING_STATISTICAL));
    ERR(prctl(PR_SET_TIMING, PR_TIMING_TIMESTAMP), EINVAL);
}

TEST(cpuid, "arch_prctl tells that cpuid works")
{
    EQ(syscall(SYS_arch_prctl, ARCH_GET_CPUID, 0), 1);
    if (t_tessera)
        ERR(syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0), ENODEV);
}

TEST(sleep_clocks, "clocks that tell the time but wake nobody")
{
    static const int deaf[] = {CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW,
                               CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE};
    static const int wakes[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME,
                                CLOCK_TAI};
    struct timespec ts = {0, 1};

    for (int i = 0; i < 4; i++) {
        ERR(syscall(SYS_clock_nanosleep, deaf[i], 0, &ts, NULL), EOPNOTSUPP);
        OK(syscall(SYS_clock_nanosleep, wakes[i], 0, &ts, NULL));
    }
    ERR(syscall(SYS_clock_nanosleep, 99, 0, &ts, NULL), EINVAL);
}

TEST(unix_raw, "AF_UNIX: SOCK_RAW is SOCK_DGRAM; a packet ends without MSG_EOR")
{
    struct iovec iov = {(char[8]){0}, 8};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
    int v[2], type;
    socklen_t len = sizeof(type);

    OK(socketpair(AF_UNIX, SOCK_RAW, 0, v));
    OK(getsockopt(v[0], SOL_SOCKET, SO_TYPE, &type, &len));
    EQ(type, SOCK_DGRAM);
    EQ(send(v[0], "abc", 3, 0), 3);
    EQ(recv(v[1], iov.iov_base, 1, MSG_TRUNC), 3);
    ERR(recv(v[1], iov.iov_base, 1, MSG_DONTWAIT), EAGAIN);
    OK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, v));
    EQ(send(v[0], "abc", 3, 0), 3);
    EQ(recvmsg(v[1], &m, 0), 3);
    EQ(m.msg_flags & MSG_EOR, 0);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
