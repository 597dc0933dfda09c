/* SPDX-License-Identifier: MIT
 *
 * remap_file_pages with munmap, mmap MAP_FIXED, mprotect and the merging of areas: spec 3.5,
 * T110 to T119, T127, T129, T130.
 */
#include "tests/user/t.h"

static void tags_from(size_t first, size_t n, const long *want)
{
    for (size_t i = 0; i < n; i++)
        EQ(tag(first + i), want[i]);
}

TESTF(T110, "unmap middle")
{
    M(F(8), 8);
    t_reverse(8, 0);
    REVERSED(8);
    OK(munmap(A + 3 * P, 2 * P));
    tags_from(0, 3, (const long[]){7, 6, 5});
    tags_from(5, 3, (const long[]){2, 1, 0});
    HOLE_AT(3);
    HOLE_AT(4);
}

TESTF(T110_nonblock, "unmap middle, overrides not present")
{
    M(F(8), 8);
    t_reverse(8, MAP_NONBLOCK);
    OK(munmap(A + 3 * P, 2 * P));
    tags_from(0, 3, (const long[]){7, 6, 5});
    tags_from(5, 3, (const long[]){2, 1, 0});
}

TESTF(T111, "unmap head")
{
    M(F(8), 8);
    t_reverse(8, 0);
    OK(munmap(A, 2 * P));
    tags_from(2, 6, (const long[]){5, 4, 3, 2, 1, 0});
    HOLE_AT(1);
}

TESTF(T111_tail, "unmap tail")
{
    M(F(8), 8);
    t_reverse(8, 0);
    OK(munmap(A + 6 * P, 2 * P));
    tags_from(0, 6, (const long[]){7, 6, 5, 4, 3, 2});
    HOLE_AT(6);
}

