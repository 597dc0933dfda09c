/* SPDX-License-Identifier: MIT
 *
 * Calls where there is much of something: areas, aliases of a page, children, descriptors,
 * addresses. What is there must not be walked through.
 */
#include "bench.h"
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#define RW (PROT_READ | PROT_WRITE)

/* Areas of one page that nothing joins: each shows the page before that of its neighbour below. */
static char *many_areas(size_t n)
{
    int fd = file(n * PAGE);
    char *p = map(n * PAGE, RW, MAP_SHARED, fd);

    for (size_t i = 0; i < n; i++)
        if (mmap(p + i * PAGE, PAGE, RW, MAP_SHARED | MAP_FIXED, fd,
                 (off_t)((n - 1 - i) * PAGE)) == MAP_FAILED)
            die("areas");
    close(fd);
    return p;
}

static void areas(void)
{
    size_t n = 16384, some = 1000, pages = 4096, times = 200;
    char *p = many_areas(n), *window;
    uint64_t t = now();

    munmap(p, n * PAGE);
    report("munmap of 16,384 one-page areas, per area", now() - t, n);
    p = many_areas(some);
    window = shared(pages * PAGE, 1);
    t = now();
    for (size_t i = 0; i < times; i++)
        if (mprotect(window + (8 + i * 4) * PAGE, PAGE, PROT_READ))
            die("mprotect");
    report("mprotect of one page inside a mapping, among 1,000 areas", now() - t, times);
    t = now();
    for (size_t i = 0; i < times; i++)
        munmap(window + (2048 + i * 4) * PAGE, PAGE);
    report("munmap of one page inside a mapping, among 1,000 areas", now() - t, times);
    munmap(window, pages * PAGE);
    munmap(p, some * PAGE);
}

/* Low addresses, each area with other rights than the one before. */
static void low(void)
{
    size_t n = 30000, times = 100;
    char **at = malloc((n + times) * sizeof(*at));
    uint64_t t = 0;

    for (size_t i = 0; i < n + times; i++) {
        if (i == n)
            t = now();
        at[i] = map(PAGE, i % 2 ? PROT_READ : RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT,
                    -1);
    }
    report("mmap(MAP_32BIT) among 30,000 areas", now() - t, times);
    for (size_t i = 0; i < n + times; i++)
        munmap(at[i], PAGE);
    free(at);
}

/* The whole of a file of /proc, as programs read it: in large pieces. Bytes. */
static size_t contents(const char *path, off_t from, size_t most)
{
    char buf[65536];
    int fd = open(path, O_RDONLY);
    size_t all = 0;
    ssize_t n;

    if (fd < 0)
        die(path);
    while (all < most && (n = pread(fd, buf, sizeof(buf), from + (off_t)all)) > 0)
        all += (size_t)n;
    close(fd);
    return all;
}

/* A window of which each page shows the same page of its file, and one with all in any order. */
static void shown(void)
{
    size_t n = 4096;
    char *p = shared(n * PAGE, 1);
    const char *how[] = {"in any order", "of one file page"};
    char name[80];
    uint64_t t;

    for (int one = 0; one < 2; one++) {
        if (one)
            for (size_t i = 0; i < n; i++)
                remap(p + i * PAGE, PAGE, 7, 0);
        else
            shuffle(p, n, 0);
        t = now();
        contents("/proc/self/pagemap", (off_t)((uintptr_t)p / PAGE * 8), n * 8);
        snprintf(name, sizeof(name), "pagemap of 4,096 pages %s, per page", how[one]);
        report(name, now() - t, n);
        t = now();
        contents("/proc/self/smaps", 0, SIZE_MAX);
        snprintf(name, sizeof(name), "smaps of 4,096 pages %s, per page", how[one]);
        report(name, now() - t, n);
    }
    munmap(p, n * PAGE);
}

/* Other mappings of a file go; one of its pages is shown 16,384 times. */
static void aliases(void)
{
    size_t n = 16384, times = 20, last = 1024 * MIB / PAGE - 1;
    int fd = file(1024 * MIB);
    char *p = map(n * PAGE, RW, MAP_SHARED, fd), *small[20];
    uint64_t t;

    for (size_t i = 0; i < n; i++)
        remap(p + i * PAGE, PAGE, last, 0);
    for (size_t i = 0; i < times; i++)
        small[i] = mmap(NULL, 16 * PAGE, RW, MAP_SHARED, fd, (off_t)((last - 15) * PAGE));
    t = now();
    for (size_t i = 0; i < times; i++)
        munmap(small[i], 16 * PAGE);
    report("munmap of 16 pages of a file with a page of 16,384 aliases", now() - t,
           times);
    munmap(p, n * PAGE);
    close(fd);
}

static void far_away(void)
{
    size_t size = 7ul << 40;
    int fd = file(size);
    char *p = map(size, RW, MAP_SHARED | MAP_NORESERVE, fd);
    uint64_t t = now();

    remap(p, size, 0, MAP_NONBLOCK);
    report("remap of 7 TiB to home, nothing shown", now() - t, 1);
    munmap(p, size);
    close(fd);
}

static void children(void)
{
    size_t n = 2000, times = 100;
    pid_t *pid = malloc(n * sizeof(*pid));
    uint64_t t;

    for (size_t i = 0; i < n; i++) {
        pid[i] = fork();
        if (pid[i] < 0)
            die("fork");
        if (pid[i] == 0)
            for (;;)
                pause();
    }
    t = now();
    for (size_t i = 0; i < times; i++)
        if (waitpid(-1, NULL, WNOHANG))
            die("waitpid");
    report("waitpid(WNOHANG) with 2,000 children", now() - t, times);
    for (size_t i = 0; i < n; i++)
        kill(pid[i], SIGKILL);
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
        ;
    free(pid);
}

static void descriptors(void)
{
    struct rlimit limit = {4096, 4096};
    int n = 1000, times = 100, fd = file(PAGE);
    uint64_t t;

    setrlimit(RLIMIT_NOFILE, &limit);
    while (dup(fd) < fd + n - 1)
        ;
    t = now();
    for (int i = 0; i < times; i++)
        if (dup(fd) < 0)
            die("dup");
    report("dup with 1,000 descriptors", now() - t, (uint64_t)times);
    for (int i = fd; i < fd + n + times; i++)
        close(i);
}

void bench_many(void)
{
    areas();
    shown();
    low();
    aliases();
    far_away();
    children();
    descriptors();
}
