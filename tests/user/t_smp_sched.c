/* SPDX-License-Identifier: MIT
 *
 * Threads on several CPUs: sets of allowed CPUs, moves, wake-ups across CPUs, short sleeps, ends
 * of what runs elsewhere. With one CPU allowed the cases are tried on that one.
 */
#include "tests/user/t.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { FUTEX_WAIT, FUTEX_WAKE };

static int cpus[64], ncpus; /* allowed ones */

static void find_cpus(void)
{
    cpu_set_t set;

    OK(sched_getaffinity(0, sizeof(set), &set));
    for (int i = 0; i < 64; i++)
        if (CPU_ISSET(i, &set))
            cpus[ncpus++] = i;
}

static int stay_on(pid_t tid, int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return sched_setaffinity(tid, sizeof(set), &set);
}

static int cpu_now(void)
{
    unsigned cpu = ~0u;

    OK(syscall(SYS_getcpu, &cpu, NULL, NULL));
    return (int)cpu;
}

TEST(affinity_self, "a thread is on the CPU it allowed itself when the call returns")
{
    find_cpus();
    for (int i = 0; i < 50 * ncpus; i++) {
        OK(stay_on(0, cpus[i % ncpus]));
        EQ(cpu_now(), cpus[i % ncpus]);
    }
}

TEST(affinity_errors, "sets without a CPU, threads that are none, short sets")
{
    cpu_set_t none;
    uint64_t word = 0;

    find_cpus();
    CPU_ZERO(&none);
    ERR(sched_setaffinity(0, sizeof(none), &none), EINVAL);
    ERR(sched_setaffinity(0x7fffffff, sizeof(none), &none), ESRCH);
    ERR(syscall(SYS_sched_setaffinity, 0, 8, (void *)8), EFAULT);
    ERR(syscall(SYS_sched_getaffinity, 0, 7, &word), EINVAL);
    ERR(syscall(SYS_sched_getaffinity, 0x7fffffff, 128, &none), ESRCH);
    OK(stay_on(0, cpus[0])); /* a refused set changed nothing, a good one is told back */
    CPU_ZERO(&none);
    OK(sched_getaffinity(0, sizeof(none), &none));
    EQ(CPU_COUNT(&none), 1);
    CHECK(CPU_ISSET(cpus[0], &none));
}

static void *tell_cpu(void *arg)
{
    (void)arg;
    return (void *)(intptr_t)cpu_now();
}

TEST(affinity_inherited, "threads and children have the set of their creator")
{
    find_cpus();
    for (int i = 0; i < ncpus; i++) {
        pthread_t t;
        void *got;
        pid_t pid;
        int status;

        OK(stay_on(0, cpus[i]));
        EQ(pthread_create(&t, NULL, tell_cpu, NULL), 0);
        EQ(pthread_join(t, &got), 0);
        EQ((intptr_t)got, cpus[i]);
        if ((pid = fork()) == 0)
            _exit(cpu_now() == cpus[i] ? 0 : 1);
        EQ(waitpid(pid, &status, 0), pid);
        EQ(status, 0);
    }
}

/* ---- moved by another while it computes ---- */

static atomic_int mover_tid, stopped;

/* The same steps twice; the compiler is not told that they are. */
static void *compute(void *arg)
{
    uint64_t a = 1, b = 1;
    double x = 1.0, y = 1.0;

    (void)arg;
    mover_tid = (int)syscall(SYS_gettid);
    while (!stopped) {
        a = a * 6364136223846793005u + 1;
        b = b * 6364136223846793005u + 1;
        x = x > 1e100 ? 1.0 : x * 1.5 + 1;
        y = y > 1e100 ? 1.0 : y * 1.5 + 1;
        __asm__ volatile("" : "+r"(a), "+r"(b), "+x"(x), "+x"(y));
        if (a != b || x != y)
            return (void *)1;
    }
    return NULL;
}

TEST(moved, "registers and FPU state move with a thread that others send about")
{
    pthread_t t;
    void *wrong;

    find_cpus();
    EQ(pthread_create(&t, NULL, compute, NULL), 0);
    while (!mover_tid)
        sched_yield();
    for (int i = 0; i < 100; i++)
        OK(stay_on(mover_tid, cpus[i % ncpus]));
    stopped = 1;
    EQ(pthread_join(t, &wrong), 0);
    CHECK(!wrong);
}

