/* SPDX-License-Identifier: MIT
 *
 * Instructions per operation of the memory calls (user/include/instructions.h).
 *
 *   bench [memory] [case substring | growth]
 *
 * Without an argument all cases; memory: what the kernel holds after each, too; growth: how the cost of operations grows with what is there.
 * The demonstrations below /demo count themselves.
 */
#include "bench.h"
#include "user/include/instructions.h"
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>

uint64_t now(void)
{
    return instructions();
}

static const char *filter = "";
static uint64_t seed = 12345;

static uint64_t rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

void die(const char *what)
{
    perror(what);
    exit(1);
}

/* Reads a file from its beginning, piece by piece, and adds up what `count` says of each. */
static long sum_of(int fd, long (*count)(const char *))
{
    char text[4096];
    off_t at = 0;
    long sum = 0;
    ssize_t n;

    for (; (n = pread(fd, text, sizeof(text) - 1, at)) > 0; at += n) {
        text[n] = 0;
        sum += count(text);
    }
    return sum;
}

/* What a kernel has for itself, by /proc/meminfo: records, page tables, stacks. */
static long kernel_kib(const char *text)
{
    static const char *const names[] = {"\nSlab:", "\nPageTables:", "\nKernelStack:"};
    long sum = 0;

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const char *line = strstr(text, names[i]);

        sum += line ? strtol(line + strlen(names[i]), NULL, 10) : 0;
    }
    return sum;
}

static long lines(const char *text)
{
    long n = 0;

    while ((text = strchr(text, '\n')) != NULL) {
        n++;
        text++;
    }
    return n;
}

static int notes;

/* A line beside the case's: what the kernel has for itself now, in KiB more than at the first call, and
 * the program's areas. Only in a run for that, for to ask changes what later cases find. */
static void note_memory(void)
{
    static int info, maps;
    static long before;

    if (info) {
        printf("[memory] %ld %ld\n", sum_of(info, kernel_kib) - before,
               sum_of(maps, lines));
        fflush(stdout); /* before what the demonstrations say */
        return;
    }
    info = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
    maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (info < 0 || maps < 0)
        die("/proc");
    before = sum_of(info, kernel_kib);
}

void report(const char *name, uint64_t total, uint64_t n)
{
    instructions_report(name, total, n);
    if (notes)
        note_memory();
}

static int wanted(const char *name)
{
    return strstr(name, filter) != NULL;
}

int file(size_t size)
{
    int fd = memfd_create("bench", 0);

    if (fd < 0 || ftruncate(fd, (off_t)size))
        die("memfd");
    return fd;
}

/* A sleep before it: with a time slice that has just begun the child does not run in between. */
uint64_t fork_once(void)
{
    uint64_t t;
    pid_t pid;

    usleep(1000);
    t = now();
    pid = fork();
    if (pid < 0)
        die("fork");
    if (pid == 0)
        _exit(0);
    t = now() - t;
    waitpid(pid, NULL, 0);
    return t;
}

char *map(size_t size, int prot, int flags, int fd)
{
    char *p = mmap(NULL, size, prot, flags, fd, 0);

    if (p == MAP_FAILED)
        die("mmap");
    return p;
}

char *shared(size_t size, int populate)
{
    int fd = file(size);
    char *p = map(size, PROT_READ | PROT_WRITE, MAP_SHARED, fd);

    if (populate)
        for (size_t i = 0; i < size; i += PAGE)
            p[i] = 1;
    close(fd);
    return p;
}

void remap(char *p, size_t size, size_t pgoff, int flags)
{
    if (syscall(SYS_remap_file_pages, p, size, 0, pgoff, flags))
        die("remap_file_pages");
}

uint32_t *permutation(size_t n)
{
    uint32_t *a = malloc(n * sizeof(*a));

    for (size_t i = 0; i < n; i++)
        a[i] = (uint32_t)i;
    for (size_t i = n - 1; i > 0; i--) {
        size_t j = rnd() % (i + 1);
        uint32_t t = a[i];

        a[i] = a[j];
        a[j] = t;
    }
    return a;
}

void shuffle(char *p, size_t n, int flags)
{
    uint32_t *to = permutation(n), *order = permutation(n);

    for (size_t i = 0; i < n; i++)
        remap(p + order[i] * PAGE, PAGE, to[i], flags);
    free(to);
    free(order);
}

/* A demonstration that measures itself, where it came along. */
static void demo(const char *path)
{
    char *const words[] = {(char *)path, "count", NULL};
    pid_t pid;

    if (access(path, X_OK) == 0 && posix_spawn(&pid, path, NULL, NULL, words, NULL) == 0)
        waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
    notes = argc > 1 && strcmp(argv[1], "memory") == 0;
    if (argc > 1 + notes)
        filter = argv[1 + notes];
    if (getpid() == 1) { /* alone in a Linux */
        mkdir("/proc", 0755);
        mount("proc", "/proc", "proc", 0, NULL);
    }
    if (notes)
        note_memory();
    if (strcmp(filter, "growth") == 0) {
        bench_growth();
        return 0;
    }
    if (wanted("null"))
        bench_null();
    if (wanted("remap")) {
        bench_remap_one(256);
        bench_remap_batch(16, "remap 16 pages in one call, per page", 0);
        bench_remap_batch(256, "remap 256 pages in one call, per page", 0);
        bench_remap_batch(256, "remap 256 pages, MAP_NONBLOCK, per page", MAP_NONBLOCK);
    }
    if (wanted("reverse")) {
        bench_reverse(64, "reverse test 64 MiB, write phase, per page",
                      "reverse test 64 MiB, remap phase, per page");
        bench_reverse(256, "reverse test 256 MiB, write phase, per page",
                      "reverse test 256 MiB, remap phase, per page");
    }
    if (wanted("truncate"))
        bench_truncate();
    if (wanted("map"))
        bench_map();
    if (wanted("anon"))
        bench_anon();
    if (wanted("file"))
        bench_file();
    if (wanted("process"))
        bench_process();
    if (wanted("many"))
        bench_many();
    if (wanted("demo")) {
        demo("/demo/pool");
        demo("/demo/ring");
        demo("/demo/rma");
    }
    return 0;
}
