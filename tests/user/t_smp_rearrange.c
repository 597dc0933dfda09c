/* SPDX-License-Identifier: MIT
 *
 * Calls that rearrange a window as a whole, under threads that fault, remap and truncate at
 * once: vectors, exchange, rotation, clone, mremap, mprotect, fork. Each case has a model of
 * what may be seen. t_smp_memory.c has the single remaps.
 */
#include "tests/user/t.h"
#include "user/include/tessera.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define THREADS 3

static atomic_bool stop;
static pthread_t threads[THREADS];

static void begin(void *(*fn)(void *))
{
    for (long i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, fn, (void *)i) != 0)
            FAIL("pthread_create");
}

static void finish(void)
{
    stop = true;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

/* A shared mapping A of the first n pages of a file of m; the file. */
static int window(size_t m, size_t n)
{
    int fd;

    if (remapv(NULL, 0, 0) < 0)
        SKIP("no remapv");
    fd = F(m);
    M(fd, n);
    return fd;
}

/* ---- a vector of two entries ---- */

/* Page i shows i or i + 8. */
static void *sees_pairs(void *arg)
{
    uint64_t seed = 11 + (uint64_t)(long)arg;

    while (!stop) {
        size_t i = t_random(&seed) % 8;
        long t = tag(i);

        if (t != (long)i && t != (long)i + 8)
            FAIL("page %zu shows %ld", i, t);
    }
    return NULL;
}

TEST(SR01,
     "vectors: each page shows one of its two, and after the call the one asked for")
{
    uint64_t seed = 1;

    window(16, 8);
    begin(sees_pairs);
    for (long k = 0, n = t_turns(4000); k < n; k++) {
        size_t i = t_random(&seed) % 7, up = (k & 1) * 8;
        unsigned flags = k % 3 == 0 ? RM_ATOMIC : k % 3 == 1 ? RM_NOPOPULATE : 0;
        struct remap_vec v[2] = {{(uintptr_t)(A + i * P), i + up, 1, 0},
                                 {(uintptr_t)(A + (i + 1) * P), i + 1 + up, 1, 0}};

        EQ(remapv(v, 2, flags), 2);
        EQ(tag(i), i + up);
        EQ(tag(i + 1), i + 1 + up);
        if (k % 50 == 0)
            OK(madvise(A, 8 * P, MADV_DONTNEED));
    }
    finish();
}

/* ---- exchange and rotation: what is in the window stays in it ---- */

#define N 64ul

static void *sees_window(void *arg)
{
    uint64_t seed = 21 + (uint64_t)(long)arg;

    while (!stop) {
        long t = tag(t_random(&seed) % N);

        if (t < 0 || t >= (long)N)
            FAIL("a page of the window shows %ld", t);
    }
    return NULL;
}

TEST(SR02, "exchange and rotation under faults: a permutation, known after each call")
{
    uint64_t seed = 2;
    size_t shows[N], next[N];

    window(N, N);
    for (size_t i = 0; i < N; i++)
        shows[i] = i;
    begin(sees_window);
    for (long k = 0, n = t_turns(1500); k < n; k++) {
        size_t len = 1 + t_random(&seed) % (N / 2);
        size_t a = t_random(&seed) % (N / 2 - len + 1), b = N / 2 + a;

        memcpy(next, shows, sizeof(next));
        if (k & 1) {
            OK(remap_swap(A + a * P, A + b * P, len * P));
            memcpy(next + a, shows + b, len * sizeof(*next));
            memcpy(next + b, shows + a, len * sizeof(*next));
        } else {
            size_t by = t_random(&seed) % len;

            OK(remap_rotate(A + a * P, len * P, (ssize_t)by));
            for (size_t i = 0; i < len; i++)
                next[a + (i + by) % len] = shows[a + i];
        }
        memcpy(shows, next, sizeof(next));
        for (size_t i = 0; i < N; i += 1 + t_random(&seed) % 9)
            EQ(tag(i), shows[i]);
        if (k % 40 == 0)
            OK(madvise(A, N * P, MADV_DONTNEED));
    }
    finish();
}

/* ---- clone and fork while others remap ---- */

static void *flips(void *arg)
{
    size_t me = (size_t)arg;
    uint64_t seed = 31 + me;

    while (!stop) {
        size_t i = t_random(&seed) % 8;

        OK(R(me * 16 + i, 1, me * 16 + i + t_random(&seed) % 2 * 8));
    }
    return NULL;
}

/* Page i + 16 * j of `w` shows itself or 8 more. */
static void check_flipped(const unsigned char *w)
{
    for (size_t j = 0; j < THREADS; j++)
        for (size_t i = 16 * j; i < 16 * j + 8; i++) {
            long t = t_tag_at(w + i * P);

            if (t != (long)i && t != (long)i + 8)
                FAIL("page %zu of a copy shows %ld", i, t);
        }
}

TEST(SR03, "clone and fork under remaps: a copy shows legal pages and stands still")
{
    window(16 * THREADS, 16 * THREADS);
    begin(flips);
    for (long k = 0, n = t_turns(150); k < n; k++) {
        unsigned char *w = remap_clone(A, 16 * THREADS * P, PROT_READ);
        long before;
        pid_t pid;
        int status;

        CHECK(w != MAP_FAILED);
        check_flipped(w);
        before = t_tag_at(w + 3 * P);
        sched_yield();
        EQ(t_tag_at(w + 3 * P), before);
        OK(munmap(w, 16 * THREADS * P));
        if (k % 4)
            continue;
        pid = fork();
        CHECK(pid >= 0);
        if (!pid) {
            check_flipped(A);
            before = tag(3);
            sched_yield();
            _exit(tag(3) == before ? 0 : 1);
        }
        EQ(waitpid(pid, &status, 0), pid);
        EQ(status, 0);
    }
    finish();
}

/* ---- a call is over when it returns, for every CPU ---- */

static _Atomic size_t asked; /* turn << 8 | file page: what page 2 shows from now on */

/* Neighbours in the same table are changed all the time: flushes of this CPU are to come. */
static void *stirs(void *arg)
{
    size_t me = (size_t)arg;
    uint64_t seed = 41 + me;

    while (!stop) {
        size_t i = 8 + me * 8 + t_random(&seed) % 8;
        size_t before = asked;
        long t = before ? tag(2) : 0;

        /* It may be the next one's already, never the last but one. */
        if (before && asked == before && t != (long)(before & 255))
            FAIL("page 2 shows %ld after a call that made it %zu", t, before & 255);
        OK(R(i, 1, t_random(&seed) % N));
        (void)tag(i);
        if (t_random(&seed) % 4 == 0)
            OK(madvise(A + i * P, P, MADV_DONTNEED));
    }
    return NULL;
}

TEST(SR04, "after a remap no CPU sees what was there, though others change the table")
{
    uint64_t seed = 4;

    window(N, N);
    begin(stirs);
    for (size_t k = 1, n = (size_t)t_turns(6000); k < n; k++) {
        size_t p = t_random(&seed) % N;
        struct remap_vec v = {(uintptr_t)(A + 2 * P), p, 1, 0};

        asked = 0;
        atomic_thread_fence(memory_order_seq_cst);
        if (k % 3 == 0)
            OK(madvise(A + 2 * P, P, MADV_DONTNEED));
        if (k % 2)
            OK(R(2, 1, p));
        else
            EQ(remapv(&v, 1, 0), 1);
        asked = k << 8 | p;
        for (int i = 0; i < 20; i++)
            EQ(tag(2), p);
    }
    finish();
}

/* ---- mremap and mprotect of a window ---- */

static void *remaps_own(void *arg)
{
    size_t me = (size_t)arg, i = 16 * me;
    uint64_t seed = 51 + me;

    while (!stop) {
        size_t p = t_random(&seed) % N;

        OK(R(i, 1, p));
        EQ(tag(i), p); /* readable all the time */
    }
    return NULL;
}

TEST(SR05, "mprotect of a window under remaps: what it takes away is gone")
{
    window(N, N);
    begin(remaps_own);
    t_arm_faults();
    for (long k = 0, n = t_turns(600); k < n; k++) {
        size_t i = 48 + (size_t)k % 16;

        OK(mprotect(A, N * P, PROT_READ));
        FAULT(t_write(A + i * P + 8, 1), SIGSEGV, SEGV_ACCERR, A + i * P + 8);
        OK(mprotect(A, N * P, PROT_READ | PROT_WRITE));
        EQ(t_write(A + i * P + 8, 1), 0);
    }
    finish();
}

TEST(SR06, "a window moves away from between two that threads remap")
{
    unsigned char *to;

    window(N, N);
    to = mmap(NULL, 16 * P, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(to != MAP_FAILED);
    begin(remaps_own);
    for (long k = 0, n = t_turns(300); k < n; k++) {
        unsigned char *at = A + 48 * P;

        OK(R(50, 1, (size_t)k % N));
        CHECK(mremap(at, 16 * P, 16 * P, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
        EQ(t_tag_at(to + 2 * P), k % (long)N);
        EQ(t_tag_at(to + 3 * P), 51);
        CHECK(mremap(to, 16 * P, 16 * P, MREMAP_MAYMOVE | MREMAP_FIXED, at) == at);
        EQ(tag(50), k % (long)N);
    }
    finish();
}

/* ---- truncate ---- */

static __thread sigjmp_buf back;
static __thread volatile bool armed;

static void on_bus(int sig)
{
    (void)sig;
    if (!armed)
        _exit(9);
    siglongjmp(back, 1);
}

static void *looks_while_cut(void *arg)
{
    volatile uint64_t seed = 61 + (uint64_t)(long)arg;

    while (!stop) {
        uint64_t s = seed;
        size_t i = t_random(&s) % N;

        seed = s;
        armed = true;
        if (sigsetjmp(back, 1) == 0) {
            uint64_t w = *(volatile uint64_t *)(A + i * P);

            if (w != 0 && (w < 1000 || w >= 1000 + N))
                FAIL("page %zu holds %llu", i, (unsigned long long)w);
        }
        armed = false;
    }
    return NULL;
}

TEST(SR07, "truncate under exchange, rotation and vectors: what was cut away is empty")
{
    struct sigaction sa = {.sa_handler = on_bus, .sa_flags = SA_NODEFER};
    int fd = window(N, N);
    uint64_t seed = 7;

    sigaction(SIGBUS, &sa, NULL);
    begin(looks_while_cut);
    for (long k = 0, n = t_turns(800); k < n; k++) {
        size_t p = t_random(&seed) % (N / 2);
        struct remap_vec v = {(uintptr_t)A, N / 2 + p, 1, 0};

        OK(remap_swap(A + p * P, A + N / 2 * P, P));
        OK(remap_rotate(A, N * P, 3));
        EQ(remapv(&v, 1, 0), 1);
        OK(ftruncate(fd, (off_t)((N / 2 + p) * P)));
        OK(ftruncate(fd, (off_t)(N * P)));
        EQ(*(volatile uint64_t *)A, 0);
        *(volatile uint64_t *)A = 1000 + N / 2 + p;
    }
    finish();
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
