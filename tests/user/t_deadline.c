/* SPDX-License-Identifier: MIT
 *
 * SCHED_DEADLINE, sched(7), sched_setattr(2): what is asked, promised, kept. For user 0 alone.
 */
#include "tests/user/t.h"
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/resource.h>
#include <time.h>

#define DEADLINE  6
#define MS        1000000ull
#define RESET     1u
#define OVERRUN   4u
#define KEEP_BOTH 0x18u

/* The C library has none of them. */
static long policy_set(pid_t tid, int policy, const struct sched_param *p)
{
    return syscall(SYS_sched_setscheduler, tid, policy, p);
}

static long policy_of(pid_t tid)
{
    return syscall(SYS_sched_getscheduler, tid);
}

static long param_set(pid_t tid, const struct sched_param *p)
{
    return syscall(SYS_sched_setparam, tid, p);
}

static long param_of(pid_t tid, struct sched_param *p)
{
    return syscall(SYS_sched_getparam, tid, p);
}

struct attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

static long set(uint64_t runtime, uint64_t deadline, uint64_t period, uint64_t flags)
{
    struct attr a = {.size = sizeof(a), .policy = DEADLINE, .flags = flags};

    a.runtime = runtime;
    a.deadline = deadline;
    a.period = period;
    return syscall(SYS_sched_setattr, 0, &a, 0);
}

static struct attr got(pid_t tid)
{
    struct attr a = {.size = 0};

    OK(syscall(SYS_sched_getattr, tid, &a, sizeof(a), 0));
    return a;
}

static void root_alone(void)
{
    if (geteuid())
        SKIP("needs user 0");
}

/* On a host without rights for it, as in a container, there is nothing to be seen. */
static void begin(uint64_t runtime, uint64_t deadline, uint64_t period, uint64_t flags)
{
    root_alone();
    if (set(runtime, deadline, period, flags) && errno == EPERM && !t_tessera)
        SKIP("may not");
    EQ(got(0).policy, DEADLINE);
}

static long back(void)
{
    struct sched_param p = {0};

    return policy_set(0, SCHED_OTHER, &p);
}