/* ---- wake-ups across CPUs ---- */

enum { TURNS = 2000 };
static atomic_int turn;

static void futex_pass(int mine, int next)
{
    for (int i = 0; i < TURNS; i++) {
        int v;

        while ((v = turn) != mine)
            syscall(SYS_futex, &turn, FUTEX_WAIT, v, NULL, NULL, 0);
        turn = next;
        syscall(SYS_futex, &turn, FUTEX_WAKE, 1, NULL, NULL, 0);
    }
}

static void *other_side(void *arg)
{
    OK(stay_on(0, *(int *)arg));
    futex_pass(1, 0);
    return NULL;
}

TEST(ping_pong_futex, "no wake-up is lost between two CPUs, by futex")
{
    pthread_t t;

    find_cpus();
    OK(stay_on(0, cpus[0]));
    EQ(pthread_create(&t, NULL, other_side, &cpus[ncpus - 1]), 0);
    futex_pass(0, 1);
    EQ(pthread_join(t, NULL), 0);
    EQ(turn, 0);
}

TEST(ping_pong_pipe, "no wake-up is lost between two CPUs, by pipes")
{
    int to[2], from[2];
    pid_t pid;

    find_cpus();
    OK(pipe(to));
    OK(pipe(from));
    if ((pid = fork()) == 0) {
        int v;
        if (stay_on(0, cpus[ncpus - 1]) != 0)
            _exit(1);
        for (int i = 0; i < TURNS; i++)
            if (read(to[0], &v, sizeof(v)) != sizeof(v) || v != i ||
                write(from[1], &v, sizeof(v)) != sizeof(v))
                _exit(2);
        _exit(0);
    }
    OK(stay_on(0, cpus[0]));
    for (int i = 0, v; i < TURNS; i++) {
        EQ(write(to[1], &i, sizeof(i)), sizeof(i));
        EQ(read(from[0], &v, sizeof(v)), sizeof(v));
        EQ(v, i);
    }
    int status;
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
}

/* ---- sleeps ---- */

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void *short_sleeps(void *arg)
{
    uint64_t seed = 1000 + (uintptr_t)arg;

    for (int i = 0; i < 40; i++) {
        long us = 50 + (long)(t_random(&seed) % 1950);
        struct timespec t = {0, us * 1000};
        uint64_t from = now_ns();

        OK(nanosleep(&t, NULL));
        CHECK(now_ns() - from >= (uint64_t)us * 1000);
    }
    return NULL;
}

TEST(sleeps, "sixteen threads sleep for 50 us to 2 ms, never too short, and all wake up")
{
    pthread_t t[16];

    for (long i = 0; i < 16; i++)
        EQ(pthread_create(&t[i], NULL, short_sleeps, (void *)i), 0);
    for (int i = 0; i < 16; i++)
        EQ(pthread_join(t[i], NULL), 0);
}

TEST(sleep_50us, "a sleep of 50 us does not take a tick")
{
    struct timespec t = {0, 50000};
    uint64_t best = ~0ull;

    for (int i = 0; i < 100; i++) {
        uint64_t from = now_ns(), took;
        OK(nanosleep(&t, NULL));
        took = now_ns() - from;
        best = took < best ? took : best;
    }
    CHECK(best >= 50000);
    CHECK(best < 1000000);
}

/* ---- ends ---- */

static void *spin_on(void *arg)
{
    OK(stay_on(0, *(int *)arg));
    for (;;)
        turn++;
}

TEST(killed_elsewhere,
     "a process with running threads on all CPUs ends when it is killed or exits")
{
    find_cpus();
    for (int round = 0; round < 10; round++) {
        pid_t pid = fork();
        int status;

        if (pid == 0) {
            pthread_t t;
            for (int i = 0; i < 4; i++)
                if (pthread_create(&t, NULL, spin_on, &cpus[i % ncpus]) != 0)
                    _exit(1);
            while (turn < 1000)
                sched_yield();
            if (round % 2)
                _exit(7);
            spin_on(&cpus[0]);
        }
        if (round % 2 == 0) {
            struct timespec t = {0, 2000000};
            nanosleep(&t, NULL);
            OK(kill(pid, SIGKILL));
        }
        EQ(waitpid(pid, &status, 0), pid);
        EQ(status, round % 2 ? 7 << 8 : SIGKILL);
    }
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
