/* SPDX-License-Identifier: MIT
 *
 * remap_file_pages and the end of the file: spec 3.3, T070 to T084 (T082, a cost, is a
 * benchmark). SIGBUS must name the address touched; a truncated page must be found at every
 * address that shows it.
 */
#include "tests/user/t.h"

TESTF(T070, "past EOF")
{
    M(F(4), 4);
    EQ(R(0, 1, 10), 0);
    BUS_AT(0);
    FAULT(t_read(A + 77), SIGBUS, BUS_ADRERR, A + 77);
    FAULT(t_write(A + 4095, 1), SIGBUS, BUS_ADRERR, A + 4095);
    EQ(tag(1), 1);
}

TEST(T070_anon, "past the end of shared anonymous memory")
{
    A = t_map(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    put(1, 1);
    EQ(R(0, 1, 4), 0);
    BUS_AT(0);
    EQ(tag(1), 1);
}

TESTF(T071, "half past EOF")
{
    M(F(4), 4);
    EQ(R(0, 2, 3), 0);
    EQ(tag(0), 3);
    BUS_AT(1);
    EQ(tag(2), 2);
}

TESTF(T072, "grows later")
{
    int fd = F(4);
    M(fd, 4);
    OK(R(0, 1, 10));
    BUS_AT(0);
    OK(ftruncate(fd, 12 * P));
    EQ(*(volatile uint64_t *)A, 0);
    put(0, 10);
    EQ(t_tag_in_file(fd, 10), 10);
}

TESTF(T073, "shrink hits an override")
{
    int fd = F(8);
    M(fd, 8);
    OK(R(0, 1, 7));
    EQ(tag(0), 7);
    EQ(tag(7), 7);
    OK(ftruncate(fd, 4 * P));
    BUS_AT(0);
    BUS_AT(7);
    EQ(tag(1), 1);
    EQ(tag(3), 3);
}

TESTF(T074, "shrink leaves an override")
{
    int fd = F(8);
    M(fd, 8);
    OK(R(7, 1, 0));
    OK(ftruncate(fd, 4 * P));
    EQ(tag(7), 0);
    BUS_AT(6);
}

TESTF(T075, "no linear page instead of SIGBUS")
{
    int fd = F(8);
    M(fd, 8);
    OK(R(0, 1, 7));
    OK(ftruncate(fd, 4 * P));
    BUS_AT(0);
    BUS_AT(0);
    EQ(t_tag_in_file(fd, 0), 0);
}

TESTF(T076, "shrink and extend")
{
    int fd = F(8);
    M(fd, 8);
    OK(R(0, 1, 7));
    EQ(tag(0), 7);
    OK(ftruncate(fd, 4 * P));
    BUS_AT(0);
    OK(ftruncate(fd, 8 * P));
    EQ(*(volatile uint64_t *)A, 0);
    put(0, 70);
    EQ(t_tag_in_file(fd, 7), 70);
    EQ(tag(7), 70);
    EQ(t_tag_in_file(fd, 0), 0);
}

TESTF(T077, "not-present override")
{
    int fd = F(8);
    M(fd, 8);
    OK(RF(0, 1, 7, MAP_NONBLOCK));
    OK(ftruncate(fd, 4 * P));
    OK(ftruncate(fd, 8 * P));
    EQ(*(volatile uint64_t *)A, 0);
    put(0, 70);
    EQ(t_tag_in_file(fd, 7), 70);
}

TESTF(T078, "partial page")
{
    int fd = F(8);
    M(fd, 8);
    memset(A + 7 * P, 0xee, P);
    OK(R(0, 1, 7));
    EQ(A[50], 0xee);
    OK(ftruncate(fd, 7 * P + 100));
    for (size_t at = 0; at < P; at++) {
        int want = at < 100 ? 0xee : 0;
        EQ(A[at], want);
        EQ(A[7 * P + at], want);
    }
}

static long blocks(int fd)
{
    struct stat st;
    OK(fstat(fd, &st));
    return (long)st.st_blocks;
}

TESTF(T079, "hole punch")
{
    int fd = F(8);
    M(fd, 8);
    OK(R(0, 1, 5));
    EQ(tag(0), 5);
    EQ(tag(5), 5);
    long before = blocks(fd);
    OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 5 * P, P));
    EQ(before - blocks(fd), 8);
    EQ(*(volatile uint64_t *)A, 0);
    EQ(*(volatile uint64_t *)(A + 5 * P), 0);
    const long kept[] = {1, 2, 3, 4, 6, 7};
    for (size_t i = 0; i < 6; i++)
        EQ(tag((size_t)kept[i]), kept[i]);
    EQ(t_tag_in_file(fd, 0), 0);
    put(0, 55);
    EQ(tag(5), 55);
    EQ(t_tag_in_file(fd, 5), 55);
}

