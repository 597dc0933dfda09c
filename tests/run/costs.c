/* SPDX-License-Identifier: MIT
 *
 * What rearranged mappings cost, for costs.py: figures on standard output, one a line.
 *
 *   costs window         a shuffled window over 1 GiB: areas, kernel memory, what is left
 *   costs sparse         16 pages over a sparse file of 8 GiB, a million random remaps
 *   costs truncate MIB   cycles to cut one page off a file below a shuffled mapping
 *   costs unrelated MIB  cycles to cut a page off that nothing maps (spec T082)
 *   costs fork MIB       cycles of a fork with one remapped page (spec T104)
 *   costs threads N      cycles of a thread that comes and goes, N after the other, detached
 *
 * Cycles are instructions under `tools/run --icount`, and worth nothing elsewhere.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul
#define MUST(call)                \
    do {                          \
        if ((long)(call) == -1) { \
            perror(#call);        \
            exit(1);              \
        }                         \
    } while (0)

static char text[65536];

static const char *contents(const char *path)
{
    int fd = open(path, O_RDONLY);
    ssize_t n = 0, got;
    MUST(fd);
    while ((got = read(fd, text + n, sizeof(text) - 1 - (size_t)n)) > 0)
        n += got;
    text[n] = 0;
    close(fd);
    return text;
}

/* A figure of /proc/meminfo, or 0. */
static long meminfo(const char *key)
{
    const char *at = strstr(contents("/proc/meminfo"), key);
    return at ? atol(at + strlen(key) + 1) : 0;
}

/* Areas that touch [p, p + size). */
static int areas(const char *p, size_t size)
{
    int n = 0;
    for (const char *l = contents("/proc/self/maps"); l && *l; l = strchr(l, '\n')) {
        unsigned long lo, hi;
        l += *l == '\n';
        if (sscanf(l, "%lx-%lx", &lo, &hi) == 2)
            n += lo < (uintptr_t)p + size && hi > (uintptr_t)p;
    }
    return n;
}

static uint64_t cycles(void)
{
    uint32_t lo, hi;
    __asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi)::"memory");
    return (uint64_t)hi << 32 | lo;
}

static uint64_t seed = 1;

static uint64_t rnd(void)
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return seed * 0x2545f4914f6cdd1du;
}

static int file(size_t size)
{
    int fd = memfd_create("costs", 0);
    MUST(fd);
    MUST(ftruncate(fd, (off_t)size));
    return fd;
}

static char *map(int fd, size_t size)
{
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    MUST(p);
    return p;
}

static uint32_t order[1 << 18];

/* Every page shows another: a random permutation, all of it present. */
static void shuffle(char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    for (size_t i = n - 1; i > 0; i--) {
        size_t k = rnd() % i; /* below i: no page stays at home */
        uint32_t t = order[i];
        order[i] = order[k];
        order[k] = t;
    }
    for (size_t i = 0; i < n; i++)
        MUST(remap_file_pages(p + i * PAGE, PAGE, 0, order[i], 0));
}

static void window(void)
{
    enum { N = 1 << 18 };
    int fd = file(N * PAGE);
    memset(order, 1, sizeof(order));
    MUST(fallocate(fd, 0, 0, N * PAGE));
    for (uint64_t i = 0; i < N; i++)
        MUST(pwrite(fd, &i, sizeof(i), (off_t)(i * PAGE)));
    contents("/proc/self/maps");
    long before = meminfo("FreePages"), tables = meminfo("PageTables");
    char *p = map(fd, N * PAGE);
    shuffle(p, N);
    for (size_t i = 0; i < N; i++)
        if (*(volatile uint64_t *)(p + i * PAGE) != order[i])
            exit(1);
    long used = (before - meminfo("FreePages")) * 4 - (meminfo("PageTables") - tables);
    printf("areas %d\nbeyond the page tables, kB %ld\n", areas(p, N * PAGE), used);
    MUST(munmap(p, N * PAGE));
    printf("pages left %ld\n", before - meminfo("FreePages"));
}

