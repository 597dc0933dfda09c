/* SPDX-License-Identifier: MIT
 *
 * fork of private memory that threads write at once: whole tables of it are shared until one
 * side changes something, and each page must be as it was when fork was called, in the child, and
 * its writer's in the parent. Every word names its page, so that a stranger's is known.
 */
#include "tests/user/t.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define THREADS 3
#define TABLES  3ul
#define PAGES   (TABLES * 512)
#define OF(i)   ((uint64_t)(i) << 32)

static atomic_bool stop;
static char *area;

static volatile uint64_t *word(size_t page)
{
    return (volatile uint64_t *)(area + page * P);
}

/* Whole tables, nothing else over them. */
static void map_area(void)
{
    char *m = mmap(NULL, (TABLES + 1) * 512 * P, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (m == MAP_FAILED)
        FAIL("mmap");
    area = (char *)(((uintptr_t)m + 512 * P - 1) & ~(512 * P - 1));
}

static void *writes_its_own(void *arg)
{
    size_t me = (size_t)arg;
    static uint64_t last[PAGES];
    uint64_t seed = 100 + me;

    for (uint64_t k = 1; !stop; k++) {
        size_t i = t_random(&seed) % (PAGES / THREADS) * THREADS + me;

        if (last[i] ? *word(i) != last[i] : *word(i) != 0)
            FAIL("page %zu holds %lx, want %lx", i, (long)*word(i), (long)last[i]);
        if (k % 16 == 0) {
            OK(madvise(area + i * P, P, MADV_DONTNEED));
            last[i] = 0;
        } else {
            *word(i) = last[i] = OF(i) | k;
        }
        if (k % 64 == 0)
            sched_yield();
    }
    return NULL;
}

static uint64_t seen[PAGES];

/* What a child finds does not change, but by its own hand. */
static void *looks_and_writes(void *arg)
{
    size_t me = (size_t)arg;

    for (size_t i = me; i < PAGES; i += 2) {
        uint64_t now = *word(i);

        if (now != seen[i] || (now && now >> 32 != i))
            _exit(10);
        if (i % 5 < 2)
            *word(i) = seen[i] = OF(i) | 0xffffffff;
        if (i % 97 == 0)
            sched_yield();
    }
    for (size_t i = me; i < PAGES; i += 2)
        if (*word(i) != seen[i])
            _exit(11);
    return NULL;
}

static void child(int turn)
{
    pthread_t t[2];

    for (size_t i = 0; i < PAGES; i++) { /* reads only: whatever is shared stays so */
        seen[i] = *word(i);
        if (seen[i] && seen[i] >> 32 != i)
            _exit(12);
    }
    if (turn % 4 == 0)
        _exit(0);
    for (size_t k = 0; k < 2; k++)
        if (pthread_create(&t[k], NULL, looks_and_writes, (void *)k) != 0)
            _exit(13);
    for (size_t k = 0; k < 2; k++)
        pthread_join(t[k], NULL);
    if (turn % 4 == 1) { /* a part goes, a whole table goes */
        if (munmap(area + 100 * P, 600 * P) != 0)
            _exit(14);
        for (size_t i = 700; i < PAGES; i += 3)
            if (*word(i) != seen[i])
                _exit(15);
    }
    _exit(0);
}

TEST(SF01, "fork while threads write private memory, and children that write it at once")
{
    pthread_t t[THREADS];
    int n = (int)t_turns(24);

    map_area();
    for (size_t i = 0; i < THREADS; i++)
        if (pthread_create(&t[i], NULL, writes_its_own, (void *)i) != 0)
            FAIL("pthread_create");
    for (int turn = 0; turn < n; turn += 2) {
        pid_t pid[2];

        for (int k = 0; k < 2; k++) {
            pid[k] = fork();
            if (pid[k] == 0)
                child(turn + k);
        }
        for (int k = 0; k < 2; k++) {
            int status = -1;

            EQ(waitpid(pid[k], &status, 0), pid[k]);
            EQ(status, 0);
        }
    }
    stop = true;
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    OK(munmap(area, PAGES * P));
}

/* Grandchildren, alive together: each table has many holders, who leave in any order. */
static void generation(int depth)
{
    pid_t pid[2];

    for (int k = 0; k < 2; k++) {
        pid[k] = depth ? fork() : -1;
        if (pid[k] != 0)
            continue;
        for (size_t i = 0; i < PAGES; i += 64)
            if (*word(i) >> 32 != i)
                _exit(20);
        *word((size_t)(depth * 2 + k) * 64) = OF((depth * 2 + k) * 64) | (unsigned)depth;
        generation(depth - 1);
        _exit(0);
    }
    for (int k = 0; k < 2; k++) {
        int status = 0;

        if (pid[k] > 0 && (waitpid(pid[k], &status, 0) != pid[k] || status))
            _exit(21);
    }
}

TEST(SF02, "generations of processes share tables and leave them in any order")
{
    pid_t pid;
    int status = -1;

    map_area();
    for (size_t i = 0; i < PAGES; i++)
        *word(i) = OF(i) | 7;
    pid = fork();
    if (pid == 0) {
        generation(4);
        _exit(0);
    }
    EQ(waitpid(pid, &status, 0), pid);
    EQ(status, 0);
    for (size_t i = 0; i < PAGES; i++)
        if (*word(i) != (OF(i) | 7))
            FAIL("page %zu holds %lx", i, (long)*word(i));
    OK(munmap(area, PAGES * P));
}

static void on_cpu(unsigned number)
{
    cpu_set_t all, one;
    unsigned n;

    OK(sched_getaffinity(0, sizeof(all), &all));
    n = number % (unsigned)CPU_COUNT(&all);
    CPU_ZERO(&one);
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &all) && n-- == 0)
            CPU_SET(cpu, &one);
    OK(sched_setaffinity(0, sizeof(one), &one));
}