TESTF(T079_partial, "hole punch inside a page")
{
    int fd = F(3);
    M(fd, 3);
    memset(A, 0x77, 3 * P);
    OK(R(0, 1, 1));
    OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, P + 16, 100));
    for (size_t at = 0; at < P; at++)
        EQ(A[at], at >= 16 && at < 116 ? 0 : 0x77);
    ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE, P, P), EOPNOTSUPP);
    ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, -1, P), EINVAL);
    ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 0), EINVAL);
}

TESTF(T080, "truncate to 0 with 64 aliases")
{
    int fd = F(64);
    M(fd, 64);
    for (size_t i = 0; i < 64; i++)
        OK(R(i, 1, 0));
    for (size_t i = 0; i < 64; i++)
        EQ(tag(i), 0);
    long free0 = t_meminfo("FreePages");
    OK(ftruncate(fd, 0));
    if (t_tessera && t_meminfo("FreePages") < free0 + 64)
        FAIL("64 pages truncated, %ld came back", t_meminfo("FreePages") - free0);
    for (size_t i = 0; i < 64; i++)
        BUS_AT(i);
    EQ(blocks(fd), 0);
}

TESTF(T081, "truncate by another process")
{
    int fd = F(8);
    M(fd, 8);
    OK(R(0, 1, 7));
    EQ(tag(0), 7);
    CHILD(OK(ftruncate(fd, 4 * P)));
    BUS_AT(0);
    EQ(tag(1), 1);
}

TESTF(T083, "SIGBUS versus SIGSEGV order")
{
    A = t_map(NULL, 4, PROT_NONE, MAP_SHARED, F(4), 0);
    OK(R(0, 1, 10));
    FAULT(t_read(A), SIGSEGV, SEGV_ACCERR, A);
    OK(mprotect(A, P, PROT_READ));
    FAULT(t_write(A, 1), SIGSEGV, SEGV_ACCERR, A);
    BUS_AT(0);
}

TESTF(T084, "read() into a page past EOF")
{
    int from = F(1);
    M(F(4), 4);
    OK(R(1, 1, 10));
    ERR(pread(from, A + P, 100, 0), EFAULT);
    ERR(pwrite(from, A + P, 100, 0), EFAULT);
    EQ(t_tag_in_file(from, 0), 0);
}

TESTF(T072_write, "an override past EOF and write() that grows the file")
{
    int fd = F(2);
    M(fd, 2);
    OK(R(0, 1, 5));
    OK(R(1, 1, 5));
    BUS_AT(0);
    t_tag_pages(fd, 5, 6);
    EQ(tag(0), 5);
    EQ(tag(1), 5);
}

TESTF(R37, "shrink and regrow many times, aliases of every page")
{
    int fd = F(16);
    M(fd, 16);
    t_reverse(16, 0);
    for (int round = 0; round < 8; round++) {
        REVERSED(16);
        OK(ftruncate(fd, (off_t)(round * P)));
        for (size_t i = 0; i < 16; i++) {
            if (15 - i < (size_t)round)
                EQ(tag(i), 15 - i);
            else
                BUS_AT(i);
        }
        OK(ftruncate(fd, 16 * P));
        for (size_t i = 0; i < 16; i++)
            EQ(*(uint64_t *)(A + i * P), 15 - i < (size_t)round ? 1000 + 15 - i : 0);
        t_tag_pages(fd, 0, 16);
    }
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
