/* SPDX-License-Identifier: MIT
 *
 * clone3's set_tid, clocks of single processes and threads, adjtimex.
 */
#include "tests/user/t.h"
#include <pthread.h>
#include <sys/timex.h>

struct args {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
    uint64_t set_tid, set_tid_size, cgroup;
};

static pid_t clone_as(const int *tids, size_t n)
{
    struct args a = {
        .exit_signal = SIGCHLD, .set_tid = (uint64_t)(uintptr_t)tids, .set_tid_size = n};
    pid_t pid = (pid_t)syscall(SYS_clone3, &a, sizeof(a));
    if (!pid)
        _exit(tids[0] == getpid() ? 0 : 1);
    return pid;
}

TEST(set_tid, "a child gets the number that was asked for, once; EEXIST, EINVAL, EFAULT")
{
    if (geteuid())
        SKIP("needs root");
    int number;
    pid_t pid = t_fork(), got = -1;
    if (!pid)
        _exit(0);
    t_join(pid);
    number = pid;
    for (int i = 0; i < 100 && got < 0; i++, number = pid + 7 * i) {
        got = clone_as(&number, 1); /* others may take numbers meanwhile */
        if (got < 0)
            EQ(errno, EEXIST);
        else
            EQ(got, number);
    }
    CHECK(got > 0);
    int again = got, own = getpid(), one = 1;
    ERR(clone_as(&again, 1), EEXIST); /* it is not waited for yet */
    ERR(clone_as(&own, 1), EEXIST);
    ERR(clone_as(&one, 1), EEXIST);
    t_join(got);
    static const int bad[] = {0, -1, -2147483647 - 1, 2147483647, 4194304};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        ERR(clone_as(&bad[i], 1), EINVAL);
    ERR(clone_as((const int *)8, 1), EFAULT);
    ERR(clone_as(&number, 33), EINVAL);
    CHILD({
        OK(setuid(65534));
        ERR(clone_as(&number, 1), EPERM);
        ERR(clone_as(&bad[0], 1), EINVAL);
    });
}

static pid_t other_tid;
static pthread_barrier_t met;

static void *other(void *arg)
{
    (void)arg;
    other_tid = (pid_t)syscall(SYS_gettid);
    pthread_barrier_wait(&met);
    pthread_barrier_wait(&met);
    return NULL;
}

static clockid_t clock_of(pid_t id, bool thread, unsigned kind)
{
    return (clockid_t)(~(unsigned)id << 3 | (thread ? 4u : 0u) | kind);
}

