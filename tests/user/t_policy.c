/* SPDX-License-Identifier: MIT
 *
 * Scheduling policies, their rights, and what a real-time thread gets; priorities of input
 * and output; timers of used processor time.
 */
#include "tests/user/t.h"
#include <sched.h>
#include <sys/resource.h>
#include <sys/time.h>

#define RESET_ON_FORK 0x40000000
#define DEADLINE      6

struct attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t util_min, util_max;
    uint64_t more;
};

static int set(pid_t pid, int policy, int priority)
{
    return (int)syscall(SYS_sched_setscheduler, pid, policy, &priority);
}

static int get(void)
{
    return (int)syscall(SYS_sched_getscheduler, 0);
}

static int priority(void)
{
    int p = -1;

    OK(syscall(SYS_sched_getparam, 0, &p));
    return p;
}

static void need_root(void)
{
    if (geteuid() != 0 || set(0, SCHED_FIFO, 1) != 0)
        SKIP("needs CAP_SYS_NICE and real-time policies");
    OK(set(0, SCHED_OTHER, 0));
}

TEST(arguments, "which policies and priorities go together")
{
    int p = 0, best = -1;

    ERR(syscall(SYS_sched_setscheduler, -1, 0, &p), EINVAL);
    ERR(syscall(SYS_sched_setscheduler, 0, -1, &p), EINVAL);
    ERR(syscall(SYS_sched_setscheduler, 0, 0, NULL), EINVAL);
    ERR(syscall(SYS_sched_setscheduler, 0, 0, (void *)8), EFAULT);
    ERR(set(0, 4, 0), EINVAL);
    ERR(set(0, 1000, 0), EINVAL);
    ERR(set(0, SCHED_OTHER, 1), EINVAL);
    ERR(set(0, SCHED_BATCH, 1), EINVAL);
    ERR(set(0, SCHED_FIFO, 0), EINVAL);
    ERR(set(0, SCHED_FIFO, 100), EINVAL);
    ERR(set(0, SCHED_RR, -1), EINVAL);
    ERR(set(4000000, SCHED_OTHER, 0), ESRCH);
    OK(set(0, SCHED_BATCH, 0));
    EQ(get(), SCHED_BATCH);
    OK(set(0, SCHED_OTHER | RESET_ON_FORK, 0));
    EQ(get(), SCHED_OTHER | RESET_ON_FORK);
    EQ(priority(), 0);
    EQ(sched_get_priority_max(SCHED_RR), 99);
    EQ(sched_get_priority_min(SCHED_FIFO), 1);
    EQ(sched_get_priority_max(DEADLINE), 0);
    ERR(sched_get_priority_max(4), EINVAL);
    ERR(syscall(SYS_sched_getparam, 0, NULL), EINVAL);
    (void)best;
}

TEST(attr, "sched_setattr and sched_getattr")
{
    struct attr a = {.size = 56}, b = {.size = 1};

    OK(syscall(SYS_sched_getattr, 0, &b, 48, 0));
    EQ(b.size, 48);
    EQ(b.policy, SCHED_OTHER);
    ERR(syscall(SYS_sched_getattr, 0, &b, 47, 0), EINVAL);
    ERR(syscall(SYS_sched_getattr, 0, &b, 4097, 0), EINVAL);
    ERR(syscall(SYS_sched_getattr, 0, &b, 48, 1), EINVAL);
    ERR(syscall(SYS_sched_getattr, 0, NULL, 48, 0), EINVAL);
    ERR(syscall(SYS_sched_getattr, 0, (void *)8, 48, 0), EFAULT);
    ERR(syscall(SYS_sched_getattr, 4000000, &b, 48, 0), ESRCH);
    a.policy = SCHED_BATCH;
    a.nice = 3;
    OK(syscall(SYS_sched_setattr, 0, &a, 0));
    EQ(get(), SCHED_BATCH);
    EQ(getpriority(PRIO_PROCESS, 0), 3);
    OK(syscall(SYS_sched_getattr, 0, &b, 56, 0));
    EQ(b.nice, 3);
    a.size = 64; /* longer, the rest zero; then not */
    OK(syscall(SYS_sched_setattr, 0, &a, 0));
    a.more = 1;
    ERR(syscall(SYS_sched_setattr, 0, &a, 0), E2BIG);
    CHECK(a.size >= 56 && a.size < 64);
    a.more = 0;
    a.size = 47;
    ERR(syscall(SYS_sched_setattr, 0, &a, 0), E2BIG);
    a.size = 0; /* means 48 */
    OK(syscall(SYS_sched_setattr, 0, &a, 0));
    a.size = 48;
    ERR(syscall(SYS_sched_setattr, 0, &a, 1), EINVAL);
    ERR(syscall(SYS_sched_setattr, 0, NULL, 0), EINVAL);
    a.flags = 1 << 20;
    ERR(syscall(SYS_sched_setattr, 0, &a, 0), EINVAL);
    a.flags = 0;
    a.policy = 77;
    ERR(syscall(SYS_sched_setattr, 0, &a, 0), EINVAL);
    a.policy = SCHED_FIFO;
    ERR(syscall(SYS_sched_setattr, 0, &a, 0), EINVAL); /* no priority */
}