static void sparse(void)
{
    enum { WINDOW = 16, STEP = 512, DATA = 4096, REMAPS = 1000000 };
    int fd = file((size_t)DATA * STEP * PAGE);
    for (uint64_t i = 0; i < DATA; i++)
        MUST(pwrite(fd, &i, sizeof(i), (off_t)(i * STEP * PAGE)));
    char *p = map(fd, WINDOW * PAGE);
    for (size_t i = 0; i < WINDOW; i++)
        MUST(remap_file_pages(p + i * PAGE, PAGE, 0, STEP, 0));
    long before = meminfo("FreePages"), most = 0;
    for (long k = 0; k < REMAPS; k++) {
        uint64_t x = rnd();
        char *at = p + x % WINDOW * PAGE;
        uint64_t which = x / WINDOW % DATA;
        MUST(remap_file_pages(at, PAGE, 0, which * STEP, x >> 60 & 1 ? MAP_NONBLOCK : 0));
        if (*(volatile uint64_t *)at != which)
            exit(1);
        if (k % 10000 == 0) {
            long used = before - meminfo("FreePages");
            most = used > most ? used : most;
        }
    }
    printf("pages used at most %ld\nareas %d\n", most, areas(p, WINDOW * PAGE));
}

static void truncate_one(size_t mib)
{
    enum { TIMES = 32 };
    size_t n = mib << 8;
    int fd = file(n * PAGE);
    MUST(fallocate(fd, 0, 0, (off_t)(n * PAGE)));
    char *p = map(fd, n * PAGE);
    shuffle(p, n);
    MUST(ftruncate(fd, (off_t)(--n * PAGE))); /* paths are warm */
    uint64_t start = cycles();
    for (size_t k = 0; k < TIMES; k++)
        MUST(ftruncate(fd, (off_t)(--n * PAGE)));
    printf("%llu\n", (unsigned long long)(cycles() - start) / TIMES);
}

static void truncate_unrelated(size_t mib)
{
    enum { TIMES = 10000 };
    size_t n = mib << 8;
    int fd = file((n + 1) * PAGE);
    char *p = map(fd, n * PAGE);
    MUST(remap_file_pages(p, PAGE, 0, 5, 0));
    uint64_t sum = 0;
    for (size_t k = 0; k < TIMES; k++) {
        MUST(ftruncate(fd, (off_t)((n + 1) * PAGE)));
        MUST(pwrite(fd, "x", 1, (off_t)(n * PAGE)));
        uint64_t start = cycles();
        MUST(ftruncate(fd, (off_t)(n * PAGE)));
        sum += cycles() - start;
    }
    printf("%llu\n", (unsigned long long)sum / TIMES);
}

static void fork_one(size_t mib)
{
    enum { TIMES = 8 };
    size_t n = mib << 8;
    int fd = file(n * PAGE);
    char *p = map(fd, n * PAGE);
    MUST(fallocate(fd, 0, 0, (off_t)(n * PAGE)));
    for (size_t i = 0; i < n; i++)
        (void)*(volatile char *)(p + i * PAGE);
    MUST(remap_file_pages(p, PAGE, 0, 5, 0));
    uint64_t sum = 0;
    for (int k = 0; k < TIMES; k++) {
        uint64_t start = cycles();
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        sum += k ? cycles() - start : 0; /* the first is warming up */
        MUST(pid);
        MUST(waitpid(pid, NULL, 0));
    }
    printf("%llu\n", (unsigned long long)sum / (TIMES - 1));
}

static _Atomic size_t ended;

static void *ends(void *arg)
{
    ended++;
    return arg;
}

/* Each maps, touches and unmaps its stack while others do: they meet at the address space. */
static void threads(size_t n)
{
    uint64_t start = cycles();
    for (size_t k = 0; k < n; k++) {
        pthread_t t;
        while (pthread_create(&t, NULL, ends, NULL) != 0)
            sched_yield(); /* those before have not ended yet */
        pthread_detach(t);
    }
    while (ended < n)
        sched_yield();
    printf("%llu\n", (unsigned long long)(cycles() - start) / n);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    size_t mib = argc > 2 ? strtoul(argv[2], NULL, 10) : 4;
    if (!strcmp(what, "window"))
        window();
    else if (!strcmp(what, "sparse"))
        sparse();
    else if (!strcmp(what, "truncate"))
        truncate_one(mib);
    else if (!strcmp(what, "unrelated"))
        truncate_unrelated(mib);
    else if (!strcmp(what, "fork"))
        fork_one(mib);
    else if (!strcmp(what, "threads"))
        threads(mib);
    else
        return 2;
    return 0;
}
