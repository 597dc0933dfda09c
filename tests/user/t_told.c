/* SPDX-License-Identifier: MIT
 *
 * What descriptors of events tell of themselves in /proc/PID/fdinfo, and reads of them that
 * end early: by a bad address, by a signal.
 */
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "tests/user/t_userfaultfd.h"

/* The lines behind the first four, which every file has. */
static void info_of(int fd, char *text, size_t size)
{
    char path[64], all[1024], *at = all;
    int info;
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    OK(info = open(path, O_RDONLY));
    n = read(info, all, sizeof(all) - 1);
    CHECK(n > 0);
    all[n] = 0;
    close(info);
    for (int i = 0; i < 4; i++) {
        at = strchr(at, '\n');
        CHECK(at);
        at++;
    }
    snprintf(text, size, "%s", at);
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

#define TELLS(fd, want)                       \
    do {                                      \
        char t_text[1024];                    \
        info_of(fd, t_text, sizeof(t_text));  \
        if (strcmp(t_text, want))             \
            FAIL("%s, not %s", t_text, want); \
    } while (0)

TEST(signalfd_info, "fdinfo of a signalfd has its mask")
{
    sigset_t set;
    int fd;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGHUP);
    OK(fd = signalfd(-1, &set, 0));
    TELLS(fd, "sigmask:\t0000000000000201\n");
    sigaddset(&set, SIGRTMAX);
    sigaddset(&set, SIGKILL); /* which it never has */
    OK(signalfd(fd, &set, 0));
    TELLS(fd, "sigmask:\t8000000000000201\n");
}

TEST(timerfd_info, "fdinfo of a timerfd has clock, ticks, flags and times")
{
    struct itimerspec s = {{7, 5}, {1000000, 0}}, old;
    uint64_t n;
    int fd;
    char text[256], want[64];

    OK(fd = timerfd_create(CLOCK_MONOTONIC, 0));
    TELLS(fd, "clockid: 1\nticks: 0\nsettime flags: 00\nit_value: (0, 0)\nit_interval: "
              "(0, 0)\n");
    OK(timerfd_settime(fd, 0, &s, NULL));
    info_of(fd, text, sizeof(text));
    snprintf(want, sizeof(want),
             "clockid: 1\nticks: 0\nsettime flags: 00\nit_value: (999999, ");
    if (!begins(text, want))
        FAIL("%s", text);
    CHECK(strstr(text, "it_interval: (7, 5)\n"));
    s = (struct itimerspec){{0, 0}, {0, 1}};
    OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &s, &old));
    EQ(old.it_interval.tv_nsec, 5);
    TELLS(fd, "clockid: 1\nticks: 1\nsettime flags: 01\nit_value: (0, 0)\nit_interval: "
              "(0, 0)\n");
    EQ(read(fd, &n, 8), 8);
    TELLS(fd, "clockid: 1\nticks: 0\nsettime flags: 01\nit_value: (0, 0)\nit_interval: "
              "(0, 0)\n");
    close(fd);
    OK(fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC));
    s.it_value.tv_sec = 1L << 32;
    OK(timerfd_settime(fd, 3, &s, NULL)); /* and cancelled when the clock is set */
    info_of(fd, text, sizeof(text));
    if (!begins(text, "clockid: 0\nticks: 0\nsettime flags: 03\n"))
        FAIL("%s", text);
}

TEST(eventfd_info, "fdinfo of an eventfd has its count")
{
    char text[256];
    uint64_t n = 0x1f;
    int fd;

    OK(fd = eventfd(0, EFD_SEMAPHORE));
    EQ(write(fd, &n, 8), 8);
    info_of(fd, text, sizeof(text));
    if (!begins(text, "eventfd-count:               1f\neventfd-id: "))
        FAIL("%s", text);
    CHECK(strstr(text, "eventfd-semaphore: 1\n"));
}

TEST(uffd_fork, "events of forks are for who may trace")
{
    struct uffdio_api api = {.api = UFFD_API, .features = 1 << 1, .ioctls = 7};

    CHILD({
        if (getuid() == 0) {
            OK(setgid(65534));
            OK(setuid(65534));
        }
        int fd = (int)syscall(SYS_userfaultfd, UFFD_USER_MODE_ONLY);

        OK(fd);
        ERR(ioctl(fd, UFFDIO_API, &api), EPERM);
        EQ(api.api | api.features | api.ioctls, 0);
        api = (struct uffdio_api){.api = 1, .features = 1 << 1};
        ERR(ioctl(fd, UFFDIO_API, &api), EINVAL);
        api = (struct uffdio_api){.api = UFFD_API};
        OK(ioctl(fd, UFFDIO_API, &api));
    });
}

static void *touches(void *at)
{
    *(volatile char *)at = 1;
    return NULL;
}

