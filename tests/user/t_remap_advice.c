/* SPDX-License-Identifier: MIT
 *
 * remap_file_pages with madvise, msync, mincore and populate: spec 3.6, T140 to T153 (without
 * MADV_REMOVE) and T160 to T162.
 */
#include "tests/user/t.h"

TESTF(T140, "DONTNEED keeps the arrangement")
{
    M(F(8), 8);
    t_reverse(8, 0);
    put(0, 70);
    OK(madvise(A, 8 * P, MADV_DONTNEED));
    TAGS(70, 6, 5, 4, 3, 2, 1, 0);
}

TESTF(T141, "DONTNEED, not present")
{
    M(F(8), 8);
    t_reverse(8, MAP_NONBLOCK);
    OK(madvise(A, 8 * P, MADV_DONTNEED));
    REVERSED(8);
}

static void lock_or_skip(const void *p, size_t npages)
{
    if (mlock(p, npages * P) == 0)
        return;
    if (errno == ENOSYS)
        SKIP("no mlock");
    FAIL("mlock: %s", strerror(errno));
}

TESTF(T142, "DONTNEED on locked pages")
{
    M(F(8), 8);
    t_reverse(8, 0);
    lock_or_skip(A, 8);
    ERR(madvise(A, 8 * P, MADV_DONTNEED), EINVAL);
    REVERSED(8);
    OK(munlock(A, 8 * P));
    OK(madvise(A, 8 * P, MADV_DONTNEED));
    REVERSED(8);
}

TESTF(T145, "WILLNEED and the other harmless advice")
{
    M(F(8), 8);
    t_reverse(8, MAP_NONBLOCK);
    OK(madvise(A, 8 * P, MADV_WILLNEED));
    OK(madvise(A, 8 * P, MADV_RANDOM));
    OK(madvise(A, 8 * P, MADV_SEQUENTIAL));
    OK(madvise(A, 8 * P, MADV_NORMAL));
    REVERSED(8);
}

TESTF(T146, "FREE on shared")
{
    M(F(8), 8);
    ERR(madvise(A, 8 * P, MADV_FREE), EINVAL);
    LINEAR(8);
}

TESTF(T147, "unknown advice")
{
    M(F(8), 8);
    ERR(madvise(A, 8 * P, 77), EINVAL);
    ERR(madvise(A, 8 * P, -1), EINVAL);
    ERR(madvise(A + 1, P, MADV_NORMAL), EINVAL);
    OK(madvise(A, 0, MADV_NORMAL));
}

TESTF(T148, "msync SYNC")
{
    int fd = F(8);
    M(fd, 8);
    OK(R(0, 1, 5));
    put(0, 55);
    OK(msync(A, 8 * P, MS_SYNC));
    OK(msync(A, 8 * P, MS_ASYNC));
    OK(msync(A, 8 * P, MS_INVALIDATE));
    EQ(t_tag_in_file(fd, 5), 55);
}

TESTF(T149, "msync over a hole")
{
    M(F(8), 8);
    OK(munmap(A + 3 * P, P));
    ERR(msync(A, 8 * P, MS_SYNC), ENOMEM);
    OK(msync(A, 3 * P, MS_SYNC));
}

TESTF(T150, "msync flags")
{
    M(F(8), 8);
    ERR(msync(A, P, MS_SYNC | MS_ASYNC), EINVAL);
    ERR(msync(A, P, 0x100), EINVAL);
    ERR(msync(A + 1, P, MS_SYNC), EINVAL);
    OK(msync(A, 0, MS_SYNC));
    lock_or_skip(A, 8);
    ERR(msync(A, P, MS_SYNC | MS_INVALIDATE), EBUSY);
}

static int resident(size_t i)
{
    unsigned char vec[1] = {0xff};
    OK(mincore(A + i * P, P, vec));
    return vec[0] & 1;
}

TESTF(T151, "mincore present")
{
    M(F(8), 8);
    t_reverse(8, 0);
    REVERSED(8);
    for (size_t i = 0; i < 8; i++)
        EQ(resident(i), 1);
}

TESTF(T152, "mincore, override not in memory")
{
    int fd = t_file();
    OK(ftruncate(fd, 8 * P));
    t_tag_pages(fd, 0, 1);
    M(fd, 8);
    EQ(tag(0), 0);
    OK(RF(0, 1, 5, MAP_NONBLOCK));
    OK(RF(3, 1, 0, MAP_NONBLOCK));
    EQ(resident(0), 0);
    EQ(resident(3), 1);
    EQ(*(volatile uint64_t *)A, 0);
    EQ(resident(0), 1);
}

TESTF(T153, "mincore past EOF")
{
    M(F(4), 4);
    OK(R(0, 1, 10));
    EQ(resident(0), 0);
    EQ(resident(1), 1);
}

TESTF(T160, "populate by default: no fault on touch")
{
    enum { N = 64 };
    M(F(N), N);
    OK(R(0, N / 2, N / 2));
    for (size_t i = N / 2; i < N; i++)
        OK(R(i, 1, N - 1 - i));
    long before = t_minflt();
    for (size_t i = 0; i < N; i++)
        (void)*(volatile unsigned char *)(A + i * P);
    EQ(t_minflt() - before, 0);
    for (size_t i = 0; i < N / 2; i++)
        EQ(tag(i), i + N / 2);
}

/* Reversed: on Linux each page is then an area of its own and no fault maps a neighbour. */
TESTF(T161, "NONBLOCK: one fault per touched page")
{
    enum { N = 64 };
    M(F(N), N);
    t_reverse(N, MAP_NONBLOCK);
    (void)t_minflt();
    long before = t_minflt();
    for (size_t i = 0; i < N; i++)
        (void)*(volatile unsigned char *)(A + i * P);
    EQ(t_minflt() - before, N);
    before = t_minflt();
    for (size_t i = 0; i < N; i++)
        (void)*(volatile unsigned char *)(A + i * P);
    EQ(t_minflt() - before, 0);
}

TESTF(T162, "NONBLOCK allocates no file page")
{
    int fd = t_file();
    struct stat st;
    OK(ftruncate(fd, 64 * P));
    M(fd, 64);
    OK(RF(0, 32, 32, MAP_NONBLOCK));
    OK(fstat(fd, &st));
    EQ(st.st_blocks, 0);
    (void)*(volatile unsigned char *)A;
    OK(fstat(fd, &st));
    EQ(st.st_blocks, 8);
    EQ(resident(32), 1);
}

TESTF(T162_populate, "populate past EOF neither fails nor allocates")
{
    int fd = F(4);
    struct stat st;
    M(fd, 4);
    OK(R(0, 4, 100));
    OK(fstat(fd, &st));
    EQ(st.st_blocks, 32);
    EQ(st.st_size, 4 * P);
    BUS_AT(3);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
