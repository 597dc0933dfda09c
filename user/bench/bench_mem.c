/* SPDX-License-Identifier: MIT
 *
 * The cases about ordinary memory, files and processes.
 */
#include "bench.h"

void bench_map(void)
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

void bench_anon(void)
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
    p = map(96 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    usleep(10000);
    t = now();
    for (size_t i = 0; i < 96; i++)
        p[i * PAGE] = 1;
    report("anonymous write fault after 10 ms of sleep, per page", now() - t, 96);
    munmap(p, 96 * PAGE);
    p = map(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    munmap(p, PAGE);
    p = mmap(p - 64 * MIB, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
             0);
    t = now();
    for (size_t i = 1; i < 100; i++)
        if (mremap(p, i * PAGE, (i + 1) * PAGE, 0) != p)
            die("mremap grow");
    report("mremap grow in place", now() - t, 99);
    munmap(p, 100 * PAGE);
}

void bench_file(void)
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
    report("fork, 64 MiB shared file mapping", fork_once(), 1);
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

void bench_process(void)
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
    report("fork, 64 MiB touched anonymous", fork_once(), 1);
    t = now();
    pid = fork();
    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0);
    report("fork + exit + wait, 64 MiB touched anonymous", now() - t, 1);
    munmap(p, 64 * MIB);
}
