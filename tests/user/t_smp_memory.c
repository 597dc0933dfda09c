/* SPDX-License-Identifier: MIT
 *
 * The memory system under threads that really run at once: remaps, faults, truncates, drops,
 * maps, forks and exits of one address space, each case with a model of what may be seen. One
 * CPU passes too; sched_yield() then makes the interleavings. Seeds are printed on failure.
 */
#include "tests/user/t.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define THREADS 4
#define BLOCK   512ul /* pages of a window's part that is a table's */

static atomic_bool stop;

static void run_all(void *(*fn)(void *), int n)
{
    pthread_t t[THREADS];

    for (int i = 0; i < n; i++)
        if (pthread_create(&t[i], NULL, fn, (void *)(long)i) != 0)
            FAIL("pthread_create");
    for (int i = 0; i < n; i++)
        pthread_join(t[i], NULL);
}

static pthread_t background(void *(*fn)(void *), long arg)
{
    pthread_t t;

    if (pthread_create(&t, NULL, fn, (void *)arg) != 0)
        FAIL("pthread_create");
    return t;
}

static uint64_t word_at(size_t page)
{
    return *(volatile uint64_t *)(A + page * P);
}

/* ---- blocks of one window, each a thread's ---- */

static void *shuffles_block(void *arg)
{
    size_t first = (size_t)arg * BLOCK, shows[64];
    uint64_t seed = 7000 + (uint64_t)(long)arg;

    for (size_t i = 0; i < 64; i++)
        shows[i] = first + i;
    for (int k = 0, n = (int)t_turns(6000); k < n; k++) {
        size_t i = t_random(&seed) % 64, p = first + t_random(&seed) % BLOCK;

        OK(R(first + i, 1, p));
        shows[i] = p;
        i = t_random(&seed) % 64;
        if ((size_t)tag(first + i) != shows[i])
            FAIL("page %zu shows %ld, want %zu, step %d", first + i, (long)tag(first + i),
                 shows[i], k);
        if (k % 64 == 0)
            sched_yield();
    }
    return NULL;
}

TESTF(SM01, "threads that remap and fault in blocks of one window")
{
    M(F(THREADS * BLOCK), THREADS * BLOCK);
    run_all(shuffles_block, THREADS);
}

static void *remaps_runs(void *arg)
{
    size_t first = (size_t)arg * BLOCK;

    for (size_t k = 0; k < 300; k++) {
        size_t by = 1 + k % (BLOCK - 16), at = k * 37 % (BLOCK - 16);

        OK(R(first + at, 16, (first + at + by) % (THREADS * BLOCK - 16)));
        for (size_t i = 0; i < 16; i += 5)
            EQ(tag(first + at + i), (first + at + by) % (THREADS * BLOCK - 16) + i);
        if (k % 7 == 0) {
            OK(R(first, BLOCK, first)); /* all home: the array goes */
            EQ(tag(first + at), first + at);
        }
    }
    return NULL;
}

TESTF(SM02, "runs go and come home in blocks of one window")
{
    M(F(THREADS * BLOCK), THREADS * BLOCK);
    run_all(remaps_runs, THREADS);
}

/* ---- one table, many threads ---- */

static void *owns_every_fourth(void *arg)
{
    size_t me = (size_t)arg, last[BLOCK / THREADS] = {0};
    uint64_t seed = 9000 + me;

    for (int k = 0, n = (int)t_turns(8000); k < n; k++) {
        size_t j = t_random(&seed) % (BLOCK / THREADS), p = t_random(&seed) % BLOCK;

        OK(R(j * THREADS + me, 1, p));
        last[j] = p + 1;
        j = t_random(&seed) % (BLOCK / THREADS);
        if (last[j])
            EQ(tag(j * THREADS + me), last[j] - 1);
        if (k % 32 == 0)
            OK(madvise(A + (j * THREADS + me) * P, P, MADV_DONTNEED));
    }
    return NULL;
}

TESTF(SM03, "threads that remap, drop and fault in one table")
{
    M(F(BLOCK), BLOCK);
    run_all(owns_every_fourth, THREADS);
}

/* ---- a page that shows two file pages in turn ---- */

static void *sees_two(void *arg)
{
    (void)arg;
    while (!stop) {
        long t = tag(5);

        if (t != 11 && t != 22)
            FAIL("a flipped page shows %ld", t);
    }
    return NULL;
}

TESTF(SM04, "a page flipped between two file pages shows only these")
{
    pthread_t t[3];

    M(F(64), 64);
    OK(R(5, 1, 11));
    for (int i = 0; i < 3; i++)
        t[i] = background(sees_two, i);
    for (int k = 0, n = (int)t_turns(10000); k < n; k++) {
        OK(R(5, 1, k % 2 ? 11 : 22));
        if (k % 100 == 0) {
            OK(madvise(A + 5 * P, P, MADV_DONTNEED));
            sched_yield();
        }
    }
    stop = true;
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
}

/* ---- truncate and punch under faults and remaps ---- */

static int cut_fd;
static __thread sigjmp_buf back;
static __thread volatile bool armed;

static void on_bus(int sig)
{
    (void)sig;
    if (!armed)
        _exit(9);
    siglongjmp(back, 1);
}

/* Every page of the file is empty or tells its number. */
static void *remaps_and_looks(void *arg)
{
    size_t me = (size_t)arg, n = 2 * BLOCK;
    uint64_t seed = 100 + me;
    long turns = t_tessera ? t_turns(6000) : 300; /* there each makes areas */
    volatile int k;

    for (k = 0; k < turns; k++) {
        size_t i = me * (n / THREADS) + t_random(&seed) % (n / THREADS);
        size_t p = t_random(&seed) % n;

        OK(R(i, 1, p));
        armed = true;
        if (sigsetjmp(back, 1) == 0) {
            uint64_t w = word_at(i);

            if (w != 0 && w != 5000 + p)
                FAIL("file page %zu holds %llu", p, (unsigned long long)w);
            if (k % 3 == 0)
                *(volatile uint64_t *)(A + i * P) = 5000 + p;
        }
        armed = false;
    }
    return NULL;
}

