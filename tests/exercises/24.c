/* SPDX-License-Identifier: MIT
 *
 * runs: kernel
 * begun: lib/uapi/mman.h MADV_PACK
 */
#include "tests/exercises/check.h"
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#define MADV_PACK 98
#define N         600ul

static uint64_t *fresh(size_t n)
{
    uint64_t *at =
        mmap(NULL, n * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(at != MAP_FAILED);
    return at;
}

static uint64_t *page(uint64_t *at, size_t i)
{
    return at + i * (P / 8);
}

/* Page i holds a word of its own over and over; those whose number ends with 7 are not uniform. */
static void fill(uint64_t *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < P / 8; k++)
            page(at, i)[k] = i % 10 == 7 && k == 300 ? 1 : (i + 1) * 0x0101010101ull;
}

static void compare(uint64_t *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < P / 8; k++)
            EQ(page(at, i)[k], i % 10 == 7 && k == 300 ? 1 : (i + 1) * 0x0101010101ull);
}

static size_t resident(uint64_t *at, size_t n)
{
    unsigned char there[N];
    size_t sum = 0;

    EQ(mincore(at, n * P, there), 0);
    for (size_t i = 0; i < n; i++)
        sum += there[i] & 1;
    return sum;
}

static void pack(uint64_t *at, size_t n)
{
    EQ(madvise(at, n * P, MADV_PACK), 0);
    EQ(resident(at, n), (n + 2) / 10);
}

static void child_compares(uint64_t *at, size_t n)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        compare(at, n);
        page(at, 5)[3] = 77; /* its own */
        _exit(0);
    }
    EQ(waitpid(child, &status, 0), child);
    EQ(status, 0);
}

static void dies(uint64_t *at)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        *(volatile uint64_t *)at;
        _exit(0);
    }
    EQ(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

/* ---- somebody writes meanwhile ---- */

static uint64_t *shared;
static volatile bool stop;

static void *writer(void *arg)
{
    uint64_t n = 0;

    (void)arg;
    while (!stop) {
        n++;
        for (size_t k = 0; k < P / 8; k++)
            __atomic_store_n(&page(shared, n % 16)[k], n, __ATOMIC_RELAXED);
        for (size_t k = 0; k < P / 8; k++)
            EQ(__atomic_load_n(&page(shared, n % 16)[k], __ATOMIC_RELAXED), n);
    }
    return NULL;
}

static void race(void)
{
    pthread_t thread;

    shared = fresh(16);
    EQ(pthread_create(&thread, NULL, writer, NULL), 0);
    for (unsigned i = 0; i < 400; i++)
        EQ(madvise(shared, 16 * P, MADV_PACK), 0);
    stop = true;
    EQ(pthread_join(thread, NULL), 0);
}

static void refused(void)
{
    uint64_t *at = fresh(4);
    int fd = make_file(4);
    char *file = map_file(fd, 4);

    ERR(madvise(file, P, MADV_PACK), EINVAL);
    ERR(madvise((char *)at + 1, P, MADV_PACK), EINVAL);
    EQ(mlock(at, P), 0);
    ERR(madvise(at, P, MADV_PACK), EINVAL);
    EQ(mprotect(at + P / 8, P, PROT_READ), 0);
    ERR(madvise(at + P / 8, P, MADV_PACK), EINVAL);
    EQ(munmap(at, 4 * P), 0);
    ERR(madvise(at, P, MADV_PACK), ENOMEM);
}

int main(void)
{
    uint64_t *at = fresh(N), *moved, *to;

    EQ(madvise(at, N * P, MADV_PACK), 0); /* nothing is there */
    EQ(resident(at, N), 0);
    fill(at, N);
    EQ(resident(at, N), N);
    pack(at, N);
    compare(at, N);
    pack(at, N);
    EQ(page(at, 100)[0], 101 * 0x0101010101ull);
    page(at, 100)[0] = 1; /* not uniform, not packed again */
    EQ(madvise(at, N * P, MADV_PACK), 0);
    EQ(resident(at, N), N / 10 + 1);
    page(at, 100)[0] = 101 * 0x0101010101ull;
    pack(at, N);
    child_compares(at, N);
    compare(at, N);
    pack(at, N);
    memset(page(at, 30), 0, P);
    pack(at, N);
    EQ(page(at, 30)[0], 0);
    /* What was thrown away is zero, whatever it was. */
    EQ(madvise(page(at, 10), 5 * P, MADV_DONTNEED), 0);
    for (size_t i = 10; i < 15; i++)
        EQ(page(at, i)[9], 0);
    fill(at, N);
    pack(at, N);
    /* Moved, with all that is in it; and what is mapped in its place is new. */
    to = fresh(2 * N);
    moved = mremap(at, N * P, N * P, MREMAP_MAYMOVE | MREMAP_FIXED, to);
    CHECK(moved == to);
    compare(moved, N);
    CHECK(mmap(at, N * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
               -1, 0) == at);
    EQ(page(at, 20)[0], 0);
    pack(moved, N);
    EQ(munmap(page(moved, 50), 100 * P), 0);
    CHECK(mmap(page(moved, 50), 100 * P, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page(moved, 50));
    for (size_t i = 50; i < 150; i++)
        EQ(page(moved, i)[0], 0);
    fill(moved, N);
    pack(moved, N);
    EQ(mprotect(moved, N * P, PROT_NONE), 0);
    dies(moved);
    EQ(mprotect(moved, N * P, PROT_READ), 0);
    compare(moved, N);
    refused();
    race();
    return 0;
}