static uint64_t ns(clockid_t clock)
{
    struct timespec t;

    OK(clock_gettime(clock, &t));
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

TEST(asked, "what is asked: runtime <= deadline <= period, none too short or too long")
{
    struct sched_param p = {0};

    root_alone();
    ERR(set(0, 0, 0, 0), EINVAL);
    ERR(set(1023, 10 * MS, 10 * MS, 0), EINVAL);
    ERR(set(11 * MS, 10 * MS, 20 * MS, 0), EINVAL);
    ERR(set(5 * MS, 21 * MS, 20 * MS, 0), EINVAL);
    ERR(set(5 * MS, 1ull << 63, 0, 0), EINVAL);
    ERR(set(5 * MS, 10 * MS, 1ull << 63, 0), EINVAL);
    ERR(set(50000, 99999, 99999, 0), EINVAL);
    ERR(set(5 * MS, 10 * MS, 4194304001, 0), EINVAL);
    ERR(set(5 * MS, 10 * MS, 10 * MS, 0x80), EINVAL);
    ERR(policy_set(0, DEADLINE, &p), EINVAL);
    p.sched_priority = 1;
    ERR(policy_set(0, DEADLINE, &p), EINVAL);
    EQ(sched_get_priority_max(DEADLINE), 0);
    EQ(sched_get_priority_min(DEADLINE), 0);
    EQ(got(0).policy, SCHED_OTHER);
}

/* Fields of a stat in /proc: 18 is the priority, 40 and 41 that of real-time threads, the policy. */
static long stat_field(int wanted)
{
    static struct t_reader r;
    char *l;

    CHECK(t_open(&r, "/proc/thread-self/stat"));
    CHECK((l = t_line(&r)) != NULL);
    l = strrchr(l, ')');
    for (int field = 2; l && field < wanted; field++)
        l = strchr(l + 1, ' ');
    CHECK(l != NULL);
    return atol(l);
}

TEST(told, "what was asked is told; the period is the deadline when there is none")
{
    struct sched_param p = {.sched_priority = 7};
    struct timespec turn = {1, 1};
    struct attr a;

    signal(SIGXCPU, SIG_IGN);
    begin(5 * MS, 90 * MS, 0, OVERRUN);
    a = got(0);
    EQ(a.runtime, 5 * MS);
    EQ(a.deadline, 90 * MS);
    EQ(a.period, 90 * MS);
    EQ(a.flags, OVERRUN);
    EQ(a.priority, 0);
    EQ(a.nice, 0);
    EQ(policy_of(0), DEADLINE);
    OK(param_of(0, &p));
    EQ(p.sched_priority, 0);
    OK(sched_rr_get_interval(0, &turn));
    EQ(turn.tv_sec + turn.tv_nsec, 0);
    EQ(stat_field(18), -101);
    EQ(stat_field(40), 0);
    EQ(stat_field(41), DEADLINE);
    ERR(param_set(0, &p), EINVAL);
    OK(set(1, 2, 3, KEEP_BOTH));
    EQ(got(0).runtime, 5 * MS);
    OK(set(6 * MS, 80 * MS, 100 * MS, 0));
    a = got(0);
    EQ(a.runtime, 6 * MS);
    EQ(a.deadline, 80 * MS);
    EQ(a.period, 100 * MS);
    OK(back());
    a = got(0);
    EQ(a.policy, SCHED_OTHER);
    EQ(a.deadline | a.period, 0);
}

static void *thread_of_reset(void *arg)
{
    EQ(policy_of(0), SCHED_OTHER);
    return arg;
}

TEST(born, "nobody inherits it: EAGAIN, or with SCHED_RESET_ON_FORK the ordinary policy")
{
    pthread_t t;

    begin(5 * MS, 100 * MS, 100 * MS, 0);
    ERR(fork(), EAGAIN);
    EQ(pthread_create(&t, NULL, thread_of_reset, NULL), EAGAIN);
    OK(set(5 * MS, 100 * MS, 100 * MS, RESET));
    CHILD({
        EQ(policy_of(0), SCHED_OTHER);
        EQ(got(0).flags, 0);
    });
    EQ(pthread_create(&t, NULL, thread_of_reset, NULL), 0);
    EQ(pthread_join(t, NULL), 0);
}

TEST(rights, "who has no right to it cannot take it, and may give it up")
{
    begin(5 * MS, 100 * MS, 100 * MS, 0);
    OK(setresuid(54321, 54321, 54321));
    ERR(set(4 * MS, 100 * MS, 100 * MS, 0), EPERM);
    OK(back());
    ERR(set(5 * MS, 100 * MS, 100 * MS, 0), EPERM);
}

TEST(cpus, "such a thread may run on all CPUs")
{
    cpu_set_t all, one;
    int first = 0;

    root_alone();
    OK(sched_getaffinity(0, sizeof(all), &all));
    if (CPU_COUNT(&all) < 2)
        SKIP("needs two CPUs");
    while (!CPU_ISSET(first, &all))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    begin(5 * MS, 100 * MS, 100 * MS, 0);
    ERR(sched_setaffinity(0, sizeof(one), &one), EBUSY);
    OK(sched_setaffinity(0, sizeof(all), &all));
    OK(back());
    OK(sched_setaffinity(0, sizeof(one), &one));
    ERR(set(5 * MS, 100 * MS, 100 * MS, 0), EPERM);
}

static sem_t said;
static bool refused;

static void *holds(void *arg)
{
    refused = set(60 * MS, 100 * MS, 100 * MS, 0) != 0;
    sem_post(&said);
    pause();
    return arg;
}

/* How many threads of 60 % each a child can have; what they were promised ends with it. */
static int room(void)
{
    pid_t pid = t_fork();
    pthread_t t;
    int n = 0;

    if (!pid) {
        sem_init(&said, 0, 0);
        for (; n < 250; n++) {
            EQ(pthread_create(&t, NULL, holds, NULL), 0);
            while (sem_wait(&said))
                ;
            if (refused)
                break;
        }
        _exit(n);
    }
    return WEXITSTATUS(t_status_of(pid));
}

TEST(promised, "no more is promised than the CPUs have, and it is free again in the end")
{
    int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN), n;

    begin(60 * MS, 100 * MS, 100 * MS, 0);
    OK(back());
    n = room();
    CHECK(n >= 1 && n <= cpus * 95 / 60);
    for (int i = 0; i < 3; i++)
        EQ(room(), n);
}

