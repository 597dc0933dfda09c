/* SPDX-License-Identifier: MIT
 *
 * Instructions per operation of the memory calls. Meant for an emulator that counts
 * instructions as time (tools/run --icount): there one cycle of the time-stamp counter is one
 * instruction, and two runs agree to the unit. Elsewhere the figures are cycles and noise.
 *
 *   bench [case substring]
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul
#define MIB  (1024ul * 1024)

static uint64_t now(void)
{
    uint32_t lo, hi;

    __asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi)::"memory");
    return (uint64_t)hi << 32 | lo;
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

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void report(const char *name, uint64_t total, uint64_t n)
{
    printf("%-58s %10llu\n", name, (unsigned long long)(total / n));
    fflush(stdout);
}

static int wanted(const char *name)
{
    return strstr(name, filter) != NULL;
}

static int file(size_t size)
{
    int fd = memfd_create("bench", 0);

    if (fd < 0 || ftruncate(fd, (off_t)size))
        die("memfd");
    return fd;
}

static char *map(size_t size, int prot, int flags, int fd)
{
    char *p = mmap(NULL, size, prot, flags, fd, 0);

    if (p == MAP_FAILED)
        die("mmap");
    return p;
}

static char *shared(size_t size, int populate)
{
    int fd = file(size);
    char *p = map(size, PROT_READ | PROT_WRITE, MAP_SHARED, fd);

    if (populate)
        for (size_t i = 0; i < size; i += PAGE)
            p[i] = 1;
    close(fd);
    return p;
}

static void remap(char *p, size_t size, size_t pgoff, int flags)
{
    if (syscall(SYS_remap_file_pages, p, size, 0, pgoff, flags))
        die("remap_file_pages");
}

static uint32_t *permutation(size_t n)
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

static void shuffle(char *p, size_t n, int flags)
{
    uint32_t *to = permutation(n), *order = permutation(n);

    for (size_t i = 0; i < n; i++)
        remap(p + order[i] * PAGE, PAGE, to[i], flags);
    free(to);
    free(order);
}

/* ---- cases ---- */

static void bench_null(void)
{
    uint64_t t = now();

    for (int i = 0; i < 1000; i++)
        syscall(SYS_getppid);
    report("null system call (getppid)", now() - t, 1000);
}

static void bench_remap_one(size_t mib)
{
    size_t n = mib * MIB / PAGE;
    char *p = shared(n * PAGE, 1);
    uint32_t *to = permutation(n), *order = permutation(n);
    volatile char sink;
    uint64_t t = now();

    for (size_t i = 0; i < n; i++)
        remap(p + order[i] * PAGE, PAGE, to[i], 0);
    report("remap one resident page (random)", now() - t, n);
    for (size_t i = 0; i < n; i++) /* again: away to away */
        ;
    t = now();
    for (size_t i = 0; i < n; i++)
        remap(p + order[i] * PAGE, PAGE, to[(i + 1) % n], MAP_NONBLOCK);
    report("remap one page, MAP_NONBLOCK", now() - t, n);
    t = now();
    for (size_t i = 0; i < n; i++)
        sink = p[order[i] * PAGE];
    report("read fault on that page afterwards", now() - t, n);
    for (size_t i = 0; i < n; i++)
        remap(p + order[i] * PAGE, PAGE, to[(i + 2) % n], MAP_NONBLOCK);
    t = now();
    for (size_t i = 0; i < n; i++)
        p[order[i] * PAGE] = 1;
    report("write fault on that page afterwards", now() - t, n);
    t = now();
    remap(p, n * PAGE, 0, 0);
    report("remap the whole shuffled window back, per page", now() - t, n);
    shuffle(p, n, 0);
    t = now();
    int pid = fork();
    if (pid == 0)
        _exit(0);
    t = now() - t;
    waitpid(pid, NULL, 0);
    report("fork, fully shuffled window", t, 1);
    t = now();
    munmap(p, n * PAGE);
    report("munmap of the shuffled window, per page", now() - t, n);
    free(to);
    free(order);
    (void)sink;
}

static void bench_remap_batch(size_t batch, const char *name, int flags)
{
    size_t n = 64 * MIB / PAGE, calls = n / batch;
    char *p = shared(n * PAGE, 1);
    uint32_t *to = permutation(calls);
    uint64_t t = now();

    for (size_t i = 0; i < calls; i++)
        remap(p + i * batch * PAGE, batch * PAGE, to[i] * batch, flags);
    report(name, now() - t, calls * batch);
    munmap(p, n * PAGE);
    free(to);
}

