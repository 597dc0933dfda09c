/* SPDX-License-Identifier: MIT
 *
 * Scheduling policies: what sched_setattr keeps, policies of those that stand in a queue, turns
 * among equals in real time, CPUs of those that sleep or wait to run.
 */
#include "tests/user/t.h"
#include <sched.h>
#include <sys/resource.h>

#define RESET       1
#define KEEP_POLICY 8
#define KEEP_PARAMS 16
#define UTIL_MIN    32

struct attr {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t util_min, util_max;
};

static int set(pid_t pid, int policy, int priority)
{
    return (int)syscall(SYS_sched_setscheduler, pid, policy, &priority);
}

static struct attr now(pid_t pid)
{
    struct attr a;

    OK(syscall(SYS_sched_getattr, pid, &a, sizeof(a), 0));
    return a;
}

static int change(unsigned policy, unsigned flags, int nice, unsigned priority)
{
    struct attr a = {.size = sizeof(a),
                     .policy = policy,
                     .flags = flags,
                     .nice = nice,
                     .priority = priority};

    return (int)syscall(SYS_sched_setattr, 0, &a, 0);
}

#define IS(policy_, nice_, priority_, flags_) \
    do {                                      \
        struct attr t_a = now(0);             \
        EQ(t_a.policy, policy_);              \
        EQ(t_a.nice, nice_);                  \
        EQ(t_a.priority, priority_);          \
        EQ(t_a.flags, flags_);                \
    } while (0)

static void need_root(void)
{
    if (geteuid() != 0 || set(0, SCHED_FIFO, 1) != 0)
        SKIP("needs CAP_SYS_NICE and real-time policies");
    OK(set(0, SCHED_OTHER, 0));
    OK(setpriority(PRIO_PROCESS, 0, 0));
}

TEST(keeps, "sched_setattr: parameters and policies that stay")
{
    need_root();
    OK(change(SCHED_BATCH, 0, 3, 0));
    OK(change(SCHED_OTHER, KEEP_PARAMS, 7, 0)); /* with the parameters the policy stays */
    IS(SCHED_BATCH, 3, 0, 0);
    OK(change(SCHED_OTHER, KEEP_POLICY, 7, 0));
    IS(SCHED_BATCH, 7, 0, 0);
    ERR(change(SCHED_OTHER, KEEP_PARAMS, 0, 4), EINVAL);
    OK(change(SCHED_FIFO, KEEP_PARAMS, 0, 4));
    ERR(change(SCHED_FIFO, KEEP_PARAMS, 0, 0), EINVAL); /* nice is all it keeps here */
    IS(SCHED_BATCH, 7, 0, 0);
    OK(change(SCHED_FIFO, 0, 0, 4));
    OK(change(SCHED_RR, KEEP_PARAMS, 0, 0)); /* and here its priority */
    IS(SCHED_FIFO, 0, 4, 0);
    ERR(change(SCHED_OTHER, KEEP_PARAMS, 0, 0), EINVAL);
    OK(change(SCHED_OTHER, KEEP_POLICY, 0, 6));
    IS(SCHED_FIFO, 0, 6, 0);
    ERR(change(SCHED_OTHER, KEEP_POLICY, 0, 0), EINVAL);
    OK(change(SCHED_OTHER, KEEP_POLICY | KEEP_PARAMS, 0, 0));
    IS(SCHED_FIFO, 0, 6, 0);
    OK(change(SCHED_OTHER, 0, 5, 0));
    IS(SCHED_OTHER, 5, 0, 0);
    ERR(change(-1u, KEEP_POLICY, 0, 0), EINVAL);
    OK(change(4711, KEEP_POLICY, 5, 0));
}

TEST(reset_flag, "the flag of fork goes with a policy, and stays when that is kept")
{
    need_root();
    OK(change(SCHED_BATCH, RESET, 2, 0));
    IS(SCHED_BATCH, 2, 0, RESET);
    OK(change(SCHED_BATCH, KEEP_POLICY, 1, 0));
    IS(SCHED_BATCH, 1, 0, RESET);
    OK(change(SCHED_BATCH, KEEP_PARAMS, 9, 0));
    IS(SCHED_BATCH, 1, 0, 0);
    OK(change(SCHED_BATCH, KEEP_POLICY | RESET, 1, 0));
    IS(SCHED_BATCH, 1, 0, 0);
    OK(change(SCHED_OTHER, RESET, -5, 0));
    CHILD(IS(SCHED_OTHER, 0, 0, 0));
    OK(change(SCHED_OTHER, RESET, 5, 0));
    CHILD(IS(SCHED_OTHER, 5, 0, 0));
    OK(change(SCHED_FIFO, RESET, 0, 3));
    CHILD(IS(SCHED_OTHER, 0, 0, 0));
}

TEST(idle, "SCHED_IDLE leaves the nice value")
{
    need_root();
    OK(change(SCHED_OTHER, 0, 4, 0));
    OK(change(SCHED_IDLE, 0, 9, 0));
    IS(SCHED_IDLE, 4, 0, 0);
    EQ(getpriority(PRIO_PROCESS, 0), 4);
    OK(change(SCHED_OTHER, 0, 100, 0)); /* cut to what there is */
    IS(SCHED_OTHER, 19, 0, 0);
    OK(change(SCHED_BATCH, 0, -100, 0));
    IS(SCHED_BATCH, -20, 0, 0);
    OK(setpriority(PRIO_PROCESS, 0, 10));
    CHILD({
        OK(setgid(65534));
        OK(setuid(65534));
        OK(change(SCHED_IDLE, 0, -20, 0)); /* no wish that would need a right */
        IS(SCHED_IDLE, 10, 0, 0);
        ERR(change(SCHED_OTHER, 0, 10, 0), EPERM);
    });
    CHILD({
        OK(setgid(65534));
        OK(setuid(65534));
        ERR(change(SCHED_OTHER, 0, 9, 0), EPERM);
        ERR(change(SCHED_BATCH, 0, 9, 0), EPERM);
        OK(change(SCHED_BATCH, 0, 10, 0));
        OK(change(SCHED_OTHER, KEEP_PARAMS, -20, 0));
        IS(SCHED_BATCH, 10, 0, 0);
    });
}