TESTF(T112, "refill hole")
{
    int fd = F(8);
    M(fd, 8);
    t_reverse(8, 0);
    OK(munmap(A + 3 * P, 2 * P));
    t_map(A + 3 * P, 2, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
    TAGS(7, 6, 5, 0, 1, 2, 1, 0);
}

TESTF(T113, "remap after split")
{
    M(F(8), 8);
    t_reverse(8, 0);
    OK(munmap(A + 3 * P, 2 * P));
    OK(R(5, 2, 0));
    tags_from(5, 3, (const long[]){0, 1, 0});
    ERR(R(2, 2, 0), EINVAL);
}

TESTF(T114, "FIXED over part")
{
    M(F(8), 8);
    t_reverse(8, 0);
    t_map(A + 2 * P, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
          -1, 0);
    EQ(*(uint64_t *)(A + 2 * P), 0);
    tags_from(0, 2, (const long[]){7, 6});
    tags_from(3, 5, (const long[]){4, 3, 2, 1, 0});
    ERR(R(1, 3, 0), EINVAL);
    tags_from(0, 2, (const long[]){7, 6});
    EQ(tag(3), 4);
}

TESTF(T115, "protect part")
{
    M(F(8), 8);
    t_reverse(8, 0);
    REVERSED(8);
    OK(mprotect(A + 2 * P, P, PROT_READ));
    FAULT(t_write(A + 2 * P, 1), SIGSEGV, SEGV_ACCERR, A + 2 * P);
    REVERSED(8);
    put(1, 60);
    put(3, 40);
    TAGS(7, 60, 5, 40, 3, 2, 1, 0);
}

TESTF(T116, "protect not-present")
{
    M(F(8), 8);
    t_reverse(8, MAP_NONBLOCK);
    OK(mprotect(A, 8 * P, PROT_READ));
    FAULT(t_write(A, 1), SIGSEGV, SEGV_ACCERR, A);
    REVERSED(8);
    FAULT(t_write(A, 1), SIGSEGV, SEGV_ACCERR, A);
}

TESTF(T117, "PROT_NONE and back")
{
    M(F(8), 8);
    t_reverse(8, 0);
    REVERSED(8);
    OK(mprotect(A, 8 * P, PROT_NONE));
    FAULT(t_read(A + 3 * P), SIGSEGV, SEGV_ACCERR, A + 3 * P);
    OK(mprotect(A, 8 * P, PROT_READ | PROT_WRITE));
    REVERSED(8);
    put(0, 70);
    EQ(tag(0), 70);
}

TESTF_DIFF(T118, "R9", "protect each page, then all back")
{
    M(F(64), 64);
    t_reverse(64, 0);
    EQ(t_lines(A, 64), 1);
    for (size_t i = 0; i < 64; i += 2)
        OK(mprotect(A + i * P, P, PROT_READ));
    EQ(t_lines(A, 64), 64);
    REVERSED(64);
    OK(mprotect(A, 64 * P, PROT_READ | PROT_WRITE));
    EQ(t_lines(A, 64), 1);
    REVERSED(64);
    OK(R(0, 64, 0));
    LINEAR(64);
    put(0, 5);
}

TESTF(T118_linear, "protect each page, then all back, never remapped")
{
    M(F(64), 64);
    for (size_t i = 0; i < 64; i += 2)
        OK(mprotect(A + i * P, P, PROT_READ));
    EQ(t_lines(A, 64), 64);
    OK(mprotect(A, 64 * P, PROT_READ | PROT_WRITE));
    EQ(t_lines(A, 64), 1);
    OK(R(8, 48, 9));
    EQ(tag(8), 9);
    EQ(tag(55), 56);
}

TESTF(T119, "remap does not undo mprotect")
{
    M(F(8), 8);
    OK(mprotect(A + 2 * P, P, PROT_READ));
    OK(R(2, 1, 5));
    FAULT(t_write(A + 2 * P, 1), SIGSEGV, SEGV_ACCERR, A + 2 * P);
    EQ(tag(2), 5);
}

TESTF_DIFF(T127, "R10", "merge two halves")
{
    M(F(8), 8);
    t_reverse(8, 0);
    OK(mprotect(A + 4 * P, 4 * P, PROT_READ));
    EQ(t_lines(A, 8), 2);
    REVERSED(8);
    OK(mprotect(A + 4 * P, 4 * P, PROT_READ | PROT_WRITE));
    EQ(t_lines(A, 8), 1);
    REVERSED(8);
    OK(R(2, 4, 2));
    TAGS(7, 6, 2, 3, 4, 5, 1, 0);
}

TEST_DIFF(T129, "R10", "100,000 random remaps, one line of maps")
{
    enum { N = 4096 };
    static uint16_t want[N];
    M(F(N), N);
    uint64_t seed = 129;
    for (size_t i = 0; i < N; i++)
        want[i] = (uint16_t)i;
    for (int k = 0; k < 100000; k++) {
        uint64_t x = t_random(&seed);
        size_t i = x % N, page = x / N % N;
        if (RF(i, 1, page, k & 1 ? MAP_NONBLOCK : 0))
            FAIL("remap %d: %s", k, strerror(errno));
        want[i] = (uint16_t)page;
    }
    EQ(t_lines(A, N), 1);
    for (size_t i = 0; i < N; i++)
        EQ(tag(i), want[i]);
    EQ(t_lines(A, N), 1);
}

TESTF(T130, "munmap of the only override")
{
    M(F(8), 8);
    OK(R(7, 1, 0));
    OK(munmap(A + 7 * P, P));
    int count;
    t_smaps(A, 7, "Nonlinear", &count);
    EQ(count, 0);
    CHECK(!t_vmflag(A, "nl"));
    LINEAR(7);
}

TESTF(R38, "each part keeps its own pages through split, protect, sync, drop")
{
    M(F(16), 16);
    t_reverse(16, 0);
    OK(mprotect(A + 2 * P, 3 * P, PROT_READ));
    OK(munmap(A + 7 * P, P));
    OK(madvise(A, 7 * P, MADV_DONTNEED));
    OK(msync(A, 7 * P, MS_SYNC));
    OK(mprotect(A + 2 * P, 3 * P, PROT_READ | PROT_WRITE));
    for (size_t i = 0; i < 16; i++)
        if (i != 7)
            EQ(tag(i), 15 - i);
    CHILD(for (size_t i = 8; i < 16; i++) EQ(tag(i), 15 - i));
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
