/* SPDX-License-Identifier: MIT
 *
 * Rows of the stall program: many areas, many places of one page.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stall.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

static char *areas(size_t n)
{
    char *p = map(2 * GIB, PROT_NONE, ANON, -1);

    for (size_t i = 0; i < n; i++)
        mprotect(p + 2 * i * P, P, PROT_READ);
    return p;
}

static void read_all(const char *name)
{
    static char buf[1 << 20];
    int fd = open(name, O_RDONLY);

    while (read(fd, buf, sizeof(buf)) > 0)
        ;
    close(fd);
}

void many_areas(void)
{
    char *p = areas(30000);

    read_all("/proc/self/smaps");
    mlock(p, 30000 * P);
    msync(p, 60000 * P, MS_SYNC);
    if (fork() == 0)
        _exit(0);
    wait(NULL);
    munmap(p, 2 * GIB);
}

void maps_of_areas(void)
{
    char *p = areas(32000), c;
    int fd;

    read_all("/proc/self/maps");
    read_all("/proc/self/statm");
    read_all("/proc/self/status");
    read_all("/proc/self/smaps_rollup");
    fd = open("/proc/self/maps", O_RDONLY);
    pread(fd, &c, 1, 2 << 20);
    close(fd);
    munmap(p, 2 * GIB);
}

/* Which has to be written into a file when the program dies. */
void core_of_areas(void)
{
    struct rlimit r = {RLIM_INFINITY, RLIM_INFINITY};
    int status;

    if (chdir("/tmp") || setrlimit(RLIMIT_CORE, &r))
        die("setrlimit");
    if (fork() == 0) {
        areas(32000);
        abort();
    }
    wait(&status);
    if (!WCOREDUMP(status) || unlink("core"))
        die("core");
}

void low_addresses(void)
{
    char *p[30000];
    int n;

    for (n = 0; n < 30000; n++) {
        p[n] = mmap(NULL, P, n % 2 ? PROT_READ : RW, ANON | MAP_32BIT, -1, 0);
        if (p[n] == MAP_FAILED)
            die("mmap");
    }
    for (int i = 0; i < n; i += 3)
        munmap(p[i], P);
    for (int i = 0; i < 50; i++)
        mmap(NULL, 2 * P, RW, ANON | MAP_32BIT, -1, 0);
    for (int i = 0; i < n; i++)
        munmap(p[i], P);
}

/* Memory in single pages, every second one free; then they are to be merged. */
void many_single_pages(void)
{
    size_t n = 262144;
    char *p = map(n * P, RW, ANON, -1);
    int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

    for (size_t i = 0; i < n; i++)
        p[i * P] = 1;
    for (size_t i = 0; i < n; i += 2)
        madvise(p + i * P, P, MADV_DONTNEED);
    if (fd < 0 || write(fd, "1", 1) != 1)
        die("drop_caches");
    munmap(p, n * P);
    if (write(fd, "1", 1) != 1)
        die("drop_caches");
    close(fd);
}

/* All pages of a file are counted, and what was counted goes with the mapping. */
void counted_pages(void)
{
    size_t n = 393216;
    int fd = file(n * P), smaps;
    char *p = map(n * P, RW, MAP_SHARED, fd), text[4096];

    for (size_t i = 0; i < n; i++)
        p[i * P] = 1;
    smaps = open("/proc/self/smaps", O_RDONLY);
    while (read(smaps, text, sizeof(text)) > 0)
        ;
    close(smaps);
    munmap(p, n * P);
    close(fd);
}

/* A page in each 2 MiB, none at home; a child has the arrangement, then it goes. */
void lone_pages(void)
{
    size_t n = 100000, step = 512 * P;
    int fd = file(n * step);
    char *p = map(n * step, RW, MAP_SHARED, fd);

    for (size_t i = 0; i < n; i++) {
        p[i * step] = 1;
        if (syscall(SYS_remap_file_pages, p + i * step, P, 0, (i + 1) % n * 512, 0))
            die("remap");
    }
    if (fork() == 0)
        _exit(0);
    wait(NULL);
    if (ftruncate(fd, P))
        die("ftruncate");
    munmap(p, n * step);
    close(fd);
}

/* One page at a million places, of which all are touched; then the page goes. */
void many_aliases(void)
{
    size_t n = 1000000;
    int fd = file((n + 8) * P);
    char *p = map((n + 8) * P, RW, MAP_SHARED, fd);

    p[0] = 1;
    for (size_t i = 0; i < n; i++)
        if (syscall(SYS_remap_file_pages, p + i * P, P, 0, 0, 0))
            die("remap");
    fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, P);
    if (madvise(p, n * P, MADV_POPULATE_READ))
        perror("populate");
    ftruncate(fd, 0);
    munmap(p, (n + 8) * P);
    close(fd);
}

/* The same, and the mapping goes first. */
void many_homes(void)
{
    size_t n = 1000000;
    int fd = file((n + 8) * P);
    char *p = map((n + 8) * P, RW, MAP_SHARED, fd);

    p[0] = 1;
    for (size_t i = 0; i < n; i++)
        syscall(SYS_remap_file_pages, p + i * P, P, 0, 0, 0);
    munmap(p, (n + 8) * P);
    close(fd);
}

/* One page that 30,000 mappings of each of three processes show where they show it. */
void mapped_many_times(void)
{
    char *at = map(2 * GIB, PROT_NONE, ANON, -1);
    int fd = file(P), go[2];

    if (pipe(go))
        die("pipe");
    for (size_t i = 0; i < 30000; i++) {
        char *p = mmap(at + 2 * i * P, P, RW, MAP_SHARED | MAP_FIXED, fd, 0);

        if (p == MAP_FAILED)
            die("mmap");
        *(volatile char *)p;
    }
    for (int i = 0; i < 2; i++)
        if (fork() == 0) {
            char c;

            for (size_t k = 0; k < 30000; k++)
                *(volatile char *)(at + 2 * k * P);
            close(go[1]);
            read(go[0], &c, 1);
            _exit(0);
        }
    usleep(1000);
    read_all("/proc/self/smaps");
    msync(at, P, MS_SYNC);
    madvise(at, P, MADV_REMOVE);
    *(volatile char *)at;
    ftruncate(fd, 0);
    close(go[1]);
    while (wait(NULL) > 0)
        ;
    munmap(at, 2 * GIB);
    close(fd);
}