TEST(uffd_info,
     "fdinfo of a userfaultfd has faults that are pending, all, and the interface")
{
    struct uffdio_api api = {.api = UFFD_API};
    struct uffdio_register r;
    struct uffdio_range w;
    struct uffd_msg msg;
    char text[256];
    unsigned long features;
    pthread_t t;
    char *at = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);

    if (fd < 0 && errno == EPERM)
        SKIP("needs root");
    OK(fd);
    info_of(fd, text, sizeof(text));
    if (sscanf(text, "pending:\t0\ntotal:\t0\nAPI:\taa:0:%lx\n", &features) != 1)
        FAIL("%s", text);
    OK(ioctl(fd, UFFDIO_API, &api));
    r = (struct uffdio_register){.range = {(uint64_t)at, P}, .mode = 1};
    OK(ioctl(fd, UFFDIO_REGISTER, &r));
    EQ(pthread_create(&t, NULL, touches, at), 0);
    CHECK(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 0) >= 0);
    do
        info_of(fd, text, sizeof(text));
    while (!begins(text, "pending:\t1\ntotal:\t1\n"));
    EQ(syscall(SYS_read, fd, 8, sizeof(msg)), -1);
    EQ(errno, EFAULT);
    info_of(fd, text, sizeof(text));
    if (!begins(text, "pending:\t0\ntotal:\t1\n"))
        FAIL("%s", text);
    w = (struct uffdio_range){(uint64_t)at, P};
    struct uffdio_zeropage z = {.range = w};
    OK(ioctl(fd, UFFDIO_ZEROPAGE, &z));
    EQ(pthread_join(t, NULL), 0);
    info_of(fd, text, sizeof(text));
    if (!begins(text, "pending:\t0\ntotal:\t0\n"))
        FAIL("%s", text);
    ERR(ioctl(fd, UFFDIO_ZEROPAGE, (void *)8), EFAULT);
    ERR(ioctl(fd, UFFDIO_COPY, (void *)8), EFAULT);
    ERR(ioctl(fd, UFFDIO_CONTINUE, (void *)8), EFAULT);
    ERR(ioctl(fd, UFFDIO_WAKE, (void *)8), EFAULT);
    ERR(ioctl(fd, UFFDIO_WRITEPROTECT, (void *)8), EFAULT);
    ERR(ioctl(fd, UFFDIO_REGISTER, (void *)8), EFAULT);
    ERR(ioctl(fd, UFFDIO_UNREGISTER, (void *)8), EFAULT);
    ERR(ioctl(fd, UFFDIO_API, (void *)8), EFAULT);
}

/* ---- reads ---- */

TEST(signalfd_bad, "a read of a signalfd into nowhere: the signal is gone; into half")
{
    struct signalfd_siginfo *info;
    char *two =
        mmap(NULL, 2 * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sigset_t set;
    int fd;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    OK(sigprocmask(SIG_BLOCK, &set, NULL));
    OK(fd = signalfd(-1, &set, SFD_NONBLOCK));
    OK(munmap(two + P, P));
    OK(raise(SIGUSR1));
    OK(raise(SIGUSR2));
    ERR(syscall(SYS_read, fd, 8, sizeof(*info)), EFAULT);
    EQ(read(fd, two, 4 * sizeof(*info)), sizeof(*info));
    info = (void *)two;
    EQ(info->ssi_signo, SIGUSR2);
    OK(raise(SIGUSR1));
    OK(raise(SIGUSR2));
    info = (void *)(two + P - sizeof(*info)); /* the first fits, the second does not */
    EQ(read(fd, info, 2 * sizeof(*info)), sizeof(*info));
    EQ(info->ssi_signo, SIGUSR1);
    ERR(read(fd, info, sizeof(*info)), EAGAIN);
}

TEST(signalfd_timer, "a timer's signal read from a signalfd: its number and overruns")
{
    struct signalfd_siginfo info;
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1};
    struct itimerspec s = {{0, 1000000}, {0, 1000000}};
    sigset_t set;
    timer_t timer;
    int fd;

    ev.sigev_value.sival_ptr = (void *)0x123456789abcul;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    OK(sigprocmask(SIG_BLOCK, &set, NULL));
    OK(fd = signalfd(-1, &set, 0));
    OK(timer_create(CLOCK_MONOTONIC, &ev, &timer));
    OK(timer_settime(timer, 0, &s, NULL));
    EQ(read(fd, &info, sizeof(info)), sizeof(info));
    t_nap(5000);
    EQ(read(fd, &info, sizeof(info)), sizeof(info));
    EQ(info.ssi_signo, SIGRTMIN + 1);
    EQ(info.ssi_code, SI_TIMER);
    EQ(info.ssi_tid, (int)(long)timer);
    EQ(info.ssi_ptr, 0x123456789abcul);
    EQ(info.ssi_int, 0x56789abc);
    EQ(info.ssi_pid, 0);
    EQ(info.ssi_uid, 0);
    CHECK(info.ssi_overrun >= 1);
}