/* All who have come wait for each other. */
static void meet(atomic_int *here, int want)
{
    atomic_fetch_add(here, 1);
    while (atomic_load(here) < want)
        sched_yield();
}

TEST(SF03, "the last holders of shared tables leave them at the same moment, by munmap "
           "or by exit")
{
    atomic_int *here =
        mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int turns = (int)t_turns(60);

    CHECK(here != MAP_FAILED);
    for (int turn = 0; turn < turns; turn++) {
        pid_t pid[2], holder;

        *here = 0;
        holder = t_fork();
        if (!holder) { /* nobody else has its memory but these two */
            map_area();
            for (size_t i = 0; i < PAGES; i++)
                *word(i) = OF(i) | 5;
            for (unsigned k = 0; k < 2; k++) {
                pid[k] = t_fork();
                if (pid[k])
                    continue;
                on_cpu(k);
                meet(here, 3);
                meet(here + 16, 2);
                if (turn % 2)
                    OK(munmap(area, PAGES * P));
                _exit(0);
            }
            OK(munmap(area, PAGES * P));
            meet(here, 3);
            t_join(pid[0]);
            t_join(pid[1]);
            _exit(0);
        }
        t_join(holder);
        here[16] = 0;
        t_progress();
    }
    OK(munmap(here, P));
}

TEST(SF04, "one munmap gives back shared tables and empties one of its own, in any order")
{
    uint64_t seed = 4;

    for (int turn = 0; turn < (int)t_turns(12); turn++) {
        map_area();
        for (size_t i = 0; i < PAGES; i++)
            *word(i) = OF(i) | 3;
        pid_t pid = t_fork();
        if (!pid) {
            size_t i = t_random(&seed) % PAGES;

            /* Its table is the child's own from now on, the other pages are not. */
            *word(i) = OF(i) | 4;
            OK(munmap(area, PAGES * P));
            _exit(0);
        }
        t_random(&seed);
        t_join(pid);
        for (size_t i = 0; i < PAGES; i++)
            EQ(*word(i), OF(i) | 3);
        OK(munmap(area, PAGES * P));
    }
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
