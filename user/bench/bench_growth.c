/* SPDX-License-Identifier: MIT
 *
 * How the cost of operations grows: with the size of a window, the number of areas, of aliases
 * of a page, of processes that show it, and with the size of a sparse area. Each name ends with
 * what grows.
 */
#include "bench.h"

static void report_at(const char *what, size_t amount, const char *unit, uint64_t total,
                      uint64_t n)
{
    char name[80];

    snprintf(name, sizeof(name), "%s; %zu %s", what, amount, unit);
    report(name, total, n);
}

#define TIMES 1000u

/* Single pages of a shuffled window. */
static void grow_window(size_t mib)
{
    size_t n = mib * MIB / PAGE;
    int fd = file(n * PAGE);
    char *p = map(n * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd);
    uint32_t *order = permutation(n);
    volatile char sink;
    uint64_t t;

    for (size_t i = 0; i < n; i++)
        remap(p + i * PAGE, PAGE, order[i], MAP_NONBLOCK);
    t = now();
    for (size_t i = 0; i < TIMES; i++)
        remap(p + order[i] * PAGE, PAGE, order[n - 1 - i], 0);
    report_at("remap one page", mib, "MiB", now() - t, TIMES);
    for (size_t i = 0; i < TIMES; i++)
        remap(p + order[i] * PAGE, PAGE, order[n / 2 + i], MAP_NONBLOCK);
    t = now();
    for (size_t i = 0; i < TIMES; i++)
        sink = p[order[i] * PAGE];
    report_at("read fault away", mib, "MiB", now() - t, TIMES);
    t = now();
    for (size_t i = 0; i < 100; i++)
        if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                      (off_t)(order[i] * PAGE), PAGE))
            die("punch");
    report_at("punch one page", mib, "MiB", now() - t, 100);
    munmap(p, n * PAGE);
    close(fd);
    free(order);
    (void)sink;
}

/* Pages among n areas that do not merge. */
static void grow_areas(size_t n)
{
    char *all = map(2 * n * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    char *window = shared(64 * PAGE, 1);
    uint64_t t;

    for (size_t i = 0; i < n / 2; i++)
        if (mprotect(all + 4 * i * PAGE, PAGE, PROT_READ | PROT_WRITE))
            die("areas");
    t = now();
    for (size_t i = 0; i < TIMES; i++)
        remap(window + i % 64 * PAGE, PAGE, (i * 7 + i / 64) % 64, 0);
    report_at("remap one page", n, "areas", now() - t, TIMES);
    t = now();
    for (size_t i = 0; i < TIMES; i++)
        munmap(map(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1), PAGE);
    report_at("mmap + munmap", n, "areas", now() - t, TIMES);
    t = now();
    for (size_t i = 0; i < 100; i++) {
        char *p = all + (4 * (i * (n / 2) / 100) + 2) * PAGE;

        if (mprotect(p, PAGE, PROT_READ) || mprotect(p, PAGE, PROT_NONE))
            die("mprotect");
    }
    report_at("mprotect one page", n, "areas", now() - t, 200);
    munmap(all, 2 * n * PAGE);
    munmap(window, 64 * PAGE);
}

/* n addresses show one page; another slot comes and goes. */
static void grow_aliases(size_t n)
{
    int fd = file((n + 2) * PAGE);
    char *p = map((n + 2) * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
    uint64_t t;

    p[0] = p[PAGE] = 1;
    for (size_t i = 2; i < n + 2; i++)
        remap(p + i * PAGE, PAGE, 0, 0);
    t = now();
    for (size_t i = 0; i < TIMES / 2; i++) {
        remap(p + PAGE, PAGE, 0, 0);
        remap(p + PAGE, PAGE, 1, 0);
    }
    report_at("remap to a page and back", n, "aliases", now() - t, TIMES);
    t = now();
    if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE))
        die("punch");
    report_at("punch that page, per alias", n, "aliases", now() - t, n);
    munmap(p, (n + 2) * PAGE);
    close(fd);
}

/* n processes show a page of a file, each by a mapping of its own. */
static void grow_processes(size_t n)
{
    int fd = file(64 * PAGE), ready[2], end[2];
    char c = 0;
    char *p = map(64 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
    uint64_t t;

    p[0] = 1;
    if (pipe(ready) || pipe(end))
        die("pipe");
    for (size_t i = 1; i < n; i++) {
        if (fork() == 0) {
            p[0] = 2;
            close(end[1]);
            if (write(ready[1], &c, 1) == 1 && read(end[0], &c, 1) == 0)
                _exit(0);
            _exit(1);
        }
        if (read(ready[0], &c, 1) != 1)
            die("ready");
    }
    t = now();
    if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE))
        die("punch");
    report_at("punch a page of all, per process", n, "processes", now() - t, n);
    close(end[0]);
    close(end[1]);
    while (wait(NULL) > 0)
        ;
    close(ready[0]);
    close(ready[1]);
    munmap(p, 64 * PAGE);
    close(fd);
}

/* An area of so many TiB with one page a GiB in the first. */
static void grow_sparse(size_t tib)
{
    size_t gib = 1024 * MIB, size = tib * 1024 * gib;
    char *p = map(size, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
    uint64_t t;

    for (size_t i = 0; i < 1024; i++)
        p[i * gib] = 1;
    t = now();
    mprotect(p, size, PROT_READ);
    report_at("mprotect sparse", tib, "TiB", now() - t, 1);
    mprotect(p, size, PROT_READ | PROT_WRITE);
    report_at("fork sparse", tib, "TiB", fork_once(), 1);
    t = now();
    madvise(p, size, MADV_DONTNEED);
    report_at("madvise DONTNEED sparse", tib, "TiB", now() - t, 1);
    munmap(p, size);
}

void bench_growth(void)
{
    static const size_t windows[] = {64, 256, 1024},
                        areas[] = {10, 100, 1000, 10000, 60000},
                        aliases[] = {1, 16, 256, 4096, 65536},
                        processes[] = {1, 4, 16, 64, 256}, sparse[] = {1, 8, 64};

#define EACH(list, grow)                                          \
    for (size_t i = 0; i < sizeof(list) / sizeof((list)[0]); i++) \
    grow((list)[i])
    EACH(windows, grow_window);
    EACH(areas, grow_areas);
    EACH(aliases, grow_aliases);
    EACH(processes, grow_processes);
    EACH(sparse, grow_sparse);
}
