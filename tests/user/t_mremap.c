/* SPDX-License-Identifier: MIT
 *
 * mremap of plain and rearranged mappings: spec 3.5, T120 to T126, T128, T131; R-26. Whole
 * page tables move when the distance is a multiple of 2 MiB, single entries otherwise.
 */
#include "tests/user/t.h"

#define TABLE (512 * P)
#define RW    (PROT_READ | PROT_WRITE)
#define ANON  (MAP_PRIVATE | MAP_ANONYMOUS)

/* A free range of n pages whose start is a multiple of 2 MiB plus `skew`. */
static unsigned char *room(size_t n, size_t skew)
{
    unsigned char *p = t_map(NULL, n + 1024, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
    unsigned char *at =
        (unsigned char *)(((uintptr_t)p + TABLE - 1) & ~(TABLE - 1)) + skew;

    OK(munmap(p, (n + 1024) * P));
    return at;
}

static void *move_to(void *from, size_t n, void *to)
{
    return mremap(from, n * P, n * P, MREMAP_MAYMOVE | MREMAP_FIXED, to);
}

TESTF_DIFF(T120, "R10", "grow in place")
{
    int fd = F(16);
    unsigned char *at = room(16, 0);

    A = t_map(at, 8, RW, MAP_SHARED | MAP_FIXED, fd, 0);
    t_reverse(8, 0);
    EQ((uintptr_t)mremap(A, 8 * P, 16 * P, 0), (uintptr_t)A);
    TAGS(7, 6, 5, 4, 3, 2, 1, 0, 8, 9, 10, 11, 12, 13, 14, 15);
    EQ(t_lines(A, 16), 1);
}

TESTF_DIFF(T121, "R10", "grow by move")
{
    int fd = F(16);
    unsigned char *at = room(16, 0), *to;

    A = t_map(at, 8, RW, MAP_SHARED | MAP_FIXED, fd, 0);
    t_map(at + 8 * P, 1, RW, ANON | MAP_FIXED, -1, 0);
    t_reverse(8, 0);
    ERR((long)mremap(A, 8 * P, 16 * P, 0), ENOMEM);
    to = mremap(A, 8 * P, 16 * P, MREMAP_MAYMOVE);
    CHECK(to != MAP_FAILED && to != A);
    HOLE_AT(0);
    A = to;
    TAGS(7, 6, 5, 4, 3, 2, 1, 0, 8, 9, 10, 11, 12, 13, 14, 15);
}

TESTF_DIFF(T122, "R10", "move fixed, touched and untouched")
{
    unsigned char *to = room(8, 3 * P), *old;

    M(F(8), 8);
    t_reverse(8, MAP_NONBLOCK);
    EQ(tag(0), 7);
    EQ(tag(5), 2);
    old = A;
    EQ((uintptr_t)move_to(A, 8, to), (uintptr_t)to);
    A = to;
    REVERSED(8);
    A = old;
    HOLE_AT(0);
    HOLE_AT(7);
}

TESTF_DIFF(T123, "R10", "move a part")
{
    unsigned char *to = room(4, 0), *old;

    M(F(8), 8);
    t_reverse(8, 0);
    EQ((uintptr_t)move_to(A + 2 * P, 4, to), (uintptr_t)to);
    EQ(tag(0), 7);
    EQ(tag(1), 6);
    HOLE_AT(2);
    HOLE_AT(5);
    EQ(tag(6), 1);
    old = A;
    A = to;
    TAGS(5, 4, 3, 2);
    A = old;
    EQ(tag(7), 0);
}

TESTF(T124, "shrink")
{
    M(F(8), 8);
    t_reverse(8, 0);
    EQ((uintptr_t)mremap(A, 8 * P, 3 * P, 0), (uintptr_t)A);
    TAGS(7, 6, 5);
    HOLE_AT(3);
}

TESTF_DIFF(T125, "R10", "move, then truncate")
{
    int fd = F(8);
    unsigned char *to = room(8, P);

    M(fd, 8);
    t_reverse(8, 0);
    REVERSED(8);
    EQ((uintptr_t)move_to(A, 8, to), (uintptr_t)to);
    A = to;
    REVERSED(8);
    OK(ftruncate(fd, 4 * P));
    for (size_t i = 0; i < 4; i++)
        BUS_AT(i);
    EQ(tag(4), 3);
    EQ(tag(7), 0);
}

TESTF_DIFF(T126, "R12", "duplicate keeps the arrangement")
{
    unsigned char *copy, *old;

    M(F(8), 8);
    t_reverse(8, 0);
    copy = mremap(A, 0, 8 * P, MREMAP_MAYMOVE);
    CHECK(copy != MAP_FAILED);
    REVERSED(8);
    old = A;
    A = copy;
    REVERSED(8);
    put(0, 77);
    A = old;
    EQ(tag(0), 77);
    OK(munmap(copy, 8 * P));
    EQ(tag(1), 6);
}

TESTF(T128, "linear beside nonlinear")
{
    int fd = F(8);
    unsigned char *at = room(8, 0);
    int lines;

    A = t_map(at, 4, RW, MAP_SHARED | MAP_FIXED, fd, 0);
    OK(R(1, 1, 6));
    t_map(at + 4 * P, 4, RW, MAP_SHARED | MAP_FIXED, fd, 4);
    TAGS(0, 6, 2, 3, 4, 5, 6, 7);
    lines = t_lines(A, 8);
    if (t_tessera)
        EQ(lines, 1);
    EQ(R(2, 4, 0), t_tessera ? 0 : R(2, 4, 0));
}

TESTF_DIFF(T131, "R10", "moved over a rearranged target")
{
    int fd = F(16);
    unsigned char *target, *source;
    int count;

    target = M(fd, 8);
    t_reverse(8, 0);
    source = M(fd, 8);
    OK(R(0, 4, 8));
    EQ((uintptr_t)move_to(source, 8, target), (uintptr_t)target);
    A = target;
    TAGS(8, 9, 10, 11, 4, 5, 6, 7);
    OK(R(0, 8, 0));
    t_smaps(A, 8, "Nonlinear", &count);
    EQ(count, 0);
}

/* 3 tables and a bit, shuffled: `distance` decides how they move. */
static void big_move(size_t distance)
{
    size_t n = 3 * 512 + 40;
    int fd = F(0);
    unsigned char *from = room(n, 0), *to = from + 4 * TABLE + distance;

    t_map(from, n + 4 * 512 + 512, PROT_NONE, ANON | MAP_NORESERVE | MAP_FIXED, -1, 0);
    OK(munmap(to, n * P));
    OK(ftruncate(fd, (off_t)(n * P)));
    A = t_map(from, n, RW, MAP_SHARED | MAP_FIXED, fd, 0);
    for (size_t i = 0; i < n; i++)
        put(i, i);
    for (size_t i = 0; i < n; i++)
        OK(RF(i, 1, n - 1 - i, i % 3 ? 0 : MAP_NONBLOCK));
    EQ((uintptr_t)move_to(A, n, to), (uintptr_t)to);
    HOLE_AT(0);
    HOLE_AT(n - 1);
    A = to;
    for (size_t i = 0; i < n; i++)
        EQ(tag(i), n - 1 - i);
    OK(ftruncate(fd, 600 * P)); /* finds every alias at its new place */
    for (size_t i = 0; i < n; i += 37) {
        if (n - 1 - i >= 600)
            BUS_AT(i);
        else
            EQ(tag(i), n - 1 - i);
    }
    OK(R(0, n, 0));
    EQ(tag(599), 599);
    BUS_AT(600);
}

TESTF_DIFF(T122_tables, "R10", "whole tables move with their arrangement")
{
    big_move(0);
}

TESTF_DIFF(T122_skewed, "R10", "tables that cannot move whole")
{
    big_move(5 * P);
}

TEST(private_tables, "private memory moves, whole tables and single pages")
{
    size_t n = 2 * 512 + 100;

    for (size_t skew = 0; skew < 2; skew++) {
        unsigned char *from = room(2 * n + 1024, 0),
                      *to = from + 3 * TABLE + skew * 7 * P;
        unsigned char *p = t_map(from, n, RW, ANON | MAP_FIXED, -1, 0);

        for (size_t i = 0; i < n; i += 3)
            p[i * P] = (unsigned char)(i + 1);
        CHILD(EQ((uintptr_t)move_to(p, n, to), (uintptr_t)to);
              for (size_t i = 0; i < n; i++)
                  EQ(to[i * P], i % 3 ? 0 : (unsigned char)(i + 1));
              to[0] = 99);
        EQ((uintptr_t)move_to(p, n, to), (uintptr_t)to);
        for (size_t i = 0; i < n; i++)
            EQ(to[i * P], i % 3 ? 0 : (unsigned char)(i + 1));
        OK(munmap(to, n * P));
    }
}

TEST(dontunmap, "MREMAP_DONTUNMAP leaves an empty area behind")
{
    unsigned char *p = t_map(NULL, 4, RW, ANON, -1, 0), *q;

    memset(p, 7, 4 * P);
    q = mremap(p, 4 * P, 4 * P, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
    CHECK(q != MAP_FAILED && q != p);
    EQ(q[3 * P], 7);
    EQ(p[3 * P], 0);
    ERR((long)mremap(p, 4 * P, 2 * P, MREMAP_MAYMOVE | MREMAP_DONTUNMAP), EINVAL);
}

TEST(R26, "mremap arguments")
{
    unsigned char *p = t_map(NULL, 8, RW, ANON, -1, 0);
    unsigned char *s = t_map(NULL, 8, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    unsigned char *to = room(16, 0);

    ERR((long)mremap(p, 0, 4 * P, MREMAP_MAYMOVE), EINVAL);
    CHECK(mremap(s, 0, 4 * P, MREMAP_MAYMOVE) != MAP_FAILED);
    ERR((long)mremap(p, 4 * P, 0, MREMAP_MAYMOVE), EINVAL);
    /* by number: musl's wrapper refuses this one itself */
    ERR(syscall(SYS_mremap, p, 4 * P, ~0ul, MREMAP_MAYMOVE), EINVAL);
    ERR((long)mremap(p, 4 * P, 4 * P, MREMAP_FIXED, to), EINVAL);
    ERR((long)mremap(p, 4 * P, 4 * P, MREMAP_MAYMOVE | MREMAP_FIXED, p + 2 * P), EINVAL);
    ERR((long)mremap(p, 4 * P, 4 * P, MREMAP_MAYMOVE | MREMAP_FIXED, to + 1), EINVAL);
    ERR((long)mremap(p + 1, 4 * P, 4 * P, MREMAP_MAYMOVE), EINVAL);
    ERR((long)mremap(to, 4 * P, 4 * P, MREMAP_MAYMOVE), EFAULT);
    ERR((long)mremap(p, 4 * P, 4 * P, 64), EINVAL);
    OK(mprotect(p + 4 * P, P, PROT_READ));
    ERR((long)mremap(p, 8 * P, 9 * P, MREMAP_MAYMOVE), EFAULT);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
