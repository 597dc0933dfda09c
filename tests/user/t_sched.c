/* SPDX-License-Identifier: MIT
 *
 * Shares of the CPU: nice values, threads against a process, users against each other, and a
 * sleeper among many that never sleep; getrandom and writes to /dev/urandom that end early.
 */
#include "tests/user/t.h"
#include <pthread.h>
#include <sched.h>
#include <sys/random.h>
#include <sys/resource.h>

enum {
    RW = PROT_READ | PROT_WRITE,
    ANON = MAP_PRIVATE | MAP_ANONYMOUS,
    SPINNERS = 24,
    NAPS = 30,
    SLEEPERS = 8,
    SOME = 3,
    WRITTEN = 16384
};

static volatile uint64_t *turns; /* a cache line each */

static _Noreturn void spin(int slot)
{
    for (;;)
        turns[slot * 8]++;
}

static void *spin_thread(void *slot)
{
    spin((int)(intptr_t)slot);
}

/* Shares are those of one CPU: on the first one allowed. */
static void shared_counters(void)
{
    cpu_set_t all, one;
    int cpu = 0;
    OK(sched_getaffinity(0, sizeof(all), &all));
    while (!CPU_ISSET(cpu, &all))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    OK(sched_setaffinity(0, sizeof(one), &one));
    turns = mmap(NULL, P, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(turns != MAP_FAILED);
}

static uint64_t sum(int from, int n)
{
    uint64_t all = 0;
    for (int i = from; i < from + n; i++)
        all += turns[i * 8];
    return all;
}

static void end_all(const pid_t *pids, int n)
{
    for (int i = 0; i < n; i++)
        OK(kill(pids[i], SIGKILL));
    for (int i = 0; i < n; i++)
        EQ(waitpid(pids[i], NULL, 0), pids[i]);
}

/* Counters [0, n) and the one at n, in the second that goes by. */
struct share {
    uint64_t many, one;
};

static struct share shares(int n)
{
    struct timespec t = {1, 0};
    struct share before = {sum(0, n), sum(n, 1)};
    nanosleep(&t, NULL);
    return (struct share){sum(0, n) - before.many, sum(n, 1) - before.one};
}

/* The spinners of counters [0, n) get between low and high tenths of what the one at n gets.
 * Who has the CPU while the host takes it away pays for that, so a second may tell nothing;
 * a CPU that is not shared so never gets there. */
static void want_shares(int n, uint64_t low, uint64_t high)
{
    struct share s = {0, 0};
    for (int second = 0; second < 8; second++) {
        s = shares(n);
        if (s.one && s.many * 10 >= s.one * low && s.many * 10 <= s.one * high)
            return;
    }
    FAIL("%lu to %lu", (unsigned long)s.many, (unsigned long)s.one);
}

TEST_DIFF(sched_nice, "one CPU", "nice 0 gets three times as much as nice 5")
{
    pid_t pids[2];
    shared_counters();
    for (int i = 0; i < 2; i++)
        if ((pids[i] = fork()) == 0) {
            errno = 0;
            if (nice(i * 5) != i * 5)
                _exit(1);
            spin(i);
        }
    want_shares(1, 20, 45);
    EQ(getpriority(PRIO_PROCESS, (id_t)pids[1]), 5);
    end_all(pids, 2);
}

static void *spin_nicer(void *slot)
{
    if (nice(5) != 5)
        _exit(1);
    spin((int)(intptr_t)slot);
}

TEST_DIFF(sched_nice_thread, "one CPU", "nice values are those of threads, too")
{
    pid_t pid;
    pthread_t t;
    shared_counters();
    if ((pid = fork()) == 0) {
        pthread_create(&t, NULL, spin_nicer, (void *)1);
        spin(0);
    }
    want_shares(1, 20, 45);
    end_all(&pid, 1);
}

TEST_DIFF(sched_threads, "one CPU", "ten threads get no more than a process with one")
{
    pid_t pids[2];
    pthread_t t;
    shared_counters();
    if ((pids[0] = fork()) == 0) {
        for (intptr_t i = 1; i < 10; i++)
            pthread_create(&t, NULL, spin_thread, (void *)i);
        spin(0);
    }
    if ((pids[1] = fork()) == 0)
        spin(10);
    want_shares(10, 4, 20);
    end_all(pids, 2);
}

TEST_DIFF(sched_users, "one CPU",
          "twenty processes of one user get no more than one of another")
{
    pid_t pids[21];
    if (geteuid() != 0)
        SKIP("needs two users");
    shared_counters();
    for (int i = 0; i < 21; i++)
        if ((pids[i] = fork()) == 0) {
            if (i < 20 && setuid(65534))
                _exit(1);
            spin(i);
        }
    want_shares(20, 4, 20);
    end_all(pids, 21);
}

/* How many of n counters moved while the caller slept for 5 ms. */
static int turns_in_a_nap(int n)
{
    uint64_t before[SPINNERS];
    int moved = 0;
    for (int i = 0; i < n; i++)
        before[i] = turns[i * 8];
    t_nap(5000);
    for (int i = 0; i < n; i++)
        moved += turns[i * 8] != before[i];
    return moved;
}

/* In how many of its naps a fresh process is late. */
static int late_naps(void)
{
    pid_t pid = t_fork();
    int late = 0;
    for (int i = 0; !pid && i < NAPS; i++)
        late += turns_in_a_nap(SPINNERS) > SOME;
    if (!pid)
        _exit(late);
    return WEXITSTATUS(t_status_of(pid));
}

/* Counted in turns of the others, not in time: a host that is busy makes each turn longer. Who has
 * the CPU while the host takes it away pays for that, the sleeper as well, and for long: each of the
 * others may run as long first. So one sleeper of a few is enough; where many keep a sleeper
 * waiting, they do it to all. */
TEST(sched_sleeper, "a sleeper is not kept waiting by many that never sleep")
{
    pid_t pids[SPINNERS];
    int late = NAPS;
    shared_counters();
    for (int i = 0; i < SPINNERS; i++)
        if ((pids[i] = fork()) == 0)
            spin(i);
    for (int i = 0; i < SLEEPERS && late > NAPS / 2; i++)
        late = late_naps();
    end_all(pids, SPINNERS);
    if (t_tessera && late > NAPS / 2)
        FAIL("in %d of %d naps of 5 ms more than %d others had a turn", late, NAPS, SOME);
}

TEST(sched_yield, "who yields lets the others go first")
{
    pid_t pid;
    shared_counters();
    if ((pid = fork()) == 0)
        spin(0);
    for (int i = 0; i < 1000 && !turns[0]; i++)
        OK(sched_yield());
    if (t_tessera)
        CHECK(turns[0] != 0);
    end_all(&pid, 1);
}

TEST(random_partial, "random bytes up to memory that cannot be written are given")
{
    unsigned char *p = t_map(NULL, 3, RW, ANON, -1, 0);
    int fd = open("/dev/urandom", O_RDWR);
    CHECK(fd >= 0);
    OK(munmap(p + 2 * P, P));
    EQ(getrandom(p + 100, 3 * P, 0), (long)(2 * P - 100));
    EQ(read(fd, p, 3 * P), (long)(2 * P));
    EQ(write(fd, p, 3 * P), (long)(2 * P));
    ERR(getrandom(p + 2 * P, 8, 0), EFAULT);
    ERR(write(fd, p + 2 * P, 8), EFAULT);
}

/* Pages of the n at p that are there. */
static size_t touched(unsigned char *p, size_t n)
{
    static unsigned char there[WRITTEN];
    size_t all = 0;
    OK(mincore(p, n * P, there));
    for (size_t i = 0; i < n; i++)
        all += there[i] & 1;
    return all;
}

/* A page of shared memory is made when it is read first: they tell how far the write came. */
TEST(random_killed, "a writer of 64 MiB to /dev/urandom ends when it is killed")
{
    unsigned char *p = t_map(NULL, WRITTEN, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int fd = open("/dev/urandom", O_WRONLY), status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(write(fd, p, WRITTEN * P) < 0);
    while (!touched(p, WRITTEN))
        t_nap(1000);
    OK(kill(pid, SIGKILL));
    EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFSIGNALED(status));
    CHECK(touched(p, WRITTEN) < WRITTEN);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
