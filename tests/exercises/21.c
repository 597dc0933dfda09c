/* SPDX-License-Identifier: MIT
 *
 * runs: kernel
 * begun: kernel/syscall_own.h remap_runs
 */
#include "tests/exercises/check.h"
#include "user/include/tessera.h"

#define N      1024ul
#define HUGE_N (1ul << 22) /* pages of a window that is far larger than memory */

static struct remap_vec runs[N + 1];

static long remap_runs(const void *addr, size_t len, struct remap_vec *out, size_t n)
{
    return syscall(1008, addr, len, out, n);
}

static uint64_t addr_of(const char *w, size_t i)
{
    return (uint64_t)(uintptr_t)(w + i * P);
}

/* All runs of the window against remap_query: whole, joined where they can be, in order. */
static long compare(char *w, size_t n, size_t room)
{
    static uint64_t words[N];
    long got = remap_runs(w, n * P, runs, room);
    size_t at = 0;

    EQ(remap_query(w, n * P, words), 0);
    CHECK(got >= 0 && (size_t)got <= room);
    for (long r = 0; r < got; r++) {
        EQ(runs[r].addr, addr_of(w, at));
        EQ(runs[r].flags, 0);
        CHECK(runs[r].npages);
        for (size_t k = 0; k < runs[r].npages; k++, at++)
            EQ(runs[r].pgoff + k, words[at] & RMQ_PGOFF);
        if (at < n)
            CHECK((words[at] & RMQ_PGOFF) != runs[r].pgoff + runs[r].npages);
    }
    if ((size_t)got < room)
        EQ(at, n);
    return got;
}

/* What the runs say, done in another window, makes that show the same. */
static void copied(char *w, char *v)
{
    long n = compare(w, N, N);

    for (long r = 0; r < n; r++)
        runs[r].addr += (uint64_t)(v - w);
    EQ(remapv(runs, (size_t)n, 0), n);
    for (size_t i = 0; i < N; i++)
        EQ(shows(v, i), shows(w, i));
}

static void random_windows(char *w, char *v)
{
    unsigned seed = 21;

    for (int turn = 0; turn < 40; turn++) {
        for (int k = 0; k < 1 + turn * 3; k++) {
            size_t n = 1 + (size_t)rand_r(&seed) % 60,
                   i = (size_t)rand_r(&seed) % (N - n);

            EQ(remap_file_pages(w + i * P, n * P, 0, (size_t)rand_r(&seed) % (N - n),
                                MAP_NONBLOCK),
               0);
        }
        copied(w, v);
        compare(w, N, 1);
        compare(w, N, 33);
        compare(w, 1 + (size_t)rand_r(&seed) % N, N);
    }
}

int main(void)
{
    int fd = make_file(N), status, large = memfd_create("large", 0);
    char *w = map_file(fd, N), *v = map_file(fd, N), *far;
    pid_t child;

    EQ(compare(w, N, N), 1); /* all at home: one run */
    EQ(runs[0].npages, N);
    EQ(remap_rotate(w, N * P, 1), 0);
    EQ(compare(w, N, N), 2);
    random_windows(w, v);
    child = fork(); /* which has the numbers before it has tables */
    if (child == 0) {
        compare(w, N, N);
        exit(0);
    }
    EQ(waitpid(child, &status, 0), child);
    EQ(status, 0);
    /* One run over tables that are not there, over two areas, and with one page away in the middle. */
    EQ(ftruncate(large, (off_t)(HUGE_N * P)), 0);
    far = mmap(NULL, HUGE_N * P, PROT_READ, MAP_SHARED, large, 0);
    CHECK(far != MAP_FAILED);
    EQ(mprotect(far, 777 * P, PROT_NONE), 0);
    EQ(remap_runs(far, HUGE_N * P, runs, N), 1);
    EQ(runs[0].npages, HUGE_N);
    EQ(remap_file_pages(far + 3000000 * P, P, 0, 5, MAP_NONBLOCK), 0);
    EQ(remap_runs(far, HUGE_N * P, runs, N), 3);
    EQ(runs[1].pgoff, 5);
    EQ(runs[2].npages, HUGE_N - 3000001);
    /* Refusals. */
    EQ(remap_runs(w, N * P, runs, 0), 0);
    ERR(remap_runs(w + 1, P, runs, 1), EINVAL);
    ERR(remap_runs(w, P + 1, runs, 1), EINVAL);
    ERR(remap_runs(w, 0, runs, 1), EINVAL);
    ERR(remap_runs(w, N * P, NULL, 4), EFAULT);
    ERR(remap_runs(w, N * P, runs, 1ul << 61), EFAULT);
    ERR(remap_runs((void *)(~0ul - P + 1), P, runs, 1), ENOMEM);
    EQ(munmap(v + 100 * P, P), 0);
    ERR(remap_runs(v, N * P, runs, N), ENOMEM);
    CHECK(mmap(v + 100 * P, P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
               0) == v + 100 * P);
    ERR(remap_runs(v + 99 * P, 2 * P, runs, N), EINVAL);
    return 0;
}
