/* SPDX-License-Identifier: MIT
 *
 * The cases about rearranged mappings: remap, the reverse test, truncate under a window.
 */
#include "bench.h"

void bench_null(void)
{
    uint64_t t = now();

    for (int i = 0; i < 1000; i++)
        syscall(SYS_getppid);
    report("null system call (getppid)", now() - t, 1000);
}

void bench_remap_one(size_t mib)
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
    report("fork, fully shuffled window", fork_once(), 1);
    t = now();
    munmap(p, n * PAGE);
    report("munmap of the shuffled window, per page", now() - t, n);
    free(to);
    free(order);
    (void)sink;
}

void bench_remap_batch(size_t batch, const char *name, int flags)
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

void bench_reverse(size_t mib, const char *write_name, const char *remap_name)
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

void bench_truncate(void)
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