TEST(util, "clocks of processors: refused, and after what else is wrong")
{
    struct attr a = {.size = sizeof(a), .flags = UTIL_MIN, .policy = 77};

    ERR(syscall(SYS_sched_setattr, 0, &a, 0), EINVAL);
    a.policy = SCHED_FIFO;
    ERR(syscall(SYS_sched_setattr, 0, &a, 0), EINVAL); /* no priority */
    a.policy = SCHED_OTHER;
    ERR(syscall(SYS_sched_setattr, 4000000, &a, 0), ESRCH);
    a.size = 48;
    ERR(syscall(SYS_sched_setattr, 0, &a, 0), EINVAL); /* no room for it */
    a.size = sizeof(a);
    if (syscall(SYS_sched_setattr, 0, &a, 0) != 0)
        EQ(errno, EOPNOTSUPP);
    else
        CHECK(!t_tessera);
}

/* ---- others ---- */

static void pin(pid_t pid)
{
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(0, &one);
    OK(sched_setaffinity(pid, sizeof(one), &one));
}

static volatile long *shared(void)
{
    void *p = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    CHECK(p != MAP_FAILED);
    return p;
}

TEST(queued, "policies of a child that waits for its turn")
{
    volatile long *count = shared();
    pid_t pid;

    need_root();
    pin(0);
    pid = t_fork();
    if (!pid)
        for (;;)
            ++*count;
    OK(set(0, SCHED_FIFO, 20)); /* from now on it runs only when this one waits */
    static const int to[][2] = {{SCHED_BATCH, 0}, {SCHED_FIFO, 5}, {SCHED_RR, 9},
                                {SCHED_FIFO, 2},  {SCHED_IDLE, 0}, {SCHED_RR, 1},
                                {SCHED_OTHER, 0}};
    for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
        long before = *count;

        OK(set(pid, to[i][0], to[i][1]));
        EQ(now(pid).policy, to[i][0]);
        EQ(now(pid).priority, to[i][1]);
        EQ(*count, before);
        t_nap(2000);
        while (to[i][0] != SCHED_IDLE && *count == before)
            t_nap(2000);
    }
    OK(kill(pid, SIGKILL));
    t_status_of(pid);
}

/* Two loops of one priority on one CPU, which end when the other has begun. */
static void two(int policy, bool yields)
{
    volatile long *begun = shared();
    pid_t pid[2];

    pin(0);
    OK(set(0, SCHED_FIFO, 20));
    for (int i = 0; i < 2; i++) {
        pid[i] = t_fork();
        if (!pid[i]) {
            begun[i] = 1;
            while (!begun[!i])
                if (yields)
                    sched_yield();
            _exit(0);
        }
        OK(set(pid[i], policy, 5));
    }
    for (int i = 0; i < 2; i++)
        t_join(pid[i]);
}

TEST(round_robin, "SCHED_RR: one loop after the other has its turn")
{
    need_root();
    two(SCHED_RR, false);
}

TEST(yields, "SCHED_FIFO: who yields lets its equals go first")
{
    need_root();
    two(SCHED_FIFO, true);
}

TEST(real_time_limit, "RLIMIT_RTTIME: SIGXCPU may be caught, the hard limit kills")
{
    struct rlimit limit = {20000, 20000};
    pid_t pid;

    need_root();
    pid = t_fork();
    if (!pid) {
        signal(SIGXCPU, SIG_IGN);
        OK(setrlimit(RLIMIT_RTTIME, &limit));
        OK(set(0, SCHED_RR, 1));
        for (;;)
            ;
    }
    EQ(t_status_of(pid), SIGKILL);
}

TEST(moved, "CPUs of those that sleep, and of those that wait to run")
{
    cpu_set_t all, one;
    pid_t sleeper, loops[3];
    int n;

    OK(sched_getaffinity(0, sizeof(all), &all));
    n = CPU_COUNT(&all);
    sleeper = t_fork();
    if (!sleeper)
        for (;;)
            pause();
    for (int i = 0; i < 3; i++) {
        loops[i] = t_fork();
        if (!loops[i])
            for (;;)
                ;
    }
    t_until_asleep(sleeper);
    for (int turn = 0; turn < 20; turn++) {
        for (int i = 0; i < 4; i++) {
            pid_t pid = i < 3 ? loops[i] : sleeper;

            CPU_ZERO(&one);
            CPU_SET((turn + i) % n, &one);
            OK(sched_setaffinity(pid, sizeof(one), &one));
            CPU_ZERO(&all);
            OK(sched_getaffinity(pid, sizeof(all), &all));
            CHECK(CPU_EQUAL(&all, &one));
        }
        sched_yield();
    }
    for (int i = 0; i < 4; i++) {
        pid_t pid = i < 3 ? loops[i] : sleeper;

        OK(kill(pid, SIGKILL));
        EQ(t_status_of(pid), SIGKILL);
    }
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