TEST(kept,
     "who asks for it with SCHED_FLAG_KEEP_PARAMS keeps what it has: nothing is promised")
{
    int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);

    if (!t_tessera) /* where it is promised to nobody, until the next boot */
        SKIP("would cost the machine its shares");
    root_alone();
    for (int i = 0; i < 4 * cpus; i++)
        OK(set(60 * MS, 100 * MS, 100 * MS, KEEP_BOTH & ~8u));
    EQ(got(0).policy, 0);
    OK(set(60 * MS, 100 * MS, 100 * MS, 0));
    OK(back());
}

static volatile int told;

static void on_xcpu(int signo)
{
    (void)signo;
    told++;
}

/* In tenths of a percent, over a second. */
static uint64_t share(void)
{
    uint64_t from = ns(CLOCK_MONOTONIC), had = ns(CLOCK_THREAD_CPUTIME_ID), now;

    do
        now = ns(CLOCK_MONOTONIC);
    while (now - from < 1000000000u);
    return (ns(CLOCK_THREAD_CPUTIME_ID) - had) * 1000 / (now - from);
}

/* The clocks go on while a busy host takes the CPU away, so it may seem to have had more, and periods
 * pass without it. */
TEST(budget, "a thread that never sleeps gets its budget of each period, and is told")
{
    uint64_t best = 1000;

    signal(SIGXCPU, on_xcpu);
    begin(20 * MS, 100 * MS, 100 * MS, OVERRUN);
    for (int i = 0; i < 5 && (best > 320 || told <= 3); i++) {
        uint64_t s = share();

        best = s < best ? s : best;
    }
    CHECK(best <= 320);
    CHECK(told > 3);
    OK(back());
    CHECK(share() > best);
}

TEST(yield, "sched_yield: the rest is given up, the next period comes")
{
    uint64_t from, took;

    begin(20 * MS, 100 * MS, 100 * MS, 0);
    OK(sched_yield());
    from = ns(CLOCK_MONOTONIC);
    for (int i = 0; i < 5; i++)
        OK(sched_yield());
    took = ns(CLOCK_MONOTONIC) - from;
    CHECK(took >= 400 * MS);
}

static void *changes(void *tid)
{
    struct sched_param p = {0};

    t_nap(50000);
    OK(policy_set(*(pid_t *)tid, SCHED_OTHER, &p));
    return NULL;
}

TEST(released, "who waits for its next period goes on when it has another policy")
{
    pid_t tid = (pid_t)syscall(SYS_gettid);
    uint64_t from = ns(CLOCK_MONOTONIC);
    pthread_t t;

    root_alone();
    EQ(pthread_create(&t, NULL, changes, &tid), 0);
    begin(20 * MS, 4000 * MS, 4000 * MS, 0);
    while (policy_of(0) == DEADLINE)
        ;
    if (t_tessera)
        CHECK(ns(CLOCK_MONOTONIC) - from < 3000 * MS);
    EQ(pthread_join(t, NULL), 0);
}

/* On one CPU with a thread of FIFO 99 that never sleeps: it gets its 30 % of each period. */
TEST(first, "it goes before all real-time threads")
{
    struct sched_param p = {.sched_priority = 99};
    uint64_t best = 0;
    int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
    pid_t pids[64];

    if (!t_tessera)
        SKIP("would stop this machine");
    for (int i = 0; i < cpus; i++) {
        pids[i] = t_fork();
        if (!pids[i]) {
            OK(policy_set(0, SCHED_FIFO, &p));
            for (;;)
                ;
        }
    }
    begin(30 * MS, 100 * MS, 100 * MS, 0);
    for (int i = 0; i < 5 && best < 150; i++) {
        uint64_t had = share();

        best = had > best ? had : best;
    }
    CHECK(best >= 150); /* else the 50 that the others leave to all */
    OK(back());
    for (int i = 0; i < cpus; i++) {
        OK(kill(pids[i], SIGKILL));
        EQ(waitpid(pids[i], NULL, 0), pids[i]);
    }
}

TEST(killed, "SIGKILL ends one that waits for its period")
{
    pid_t pid;
    int status;

    begin(5 * MS, 4000 * MS, 4000 * MS, RESET);
    OK(back());
    pid = t_fork();
    if (!pid) {
        OK(set(5 * MS, 4000 * MS, 4000 * MS, 0));
        for (;;)
            ;
    }
    t_nap(100000);
    OK(kill(pid, SIGKILL));
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, SIGKILL);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