static void nothing(int signo)
{
    (void)signo;
}

/* A child in read(fd, ., size) is woken by signals, with and without SA_RESTART. */
static void interrupted(int fd, size_t size)
{
    for (int restart = 0; restart < 2; restart++) {
        pid_t pid = t_fork();
        int status;

        if (!pid) {
            struct sigaction sa = {.sa_handler = nothing,
                                   .sa_flags = restart ? SA_RESTART : 0};
            char buf[256];
            ssize_t n;

            sigaction(SIGUSR1, &sa, NULL);
            n = read(fd, buf, size);
            _exit(n == -1 ? errno : 0);
        }
        t_until_asleep(pid);
        OK(kill(pid, SIGUSR1));
        if (restart) {
            t_until_asleep(pid);
            EQ(waitpid(pid, &status, WNOHANG), 0);
            OK(kill(pid, SIGKILL));
            EQ(t_status_of(pid), SIGKILL);
        } else {
            EQ(t_status_of(pid), EINTR << 8);
        }
    }
}

TEST(interrupted, "reads of each kind that wait: EINTR, or on they go")
{
    sigset_t set;
    int fd;

    OK(fd = timerfd_create(CLOCK_MONOTONIC, 0));
    interrupted(fd, 8);
    close(fd);
    OK(fd = eventfd(0, 0));
    interrupted(fd, 8);
    close(fd);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    OK(fd = signalfd(-1, &set, 0));
    interrupted(fd, 128);
}

/* How a child's sleep until the moment far ahead, or for so long, ends. */
static void sleeps(int clock, int flags, bool bad_rest)
{
    for (int restart = 0; restart < 2; restart++) {
        pid_t pid = t_fork();
        int status;

        if (!pid) {
            struct sigaction sa = {.sa_handler = nothing,
                                   .sa_flags = restart ? SA_RESTART : 0};
            struct timespec t = {1000, 0}, rest = {-1, -1};
            long err;

            if (flags) {
                OK(clock_gettime(clock, &t));
                t.tv_sec += 1000;
            }
            sigaction(SIGUSR1, &sa, NULL);
            err = syscall(SYS_clock_nanosleep, clock, flags, &t,
                          bad_rest ? (void *)8 : &rest);
            EQ(err, -1);
            EQ(errno, bad_rest && !flags ? EFAULT : EINTR);
            if (flags || bad_rest ? rest.tv_sec != -1
                                  : rest.tv_sec < 900 || rest.tv_sec > 1000)
                FAIL("clock %d, flags %d: %ld s left", clock, flags, (long)rest.tv_sec);
            _exit(0);
        }
        t_until_asleep(pid);
        if (!bad_rest || flags) { /* a stop is no end of it */
            OK(kill(pid, SIGSTOP));
            EQ(waitpid(pid, &status, WUNTRACED), pid);
            OK(kill(pid, SIGCONT));
            t_until_asleep(pid);
        }
        OK(kill(pid, SIGUSR1));
        t_join(pid);
    }
}

TEST(sleeps, "a sleep that a handler ends: EINTR, and what was left of a relative one")
{
    static const int clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME, 11};

    for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
        sleeps(clocks[i], 0, false);
        sleeps(clocks[i], TIMER_ABSTIME, false);
    }
    sleeps(CLOCK_MONOTONIC, 0, true);
    sleeps(CLOCK_MONOTONIC, TIMER_ABSTIME, true);
}

TEST(alarm_clocks, "timers that wake a sleeping machine need the capability")
{
    struct sigevent ev = {.sigev_notify = SIGEV_NONE};
    timer_t t;

    CHILD({
        if (getuid() == 0) {
            OK(setgid(65534));
            OK(setuid(65534));
        }
        ERR(timerfd_create(CLOCK_REALTIME_ALARM, 0), EPERM);
        ERR(timerfd_create(CLOCK_BOOTTIME_ALARM, TFD_NONBLOCK), EPERM);
        ERR(timerfd_create(CLOCK_BOOTTIME_ALARM, 1), EINVAL);
        ERR(timerfd_create(10, 0), EINVAL);
        EQ(timer_create(CLOCK_REALTIME_ALARM, &ev, &t), -1);
        CHECK(errno == EPERM ||
              (!t_tessera && errno == EOPNOTSUPP)); /* without a clock */
        EQ(timer_create(CLOCK_BOOTTIME_ALARM, &ev, &t), -1);
    });
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