static void bench_reverse(size_t mib, const char *write_name, const char *remap_name)
{
    size_t n = mib * MIB / PAGE;
    char *p = shared(n * PAGE, 0);
    uint64_t t = now();

    for (size_t i = 0; i < n; i++)
        *(uint32_t *)(p + i * PAGE) = (uint32_t)i;
    report(write_name, now() - t, n);
    t = now();
    for (size_t i = 0; i < n; i++)
        remap(p + i * PAGE, PAGE, n - 1 - i, 0);
    report(remap_name, now() - t, n);
    for (size_t i = 0; i < n; i++)
        if (*(uint32_t *)(p + i * PAGE) != n - 1 - i)
            die("wrong page");
    munmap(p, n * PAGE);
}

static void bench_truncate(void)
{
    size_t n = 256 * MIB / PAGE;
    int fd = file(n * PAGE);
    char *p = map(n * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
    uint64_t t;

    for (size_t i = 0; i < n; i++)
        p[i * PAGE] = 1;
    shuffle(p, n, 0);
    t = now();
    for (int i = 0; i < 100; i++) {
        if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                      (off_t)((n - 1 - (size_t)i) * PAGE), PAGE))
            die("punch");
    }
    report("punch one page under a shuffled window", now() - t, 100);
    t = now();
    if (ftruncate(fd, (off_t)(n / 2 * PAGE)))
        die("ftruncate");
    report("ftruncate to half of a shuffled 256 MiB file", now() - t, 1);
    char buf[4096];
    int maps = open("/proc/self/maps", O_RDONLY);
    t = now();
    while (maps >= 0 && read(maps, buf, sizeof(buf)) > 0)
        ;
    report("read /proc/self/maps with that window", now() - t, 1);
    close(maps);
    munmap(p, n * PAGE);
    close(fd);
    fd = file(64 * MIB);
    p = map(64 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
    for (size_t i = 0; i < 64 * MIB; i += PAGE)
        p[i] = 1;
    t = now();
    if (ftruncate(fd, 0))
        die("ftruncate");
    report("ftruncate to 0 of a mapped 64 MiB file", now() - t, 1);
    munmap(p, 64 * MIB);
    close(fd);
}