TEST(rights,
     "without the capability: nothing real-time beyond RLIMIT_RTPRIO, no way back")
{
    struct rlimit none = {0, 0}, some = {5, 5};

    need_root();
    OK(setrlimit(RLIMIT_NICE, &none));
    pid_t child = fork();
    if (!child) {
        OK(setrlimit(RLIMIT_RTPRIO, &none));
        OK(setresuid(65534, 65534, 65534));
        ERR(set(0, SCHED_FIFO, 1), EPERM);
        ERR(set(0, SCHED_RR, 99), EPERM);
        ERR(set(1, SCHED_OTHER, 0), EPERM);
        OK(set(0, SCHED_IDLE, 0));
        EQ(get(), SCHED_IDLE);
        ERR(set(0, SCHED_OTHER, 0), EPERM);
        OK(set(0, SCHED_IDLE | RESET_ON_FORK, 0));
        ERR(set(0, SCHED_IDLE, 0), EPERM);
        _exit(0);
    }
    int status;
    OK(waitpid(child, &status, 0));
    EQ(status, 0);
    if (setrlimit(RLIMIT_RTPRIO, &some) != 0)
        SKIP("the limit cannot be raised here");
    OK(setresuid(65534, 65534, 65534));
    OK(set(0, SCHED_FIFO, 5));
    ERR(set(0, SCHED_FIFO, 6), EPERM);
    OK(set(0, SCHED_RR, 2));
    EQ(priority(), 2);
    OK(set(0, SCHED_OTHER, 0));
}

TEST(inherit, "children and threads have the policy, unless it is reset on fork")
{
    int status;

    need_root();
    OK(set(0, SCHED_RR, 7));
    pid_t child = fork();
    if (!child)
        _exit(get() == SCHED_RR && priority() == 7 ? 0 : 1);
    OK(waitpid(child, &status, 0));
    EQ(status, 0);
    OK(set(0, SCHED_RR | RESET_ON_FORK, 7));
    child = fork();
    if (!child)
        _exit(get() == SCHED_OTHER && priority() == 0 ? 0 : 1);
    OK(waitpid(child, &status, 0));
    EQ(status, 0);
    EQ(get(), SCHED_RR | RESET_ON_FORK);
    struct timespec turn;
    OK(sched_rr_get_interval(0, &turn));
    CHECK(turn.tv_sec == 0 && turn.tv_nsec > 0);
    OK(set(0, SCHED_FIFO, 7));
    OK(sched_rr_get_interval(0, &turn));
    EQ(turn.tv_nsec, 0);
    OK(set(0, SCHED_OTHER, 0));
    OK(sched_rr_get_interval(0, &turn));
    ERR(sched_rr_get_interval(-1, &turn), EINVAL);
    ERR(sched_rr_get_interval(4000000, &turn), ESRCH);
    ERR(syscall(SYS_sched_rr_get_interval, 0, (void *)8), EFAULT);
}

/* On one processor: real-time children run to their end in the order of their priorities,
 * before anybody else, however late they came. */
TEST(order, "real-time children run in the order of their priorities")
{
    static const int priorities[] = {10, 30, 20, 30, 5};
    static const char want[] =
        "dbcae"; /* whose priority is lowered goes before its equals */
    char got[8] = "";
    int pipes[2], gate[2];
    cpu_set_t one;

    need_root();
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    OK(sched_setaffinity(0, sizeof(one), &one));
    OK(pipe(pipes));
    OK(pipe(gate));
    OK(set(0, SCHED_FIFO, 50));
    for (unsigned i = 0; i < 5; i++) {
        pid_t child = fork();
        if (!child) {
            char c = (char)('a' + i);
            OK(set(0, SCHED_FIFO, priorities[i]));
            for (volatile int n = 0; n < 3000000; n++)
                ;
            write(pipes[1], &c, 1);
            _exit(0);
        }
    }
    OK(set(0, SCHED_OTHER, 0)); /* from here on they go first */
    for (unsigned i = 0; i < 5; i++)
        waitpid(-1, NULL, 0);
    EQ(read(pipes[0], got, 5), 5);
    if (strcmp(got, want) != 0)
        FAIL("order %s, want %s", got, want);
}

