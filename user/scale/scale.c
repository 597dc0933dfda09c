/* SPDX-License-Identifier: MIT
 *
 * What CPUs do to each other's cache lines: k workers, pinned to the CPUs 1 to k, each do
 * the same operations on parts of their own, while a plugin of QEMU watches the kernel's
 * memory (tools/scale). CPU 0 leads. After each operation a worker executes PAUSE, upon which
 * an emulator with one thread lets the next CPU run: so the operations take turns.
 *
 *   scale [-r ROUNDS] [-c case substring] CPUS...
 *
 * Prints "case NAME | CPUS | OPERATIONS" for each window that the plugin sees, in order. With -r
 * nobody watches: "rate NAME | CPUS | OPERATIONS | NS", the shortest time of so many rounds, those
 * of the numbers of CPUs by turns.
 */
#include "scale.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS_MAX = 63 };

/* Seen by all processes. */
static struct control {
    unsigned arrived, go, done, leave, absent;
    uint64_t began[WORKERS_MAX], ended[WORKERS_MAX]; /* ns */
} * control;

static const struct kase *kase;
static unsigned nworkers, rounds; /* rounds: for rates; 0: conflicts are counted */
struct team team;

_Noreturn void die(const char *what)
{
    perror(what);
    exit(1);
}

char *map(size_t size, int flags, int fd)
{
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

    if (p == MAP_FAILED)
        die("mmap");
    return p;
}

char *map_aligned(size_t size, int flags, int fd)
{
    char *p = mmap(NULL, size + 4 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *at = (char *)(((uintptr_t)p + 4 * MIB - 1) & ~(2 * MIB - 1));

    if (p == MAP_FAILED ||
        mmap(at, size, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0) == MAP_FAILED)
        die("mmap");
    madvise(at, size, MADV_NOHUGEPAGE);
    return at;
}

int file(size_t pages, int filled)
{
    int fd = memfd_create("scale", 0);
    char *p;

    if (fd < 0 || ftruncate(fd, (off_t)(pages * P)))
        die("memfd");
    if (!filled)
        return fd;
    p = map(pages * P, MAP_SHARED, fd);
    for (size_t i = 0; i < pages; i++)
        p[i * P] = 1;
    munmap(p, pages * P);
    return fd;
}

static void pin(unsigned cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set))
        die("sched_setaffinity");
}

static inline void turn(void)
{
    __asm__ volatile("pause" ::: "memory");
}

static void wait_for(const unsigned *word, unsigned value)
{
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) < value)
        turn();
}

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void add(unsigned *word)
{
    __atomic_fetch_add(word, 1, __ATOMIC_ACQ_REL);
}

static void *work(void *arg)
{
    struct worker w = {.number = (unsigned)(uintptr_t)arg, .count = nworkers, .fd = -1};
    unsigned i = 0;

    pin(w.number + 1);
    if (kase->begin)
        kase->begin(&w);
    for (; i < kase->warm; i++)
        if (kase->op(&w, i) < 0)
            add(&control->absent);
    add(&control->arrived);
    wait_for(&control->go, 1);
    control->began[w.number] = now();
    for (; i < kase->warm + kase->count; i++) {
        kase->op(&w, i);
        if (!rounds)
            turn();
    }
    control->ended[w.number] = now();
    add(&control->done);
    wait_for(&control->leave, 1); /* who ends early frees what others then take */
    return NULL;
}

static void work_as_threads(void)
{
    pthread_t threads[WORKERS_MAX];

    pin(1);
    if (kase->prepare)
        kase->prepare(nworkers);
    for (unsigned i = 1; i < nworkers; i++)
        if (pthread_create(&threads[i], NULL, work, (void *)(uintptr_t)i))
            die("pthread_create");
    work(NULL);
    for (unsigned i = 1; i < nworkers; i++)
        pthread_join(threads[i], NULL);
}

/* The lead sleeps while it waits, so that its CPU does nothing. */
static void await(const unsigned *word, unsigned value)
{
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) < value) {
        usleep(rounds ? 5000 : 100);
        if (waitpid(-1, NULL, WNOHANG) > 0)
            exit(1); /* it said why */
    }
}