static void *cuts(void *arg)
{
    uint64_t seed = 5;

    (void)arg;
    while (!stop) {
        size_t p = t_random(&seed) % (2 * BLOCK);

        if (t_random(&seed) % 3) {
            OK(ftruncate(cut_fd, (off_t)(p * P)));
            OK(ftruncate(cut_fd, (off_t)(2 * BLOCK * P)));
        } else {
            OK(fallocate(cut_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                         (off_t)(p * P), (off_t)(16 * P)));
        }
        sched_yield();
    }
    return NULL;
}

TESTF(SM05, "truncate and punch under remaps and stores: nobody else's page is seen")
{
    struct sigaction sa = {.sa_handler = on_bus, .sa_flags = SA_NODEFER};
    pthread_t t;

    sigaction(SIGBUS, &sa, NULL);
    cut_fd = F(2 * BLOCK);
    OK(ftruncate(cut_fd, 0));
    OK(ftruncate(cut_fd, (off_t)(2 * BLOCK * P)));
    M(cut_fd, 2 * BLOCK);
    t = background(cuts, 0);
    run_all(remaps_and_looks, THREADS);
    stop = true;
    pthread_join(t, NULL);
}

/* ---- private memory: stamps of its owner ---- */

static void *maps_and_stamps(void *arg)
{
    uint64_t me = (uint64_t)(long)arg, seed = 300 + me;

    for (uint64_t k = 0; k < 400; k++) {
        size_t n = 1 + t_random(&seed) % 40;
        uint64_t *p =
            mmap(NULL, n * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        CHECK(p != MAP_FAILED);
        for (size_t i = 0; i < n; i++) {
            EQ(p[i * P / 8], 0);
            p[i * P / 8] = me << 32 | k;
        }
        if (k % 3 == 0)
            OK(mprotect(p, n * P, PROT_READ));
        if (k % 5 == 0)
            OK(madvise(p, P, MADV_DONTNEED));
        for (size_t i = k % 5 == 0; i < n; i++)
            EQ(p[i * P / 8], me << 32 | k);
        OK(munmap(p, n * P));
    }
    return NULL;
}

TEST(SM06, "threads that map, stamp, protect, drop and unmap private memory")
{
    run_all(maps_and_stamps, THREADS);
}

/* ---- memory mapped over a window does not change with the window ---- */

static void *remaps_beside(void *arg)
{
    uint64_t seed = 40 + (uint64_t)(long)arg;

    while (!stop) {
        size_t i = t_random(&seed) % BLOCK;

        if (i >= 100 && i < 108) /* what is there now is not the window's */
            continue;
        OK(R(i, 1, t_random(&seed) % BLOCK));
        (void)word_at(i);
    }
    return NULL;
}

TESTF(SM07, "private memory mapped over a window stays what it is")
{
    pthread_t t[3];

    M(F(BLOCK), BLOCK);
    for (int i = 0; i < 3; i++)
        t[i] = background(remaps_beside, i);
    for (int k = 0, n = (int)t_turns(400); k < n; k++) {
        uint64_t *over = mmap(A + 100 * P, 8 * P, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

        CHECK(over == (void *)(A + 100 * P));
        for (size_t i = 0; i < 8; i++) {
            EQ(over[i * P / 8], 0);
            over[i * P / 8] = (uint64_t)k;
        }
        sched_yield();
        for (size_t i = 0; i < 8; i++)
            EQ(over[i * P / 8], k);
    }
    stop = true;
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
}

/* ---- fork and exit while threads fault ---- */

TESTF(SM08, "fork while threads remap: the child sees one of the legal pages, and leaves")
{
    pthread_t t[2];

    M(F(64), 64);
    OK(R(5, 1, 11));
    for (int i = 0; i < 2; i++)
        t[i] = background(sees_two, i);
    for (int k = 0; k < 120; k++) {
        int status;
        pid_t pid = fork();

        CHECK(pid >= 0);
        if (pid == 0) {
            long a = tag(5);

            _exit(a == 11 || a == 22 ? 0 : 1);
        }
        for (int i = 0; i < 20; i++)
            OK(R(5, 1, i % 2 ? 11 : 22));
        EQ(waitpid(pid, &status, 0), pid);
        EQ(status, 0);
    }
    stop = true;
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
}

static void *touches_for_ever(void *arg)
{
    uint64_t seed = 60 + (uint64_t)(long)arg;

    for (;;) {
        size_t i = t_random(&seed) % BLOCK;

        (void)remap_file_pages(A + i * P, P, 0, t_random(&seed) % BLOCK, 0);
        (void)word_at(i);
    }
    return NULL;
}

TESTF(SM09, "a process ends while its threads remap and fault")
{
    int fd = F(BLOCK);

    for (int k = 0; k < 30; k++) {
        int status;
        pid_t pid = fork();

        CHECK(pid >= 0);
        if (pid == 0) {
            M(fd, BLOCK);
            for (int i = 0; i < 3; i++)
                (void)background(touches_for_ever, i);
            for (int i = 0; i < 20; i++)
                sched_yield();
            if (k % 2)
                raise(SIGKILL);
            _exit(0);
        }
        EQ(waitpid(pid, &status, 0), pid);
        EQ(status, k % 2 ? SIGKILL : 0);
    }
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