static void bench_map(void)
{
    uint64_t t = now();

    for (int i = 0; i < 1000; i++)
        munmap(map(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1), PAGE);
    report("mmap + munmap, 1 page untouched", now() - t, 1000);
    t = now();
    for (int i = 0; i < 1000; i++) {
        char *p = map(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

        *p = 1;
        munmap(p, PAGE);
    }
    report("mmap + touch + munmap, 1 page", now() - t, 1000);

    char *w = shared(64 * MIB, 1);
    int fd = file(64 * MIB);
    uint32_t *to = permutation(1024);
    t = now();
    for (size_t i = 0; i < 1024; i++)
        if (mmap(w + i * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
                 (off_t)(to[i] * PAGE)) == MAP_FAILED)
            die("mmap fixed");
    report("mmap(MAP_FIXED) per page", now() - t, 1024);
    munmap(w, 64 * MIB);
    close(fd);
    free(to);
}

static void bench_anon(void)
{
    size_t size = 16 * MIB, n = size / PAGE;
    char *p = map(size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    uint64_t t = now();

    for (size_t i = 0; i < n; i++)
        p[i * PAGE] = 1;
    report("anonymous write fault, per page", now() - t, n);
    t = now();
    mprotect(p, size, PROT_READ);
    report("mprotect 16 MiB populated", now() - t, 1);
    mprotect(p, size, PROT_READ | PROT_WRITE);
    t = now();
    for (int i = 0; i < 100; i++) {
        mprotect(p + 100 * PAGE, PAGE, PROT_READ);
        mprotect(p + 100 * PAGE, PAGE, PROT_READ | PROT_WRITE);
    }
    report("mprotect one page in the middle, toggled", now() - t, 200);
    t = now();
    madvise(p, size, MADV_DONTNEED);
    report("madvise DONTNEED 16 MiB anonymous", now() - t, 1);
    for (size_t i = 0; i < n; i++)
        p[i * PAGE] = 1;
    char *big = map(64 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
    char *to = (char *)(((uintptr_t)big + 2 * MIB) & ~(2 * MIB - 1));
    char *from = mremap(p, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to);
    t = now();
    from = mremap(from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to + 20 * MIB);
    report("mremap move 16 MiB, 2 MiB aligned", now() - t, 1);
    t = now();
    from = mremap(from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to + PAGE);
    report("mremap move 16 MiB, skewed", now() - t, 1);
    if (from == MAP_FAILED)
        die("mremap");
    t = now();
    munmap(from, size);
    report("munmap touched anonymous memory, per page", now() - t, n);
    munmap(big, 64 * MIB);
    p = map(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    munmap(p, PAGE);
    p = mmap(p - 64 * MIB, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    t = now();
    for (size_t i = 1; i < 100; i++)
        if (mremap(p, i * PAGE, (i + 1) * PAGE, 0) != p)
            die("mremap grow");
    report("mremap grow in place", now() - t, 99);
    munmap(p, 100 * PAGE);
}

static void bench_file(void)
{
    size_t size = 64 * MIB, n = size / PAGE;
    int fd = file(size);
    char *p = map(size, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
    volatile char sink;
    unsigned char *vec = malloc(n);
    uint64_t t;

    for (size_t i = 0; i < n; i++)
        p[i * PAGE] = 1;
    memset(vec, 0, n);
    t = now();
    mincore(p, size, vec);
    report("mincore 64 MiB", now() - t, 1);
    t = now();
    munmap(p, size);
    report("munmap shared file, per page", now() - t, n);
    p = map(size, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
    t = now();
    for (size_t i = 0; i < n; i++)
        sink = p[i * PAGE];
    report("shared file read fault, per page", now() - t, n);
    munmap(p, size);
    p = map(size, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
    t = now();
    for (size_t i = 0; i < n; i++)
        p[i * PAGE] = 2;
    report("shared file write fault, per page", now() - t, n);
    munmap(p, size);
    t = now();
    p = map(size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd);
    report("MAP_POPULATE shared file, per page", now() - t, n);
    t = now();
    int pid = fork();
    if (pid == 0)
        _exit(0);
    t = now() - t;
    waitpid(pid, NULL, 0);
    report("fork, 64 MiB shared file mapping", t, 1);
    munmap(p, size);
    char buf[4096];
    memset(buf, 1, sizeof(buf));
    t = now();
    for (int i = 0; i < 1000; i++)
        if (pread(fd, buf, 4096, i * 4096) != 4096)
            die("pread");
    report("pread 4 KiB", now() - t, 1000);
    t = now();
    for (int i = 0; i < 1000; i++)
        if (pwrite(fd, buf, 4096, i * 4096) != 4096)
            die("pwrite");
    report("pwrite 4 KiB", now() - t, 1000);
    close(fd);
    free(vec);
    (void)sink;
}

static void bench_process(void)
{
    int a[2], b[2], pid;
    char c = 0;
    uint64_t t = now();

    for (int i = 0; i < 20; i++) {
        pid = fork();
        if (pid == 0)
            _exit(0);
        waitpid(pid, NULL, 0);
    }
    report("fork + exit + wait, small process", now() - t, 20);
    if (pipe(a) || pipe(b))
        die("pipe");
    pid = fork();
    if (pid == 0) {
        while (read(a[0], &c, 1) == 1 && c != 'q')
            if (write(b[1], &c, 1) != 1)
                break;
        _exit(0);
    }
    t = now();
    for (int i = 0; i < 500; i++)
        if (write(a[1], &c, 1) != 1 || read(b[0], &c, 1) != 1)
            die("pipe");
    report("pipe round trip between two processes", now() - t, 500);
    c = 'q';
    if (write(a[1], &c, 1) != 1)
        die("pipe");
    waitpid(pid, NULL, 0);
    char *p = map(64 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    for (size_t i = 0; i < 64 * MIB; i += PAGE)
        p[i] = 1;
    t = now();
    pid = fork();
    if (pid == 0)
        _exit(0);
    uint64_t forked = now() - t;
    waitpid(pid, NULL, 0);
    report("fork, 64 MiB touched anonymous", forked, 1);
    t = now();
    pid = fork();
    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0);
    report("fork + exit + wait, 64 MiB touched anonymous", now() - t, 1);
    munmap(p, 64 * MIB);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        filter = argv[1];
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
    return 0;
}