static int64_t read_of(clockid_t clock)
{
    struct timespec t;
    OK(syscall(SYS_clock_gettime, clock, &t));
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

TEST(last, "/proc/sys/kernel/ns_last_pid: the number before the next one")
{
    static const char name[] = "/proc/sys/kernel/ns_last_pid";
    char text[16];
    int fd;

    if (!t_tessera)
        SKIP("other processes take numbers, too");
    CHILD(OK(setresuid(1000, 1000, 1000)); fd = open(name, O_RDWR); CHECK(fd >= 0);
          ERR(write(fd, "20000", 5), EPERM));
    fd = open(name, O_RDWR);
    CHECK(fd >= 0);
    EQ(write(fd, "20000", 5), 5);
    pid_t pid = t_fork();
    if (!pid)
        _exit(getpid() == 20001 ? 0 : 1);
    EQ(pid, 20001);
    t_join(pid);
    EQ(pread(fd, text, sizeof(text), 0), 6);
    CHECK(memcmp(text, "20001\n", 6) == 0);
    ERR(write(fd, "-1", 2), EINVAL);
}

TEST(clocks, "the CPU clocks of processes and of the caller's threads, by number")
{
    pthread_t thread;
    struct timespec t;
    pthread_barrier_init(&met, NULL, 2);
    EQ(pthread_create(&thread, NULL, other, NULL), 0);
    pthread_barrier_wait(&met);
    for (volatile int i = 0; i < 3000000; i++)
        ;
    static const unsigned kinds[] = {0, 1, 2};
    for (size_t i = 0; i < 3; i++) {
        int64_t all = read_of(clock_of(0, false, kinds[i]));
        CHECK(all >= 0 && read_of(clock_of(getpid(), false, kinds[i])) >= all);
        CHECK(read_of(clock_of(0, true, kinds[i])) >= 0);
        CHECK(read_of(clock_of(other_tid, true, kinds[i])) >= 0);
        CHECK(read_of(clock_of(getppid(), false, kinds[i])) >= 0);
        OK(syscall(SYS_clock_getres, clock_of(0, true, kinds[i]), &t));
    }
    ERR(syscall(SYS_clock_gettime, clock_of(getppid(), true, 2), &t), EINVAL);
    ERR(syscall(SYS_clock_gettime, clock_of(0x7ffffff, false, 2), &t), EINVAL);
    ERR(syscall(SYS_clock_gettime, clock_of(1000, false, 3), &t), EINVAL);
    pthread_barrier_wait(&met);
    EQ(pthread_join(thread, NULL), 0);
    int timer;
    for (int whose = 0; whose < 2; whose++) {
        OK(syscall(SYS_timer_create, clock_of(0, whose, 2), NULL, &timer));
        OK(syscall(SYS_timer_delete, timer));
    }
    ERR(syscall(SYS_timer_create, clock_of(0x7ffffff, true, 2), NULL, &timer), EINVAL);
}

TEST(adjtime, "adjtimex reads what the clock is like; errors")
{
    struct timex x;
    struct timespec now;
    memset(&x, 0xff, sizeof(x));
    x.modes = 0;
    int state = (int)syscall(SYS_adjtimex, &x);
    CHECK(state >= TIME_OK && state <= TIME_ERROR);
    EQ(state == TIME_ERROR, !!(x.status & (STA_UNSYNC | STA_CLOCKERR)));
    CHECK(x.tick >= 9000 && x.tick <= 11000);
    EQ(x.tolerance, 32768000);
    CHECK(x.precision >= 1);
    CHECK(x.maxerror >= 0 && x.maxerror <= 16000000);
    CHECK(x.esterror >= 0);
    CHECK(x.freq >= -x.tolerance && x.freq <= x.tolerance);
    OK(clock_gettime(CLOCK_REALTIME, &now));
    CHECK(now.tv_sec - x.time.tv_sec >= 0 && now.tv_sec - x.time.tv_sec < 60);
    if (t_tessera)
        EQ(state, TIME_ERROR);
    x.modes = 0;
    CHECK(syscall(SYS_clock_adjtime, CLOCK_REALTIME, &x) >= 0);
    x.modes = 0xa001; /* what is left of adjtime(3): anyone may ask */
    CHECK(syscall(SYS_adjtimex, &x) >= 0);
    ERR(syscall(SYS_adjtimex, NULL), EFAULT);
    ERR(syscall(SYS_clock_adjtime, 99, NULL), EFAULT);
    ERR(syscall(SYS_clock_adjtime, 99, &x), EINVAL);
    x.modes = 0;
    ERR(syscall(SYS_clock_adjtime, CLOCK_MONOTONIC, &x), EOPNOTSUPP);
    ERR(syscall(SYS_clock_adjtime, (int)(~(unsigned)getpid() << 3 | 2), &x), EOPNOTSUPP);
    ERR(syscall(SYS_clock_adjtime, (int)(~0u << 3 | 3), &x), EINVAL); /* descriptor 0's */
    CHILD({
        if (!geteuid())
            OK(setuid(65534));
        x.modes = ADJ_SETOFFSET;
        x.time.tv_sec = x.time.tv_usec = 0;
        ERR(syscall(SYS_adjtimex, &x), EPERM);
        x.modes = ADJ_FREQUENCY;
        ERR(syscall(SYS_adjtimex, &x), EPERM);
    });
}

/* The whole of it as it is, as programs put back what they found. */
TEST(discipline, "what is told of the clock is kept; what changes nothing is taken")
{
    struct timex x = {.modes = 0}, was, seen;

    if (!t_tessera)
        SKIP("changes the machine's clock");
    EQ(adjtimex(&x), TIME_ERROR);
    was = x;
    x.modes = 0x403f; /* offset, frequency, errors, status, constant, tick */
    EQ(adjtimex(&x), TIME_ERROR);
    x = (struct timex){.modes = ADJ_OFFSET_SINGLESHOT};
    EQ(adjtimex(&x), TIME_ERROR);
    EQ(x.offset, 0);
    x.modes = ADJ_STATUS | ADJ_MAXERROR | ADJ_ESTERROR | ADJ_TIMECONST | ADJ_NANO;
    x.status = STA_FREQHOLD;
    x.maxerror = 2000000;
    x.esterror = 20000000;
    x.constant = 3;
    EQ(adjtimex(&x), TIME_OK);
    seen = (struct timex){.modes = 0};
    EQ(adjtimex(&seen), TIME_OK);
    CHECK(seen.maxerror >= 2000000 && seen.maxerror < 2100000);
    EQ(seen.esterror, 16000000);
    EQ(seen.constant, 3);
    EQ(seen.status, STA_FREQHOLD | STA_NANO);
    CHECK(seen.time.tv_usec < 1000000000);
    x.modes =
        ADJ_TIMECONST | ADJ_MICRO | ADJ_OFFSET; /* without STA_PLL it moves nothing */
    x.offset = 5;
    EQ(adjtimex(&x), TIME_OK);
    EQ(x.constant, 7);
    EQ(x.offset, 0);
    x.modes = ADJ_TICK | ADJ_ESTERROR;
    x.esterror = 1;
    x.tick = 8999;
    ERR(adjtimex(&x), EINVAL);
    x.tick = 11001;
    ERR(adjtimex(&x), EINVAL);
    x.tick = 10001;
    ERR(adjtimex(&x), EOPNOTSUPP);
    x.modes = ADJ_STATUS | ADJ_OFFSET | ADJ_ESTERROR;
    x.status = STA_PLL;
    x.offset = 5;
    ERR(adjtimex(&x), EOPNOTSUPP);
    x.modes = ADJ_STATUS;
    x.status = STA_INS;
    ERR(adjtimex(&x), EOPNOTSUPP);
    x.modes = 0;
    EQ(adjtimex(&x), TIME_OK);
    EQ(x.esterror, 16000000); /* failed calls keep nothing */
    EQ(x.status, STA_FREQHOLD);
    was.modes = 0x403f | ADJ_MICRO;
    EQ(adjtimex(&was), TIME_ERROR);
}

TEST(step, "ADJ_SETOFFSET moves the clock at once; what would bend it is refused")
{
    if (!t_tessera)
        SKIP("changes the machine's clock");
    struct timex x = {.modes = ADJ_SETOFFSET};
    struct timespec before, after;
    OK(clock_gettime(CLOCK_REALTIME, &before));
    x.time.tv_sec = 1000;
    x.time.tv_usec = 500000;
    EQ(syscall(SYS_adjtimex, &x), TIME_ERROR);
    OK(clock_gettime(CLOCK_REALTIME, &after));
    CHECK(after.tv_sec - before.tv_sec >= 1000 && after.tv_sec - before.tv_sec < 1100);
    x.modes = ADJ_SETOFFSET | ADJ_NANO;
    x.time.tv_sec = -1001;
    x.time.tv_usec = 500000000;
    EQ(syscall(SYS_adjtimex, &x), TIME_ERROR);
    x.modes = ADJ_SETOFFSET; /* the call has put the time there */
    x.time.tv_sec = -1;
    x.time.tv_usec = 1000000;
    ERR(syscall(SYS_adjtimex, &x), EINVAL);
    x.time.tv_usec = 0;
    x.time.tv_sec = -4000000000;
    ERR(syscall(SYS_adjtimex, &x), EINVAL);
    x.time.tv_sec = INT64_MAX;
    ERR(syscall(SYS_adjtimex, &x), EINVAL);
    ERR(clock_settime(CLOCK_REALTIME, &(struct timespec){.tv_sec = INT64_MAX}), EINVAL);
    ERR(clock_settime(CLOCK_REALTIME,
                      &(struct timespec){.tv_sec = 9223372036 - 946080000}),
        EINVAL);
    ERR(clock_settime(CLOCK_REALTIME, &(struct timespec){.tv_nsec = 1}), EINVAL);
    x.modes = ADJ_TICK;
    x.tick = 10001;
    ERR(syscall(SYS_adjtimex, &x), EOPNOTSUPP);
    x.modes = ADJ_FREQUENCY | ADJ_SETOFFSET;
    x.freq = 1;
    ERR(syscall(SYS_adjtimex, &x), EOPNOTSUPP);
}

TEST(zone, "the time zone is kept; the first one without a time moves the clock")
{
    struct timezone zone = {.tz_minuteswest = 15 * 60 + 1}, now;
    struct timespec before, after;
    struct timeval tv;

    if (!t_tessera)
        SKIP("changes the machine's clock");
    ERR(syscall(SYS_settimeofday, NULL, &zone), EINVAL);
    OK(clock_gettime(CLOCK_REALTIME, &before));
    zone.tz_minuteswest = 60;
    OK(syscall(SYS_settimeofday, NULL, &zone));
    OK(clock_gettime(CLOCK_REALTIME, &after));
    CHECK(after.tv_sec - before.tv_sec >= 3600 && after.tv_sec - before.tv_sec < 3700);
    zone.tz_minuteswest = -120;
    zone.tz_dsttime = 1;
    OK(syscall(SYS_settimeofday, NULL, &zone));
    OK(syscall(SYS_gettimeofday, &tv, &now));
    EQ(now.tz_minuteswest, -120);
    EQ(now.tz_dsttime, 1);
    CHECK(tv.tv_sec - after.tv_sec < 100);
    OK(syscall(SYS_settimeofday, NULL, &(struct timezone){0}));
    OK(clock_settime(CLOCK_REALTIME, &before));
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
