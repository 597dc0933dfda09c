/* SPDX-License-Identifier: MIT
 *
 * remap_file_pages by the requirements of the test plan, where the cases of the spec do not
 * say it all.
 */
#include "tests/user/t.h"
#include <pthread.h>

enum { RW = PROT_READ | PROT_WRITE };

TESTF(R29, "every refused call leaves all pages as they were")
{
    int fd = F(8), other = F(8);
    unsigned char *room = t_map(NULL, 40, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    A = t_map(room + 4 * P, 8, RW, MAP_SHARED | MAP_FIXED, fd, 0);
    t_map(A + 8 * P, 4, RW, MAP_SHARED | MAP_FIXED, other, 0); /* pages 8..11 */
    OK(munmap(A + 13 * P, P));
    for (unsigned long prot = 1; prot; prot <<= 1)
        ERR(t_raw_remap(A, P, prot, 5, 0), EINVAL);
    ERR(t_raw_remap(A, 0, 0, 5, 0), EINVAL);
    ERR(t_raw_remap(A, P - 1, 0, 5, 0), EINVAL);
    ERR(t_raw_remap(A, -(uintptr_t)A, 0, 5, 0), EINVAL);
    ERR(t_raw_remap(A, -(uintptr_t)A - P, 0, 5, 0), EINVAL);
    ERR(t_raw_remap(NULL, P, 0, 5, 0), EINVAL);
    ERR(t_raw_remap((void *)0xffffffff80000000, P, 0, 5, 0), EINVAL);
    ERR(t_raw_remap((void *)0x0000800000000000, P, 0, 5, 0), EINVAL);
    ERR(t_raw_remap((void *)0x00007ffffffff000, P, 0, 5, 0), EINVAL);
    ERR(R(13, 1, 0), EINVAL); /* a hole */
    ERR(R(7, 2, 0), EINVAL);  /* another file */
    ERR(R(10, 4, 0), EINVAL); /* private memory, then a hole */
    ERR(R(-1UL, 2, 5), EINVAL);
    LINEAR(8);
    for (size_t i = 8; i < 12; i++)
        EQ(tag(i), i - 8);
}

TESTF(R30, "start and size are rounded down, flags mean nothing")
{
    M(F(8), 8);
    OK(t_raw_remap(A + 7, P + 1, 0, 5, 0));
    TAGS(5, 1, 2, 3, 4, 5, 6, 7);
    OK(t_raw_remap(A + P + P - 1, 2 * P - 1, 0, 6, ~0));
    TAGS(5, 6, 2, 3, 4, 5, 6, 7);
    OK(RF(2, 1, 7, MAP_NONBLOCK));
    TAGS(5, 6, 7, 3, 4, 5, 6, 7);
}

TESTF_DIFF(R31, "R16", "file offsets that overflow")
{
    static const size_t bad[] = {SIZE_MAX, SIZE_MAX - 1, 1UL << 52, 1UL << 51,
                                 (1UL << 51) - 1};
    M(F(8), 8);
    for (size_t k = 0; k < sizeof(bad) / sizeof(*bad); k++) {
        ERR(R(0, 2, bad[k]), EINVAL);
        ERR(RF(0, 2, bad[k], MAP_NONBLOCK), EINVAL);
    }
    ERR(R(0, 8, SIZE_MAX - 6), EINVAL);
    LINEAR(8);
}

TESTF(R32, "beyond the end: a fault now, a page after the file has grown")
{
    int fd = F(4);
    M(fd, 4);
    OK(R(0, 2, 6));
    BUS_AT(0);
    BUS_AT(1);
    EQ(pwrite(fd, "x", 1, 7 * P), 1); /* grows to 7 pages and a byte */
    EQ(tag(0), -1000);
    EQ(A[P], 'x');
    OK(ftruncate(fd, 7 * P));
    BUS_AT(1);
}

TESTF_DIFF(R33, "R1", "a descriptor for reading only")
{
    int fd = F(8), ro = t_reopen(fd, O_RDONLY);
    A = t_map(NULL, 8, PROT_READ, MAP_SHARED, ro, 0);
    t_reverse(8, 0);
    REVERSED(8);
    FAULT(t_write(A, 1), SIGSEGV, SEGV_ACCERR, A);
    ERR(mprotect(A, P, RW), EACCES);
    REVERSED(8);
}

TEST(R34, "shared anonymous memory: inside, and beyond its size")
{
    A = t_map(NULL, 8, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < 8; i++)
        put(i, i);
    OK(R(0, 4, 4));
    TAGS(4, 5, 6, 7, 4, 5, 6, 7);
    OK(R(2, 4, 6));
    TAGS(4, 5, 6, 7);
    BUS_AT(4);
    BUS_AT(5);
    CHILD(TAGS(4, 5, 6, 7); BUS_AT(4));
}

/* ---- file and areas go away while a remap is on its way ---- */
static unsigned char *base;
static volatile bool stop;

static void *remaps_seam(void *arg)
{
    uint64_t seed = 42;
    (void)arg;
    while (!stop) { /* any part may be missing at this moment */
        uint64_t x = t_random(&seed);
        size_t n = 1 + x / 16 % 8;
        if (t_raw_remap(base + x % 8 * P, n * P, 0, x / 256 % 16, 0) && errno != EINVAL)
            FAIL("remap: %s", strerror(errno));
    }
    return NULL;
}

TESTF(R42, "areas merge, split and lose their file under a remap")
{
    pthread_t t;
    base = t_map(NULL, 16, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EQ(pthread_create(&t, NULL, remaps_seam, NULL), 0);
    for (int k = 0; k < 1000; k++) {
        int fd = t_file();
        OK(ftruncate(fd, 16 * P));
        t_map(base, 8, RW, MAP_SHARED | MAP_FIXED, fd, 0);
        t_map(base + 8 * P, 8, RW, MAP_SHARED | MAP_FIXED, fd, 8); /* one area now */
        OK(close(fd));
        OK(mprotect(base + 4 * P, P, PROT_READ));
        OK(mprotect(base + 4 * P, P, RW));
        OK(munmap(base + 2 * P, P));
        if (k % 2) /* the last reference of the file, perhaps in the middle of a call */
            t_map(base, 16, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        else
            OK(munmap(base, 16 * P));
        t_clean(".", NULL);
        if (k % 100 == 0)
            t_nap(2000);
    }
    stop = true;
    EQ(pthread_join(t, NULL), 0);
}

/* ---- R-44 ---- */
TEST_DIFF(R44, "R10", "a million remaps of one area: no area, no growth, all back")
{
    enum { N = 4096, ROUNDS = 250 };
    int fd = t_file();
    OK(ftruncate(fd, N * P));
    M(fd, N);
    for (size_t i = 0; i < N; i++)
        put(i, i);
    t_reverse(N, 0);
    long before = t_meminfo("FreePages"), size = t_status("VmSize");
    for (int k = 0; k < ROUNDS; k++)
        for (size_t i = 0; i < N; i++)
            if (R(i, 1, k & 1 ? N - 1 - i : (i + (size_t)k) % N))
                FAIL("remap: %s", strerror(errno));
    REVERSED(N);
    EQ(t_lines(A, N), 1);
    EQ(t_status("VmSize"), size);
    CHECK(before - t_meminfo("FreePages") <= 8); /* at most 8 bytes a page */
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