TEST(rest, "a real-time loop leaves others some time; RLIMIT_RTTIME ends it")
{
    struct rlimit limit = {1500000, 3000000};
    int status;
    cpu_set_t one;

    need_root();
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    OK(sched_setaffinity(0, sizeof(one), &one));
    pid_t child = fork();
    if (!child) {
        OK(setrlimit(RLIMIT_RTTIME, &limit));
        OK(set(0, SCHED_FIFO, 50));
        for (;;)
            ;
    }
    OK(waitpid(child, &status, 0));
    CHECK(WIFSIGNALED(status));
    EQ(WTERMSIG(status), SIGXCPU);
}

#define IOPRIO(class, level) ((class) << 13 | (level))

TEST(ioprio,
     "priorities of input and output are kept for each thread, checked, inherited")
{
    int status;

    EQ(syscall(SYS_ioprio_get, 1, 0), 0);
    EQ(syscall(SYS_ioprio_get, 2, 0), IOPRIO(2, 4));
    OK(syscall(SYS_ioprio_set, 1, 0, IOPRIO(2, 6)));
    EQ(syscall(SYS_ioprio_get, 1, 0), IOPRIO(2, 6));
    pid_t child = fork();
    if (!child)
        _exit(syscall(SYS_ioprio_get, 1, 0) == IOPRIO(2, 6) ? 0 : 1);
    OK(waitpid(child, &status, 0));
    EQ(status, 0);
    OK(syscall(SYS_ioprio_set, 1, getpid(), IOPRIO(3, 0)));
    EQ(syscall(SYS_ioprio_get, 1, 0), IOPRIO(3, 0));
    ERR(syscall(SYS_ioprio_set, 1, 0, IOPRIO(0, 3)), EINVAL);
    ERR(syscall(SYS_ioprio_set, 1, 0, IOPRIO(5, 0)), EINVAL);
    ERR(syscall(SYS_ioprio_set, 4, 0, IOPRIO(2, 0)), EINVAL);
    ERR(syscall(SYS_ioprio_get, 0, 0), EINVAL);
    ERR(syscall(SYS_ioprio_get, 1, 4000000), ESRCH);
    ERR(syscall(SYS_ioprio_get, 2, 4000000), ESRCH);
    if (geteuid() == 0) {
        OK(syscall(SYS_ioprio_set, 1, 0, IOPRIO(1, 2)));
        OK(setresuid(65534, 65534, 65534));
        ERR(syscall(SYS_ioprio_set, 1, 0, IOPRIO(1, 2)), EPERM);
        ERR(syscall(SYS_ioprio_set, 1, 1, IOPRIO(2, 2)), EPERM);
    }
}

static volatile int virtual_, prof;

static void on_signal(int signo)
{
    if (signo == SIGVTALRM)
        virtual_++;
    else
        prof++;
}

static void spin_ms(long ms)
{
    struct timespec a, b;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    do
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    while ((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 < ms);
}

TEST(itimers, "ITIMER_VIRTUAL and ITIMER_PROF run on used time only")
{
    struct itimerval once = {{0, 0}, {0, 60000}}, each = {{0, 20000}, {0, 20000}}, now;
    struct itimerval off = {{0, 0}, {0, 0}}, bad = {{0, 0}, {0, 1000000}};

    signal(SIGVTALRM, on_signal);
    signal(SIGPROF, on_signal);
    ERR(setitimer(3, &off, NULL), EINVAL);
    ERR(getitimer(3, &now), EINVAL);
    ERR(setitimer(ITIMER_PROF, &bad, NULL), EINVAL);
    OK(setitimer(ITIMER_PROF, &once, NULL));
    nanosleep(&(struct timespec){0, 150000000}, NULL);
    EQ(prof, 0);
    OK(getitimer(ITIMER_PROF, &now));
    CHECK(now.it_value.tv_usec > 20000 && now.it_value.tv_usec <= 60000 + 10000);
    pid_t child = fork(); /* has none */
    if (!child) {
        OK(getitimer(ITIMER_PROF, &now));
        _exit(now.it_value.tv_usec != 0);
    }
    int status;
    OK(waitpid(child, &status, 0));
    EQ(status, 0);
    spin_ms(150);
    EQ(prof, 1);
    OK(getitimer(ITIMER_PROF, &now));
    EQ(now.it_value.tv_usec, 0);
    OK(setitimer(ITIMER_VIRTUAL, &each, NULL));
    while (virtual_ < 3)
        ;
    OK(setitimer(ITIMER_VIRTUAL, &off, &now));
    EQ(now.it_interval.tv_usec, 20000);
    EQ(prof, 1);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