/* The plugin's marks, which are no-operations: a window begins for so many CPUs, or ends. */
static void mark(unsigned cpus)
{
    switch (cpus) {
#define MARK(n)                                                                \
    case n:                                                                    \
        __asm__ volatile(".byte 0x0f, 0x1f, 0x80, " #n ", 0xe2, 0x55, 0x7e" :: \
                             : "memory");                                      \
        break
        MARK(0);
        MARK(1);
        MARK(2);
        MARK(4);
        MARK(8);
        MARK(16);
        MARK(32);
        MARK(0x7f); /* from now on memory is watched */
#undef MARK
    default:
        fprintf(stderr, "scale: 1, 2, 4, 8, 16 or 32 CPUs\n");
        exit(1);
    }
}

static void run(void)
{
    unsigned nprocs = kase->processes ? nworkers : 1;

    memset(control, 0, sizeof(*control));
    if (kase->processes && kase->prepare)
        kase->prepare(nworkers);
    for (unsigned i = 0; i < nprocs; i++) {
        pid_t pid = fork();

        if (pid < 0)
            die("fork");
        if (pid == 0) {
            if (kase->processes)
                work((void *)(uintptr_t)i);
            else
                work_as_threads();
            _exit(0);
        }
    }
    await(&control->arrived, nworkers);
    if (control->absent == 0 && !rounds)
        mark(nworkers);
    __atomic_store_n(&control->go, 1, __ATOMIC_RELEASE);
    await(&control->done, nworkers);
    if (control->absent == 0 && !rounds) {
        mark(0);
        printf("case %s | %u | %u\n", kase->name, nworkers, nworkers * kase->count);
        fflush(stdout);
    }
    __atomic_store_n(&control->leave, 1, __ATOMIC_RELEASE);
    while (wait(NULL) > 0)
        ;
    if (team.fd > 0)
        close(team.fd);
    team.fd = 0;
}

/* From the first worker's beginning to the last one's end. */
static uint64_t elapsed(void)
{
    uint64_t first = ~0ull, last = 0;

    for (unsigned i = 0; i < nworkers; i++) {
        first = control->began[i] < first ? control->began[i] : first;
        last = control->ended[i] > last ? control->ended[i] : last;
    }
    return last - first;
}

static void rate(char **counts, int n)
{
    uint64_t best[WORKERS_MAX];

    memset(best, 0xff, sizeof(best));
    for (unsigned round = 0; round < rounds; round++)
        for (int i = 0; i < n; i++) {
            nworkers = (unsigned)atoi(counts[i]);
            run();
            best[i] = elapsed() < best[i] ? elapsed() : best[i];
        }
    for (int i = 0; i < n && control->absent == 0; i++)
        printf("rate %s | %s | %u | %lu\n", kase->name, counts[i],
               (unsigned)atoi(counts[i]) * kase->count, (unsigned long)best[i]);
    fflush(stdout);
}

static void count_conflicts(char **counts, int n)
{
    for (int i = 0; i < n; i++) {
        nworkers = (unsigned)atoi(counts[i]);
        run();
    }
}

int main(int argc, char **argv)
{
    static const struct kase *const tables[] = {system_cases, memory_cases, remap_cases};
    const char *filter = "";

    if (argc > 2 && strcmp(argv[1], "-r") == 0) {
        rounds = (unsigned)atoi(argv[2]);
        argv += 2;
        argc -= 2;
    }
    if (argc > 2 && strcmp(argv[1], "-c") == 0) {
        filter = argv[2];
        argv += 2;
        argc -= 2;
    }
    control = (struct control *)map(P, MAP_SHARED | MAP_ANONYMOUS, -1);
    pin(0);
    if (!rounds)
        mark(0x7f);
    usleep(100);
    for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
        for (kase = tables[t]; kase->name; kase++)
            if (strstr(kase->name, filter))
                (rounds ? rate : count_conflicts)(argv + 1, argc - 1);
    printf("the end\n");
    fflush(stdout);
    return 0;
}
