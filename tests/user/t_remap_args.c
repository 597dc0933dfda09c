/* SPDX-License-Identifier: MIT
 *
 * remap_file_pages, arguments: spec 3.2, T030 to T067 (and of the
 * test plan). Every refused call must change nothing.
 */
#include "tests/user/t.h"
#include <sys/ipc.h>
#include <sys/personality.h>
#include <sys/shm.h>

#define RAW(a, size, prot, pgoff, fl) \
    t_raw_remap((void *)(uintptr_t)(a), size, prot, pgoff, fl)

TESTF(T030, "prot bits")
{
    M(F(8), 8);
    const unsigned long prots[] = {1, 2, 4, 7, -1UL, 1UL << 32, 1UL << 63, 0x01000000};
    for (size_t i = 0; i < sizeof(prots) / sizeof(*prots); i++)
        ERR(RAW(A, P, prots[i], 5, 0), EINVAL);
    LINEAR(8);
}

TEST(T031, "prot before all")
{
    ERR(RAW(0, 0, 1, 0, 0), EINVAL);
}

TESTF(T032, "size 0")
{
    M(F(8), 8);
    ERR(RAW(A, 0, 0, 5, 0), EINVAL);
    LINEAR(8);
}

TESTF(T033, "size 4095")
{
    M(F(8), 8);
    ERR(RAW(A, 4095, 0, 5, 0), EINVAL);
    ERR(RAW(A, 1, 0, 5, 0), EINVAL);
    LINEAR(8);
}

TESTF(T034, "size 8191")
{
    M(F(8), 8);
    OK(RAW(A, 8191, 0, 4, 0));
    TAGS(4, 1, 2, 3, 4, 5, 6, 7);
}

TESTF(T035, "size 4097 on a one-page map")
{
    M(F(8), 1);
    OK(RAW(A, 4097, 0, 5, 0));
    EQ(tag(0), 5);
}

TESTF(T036, "addr + 1")
{
    M(F(8), 8);
    OK(RAW(A + 1, P, 0, 5, 0));
    TAGS(5, 1, 2, 3, 4, 5, 6, 7);
    OK(RAW(A + P + 7, P + 1, 0, 6, ~0));
    TAGS(5, 6, 2, 3, 4, 5, 6, 7);
}

TESTF(T037, "addr + 4095")
{
    M(F(8), 8);
    OK(RAW(A + 4095, P, 0, 5, 0));
    TAGS(5, 1, 2, 3, 4, 5, 6, 7);
}

TESTF(T038, "addr + 1, last page")
{
    M(F(8), 1);
    OK(RAW(A + 1, P, 0, 5, 0));
    EQ(tag(0), 5);
}

TESTF(T039, "wrap")
{
    M(F(8), 8);
    ERR(RAW(A, -(uintptr_t)A, 0, 0, 0), EINVAL);
    ERR(RAW(A, -(uintptr_t)A + P, 0, 0, 0), EINVAL);
    LINEAR(8);
}

TESTF(T040, "size -1")
{
    M(F(8), 8);
    ERR(RAW(A, SIZE_MAX, 0, 0, 0), EINVAL);
    LINEAR(8);
}

TEST(T041, "addr 0, size SIZE_MAX")
{
    ERR(RAW(0, SIZE_MAX, 0, 0, 0), EINVAL);
}

TESTF(T042, "pgoff -1")
{
    M(F(8), 8);
    ERR(RAW(A, P, 0, -1UL, 0), EINVAL);
    LINEAR(8);
}

TESTF_DIFF(T043, "R16", "pgoff -2")
{
    M(F(8), 8);
    ERR(RAW(A, P, 0, -2UL, 0), EINVAL);
    LINEAR(8);
}

TESTF_DIFF(T044, "R16", "pgoff 2^51 and around")
{
    M(F(8), 8);
    ERR(RAW(A, P, 0, 1UL << 51, 0), EINVAL);
    ERR(RAW(A, P, 0, (1UL << 51) - 1, 0), EINVAL);
    ERR(RAW(A, 2 * P, 0, (1UL << 51) - 2, 0), EINVAL);
    ERR(RAW(A, P, 0, 1UL << 52, 0), EINVAL);
    ERR(RAW(A, P, 0, 1UL << 63, 0), EINVAL);
    LINEAR(8);
}

/* Where no file can be that long, the longest that can be is taken: 2^30 pages and 5. */
TESTF(T045, "pgoff 2^34 + 5")
{
    size_t far = (1UL << 34) + 5;
    int fd = F(8);
    if (ftruncate(fd, (off_t)((far + 3) * P))) {
        EQ(errno, EFBIG);
        far = (1UL << 30) + 5;
        OK(ftruncate(fd, (off_t)((far + 3) * P)));
    }
    uint64_t t = 1000 + 4242;
    EQ(pwrite(fd, &t, 8, (off_t)(far * P)), 8);
    M(fd, 8);
    OK(R(0, 1, far));
    TAGS(4242, 1, 2, 3, 4, 5, 6, 7);
    put(0, 4243);
    EQ(t_tag_in_file(fd, far), 4243);
    EQ(tag(5), 5);
}

TESTF(T045_band, "pgoff 2^46 to 2^51: refused or right, never another page")
{
    M(F(8), 8);
    for (int bit = 46; bit < 51; bit++) {
        size_t far = (1UL << bit) + 5;
        if (R(0, 1, far)) {
            EQ(errno, EINVAL);
            EQ(tag(0), 0);
        } else {
            BUS_AT(0);
            OK(R(0, 1, 0));
        }
    }
    LINEAR(8);
}

/* A fresh area of n pages with nothing mapped just below and behind it. */
static unsigned char *island(size_t n)
{
    unsigned char *p = t_map(NULL, n + 2, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    OK(munmap(p, (n + 2) * P));
    return p + P;
}

static unsigned char *map_at(unsigned char *at, size_t n, int fd, size_t pgoff)
{
    return t_map(at, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, pgoff);
}

TESTF(T046, "past VMA end")
{
    A = map_at(island(4), 4, F(8), 0);
    ERR(R(3, 2, 0), EINVAL);
    TAGS(0, 1, 2, 3);
}

TESTF(T047, "below VMA")
{
    A = map_at(island(4), 4, F(8), 0);
    ERR(RAW(A - P, 2 * P, 0, 5, 0), EINVAL);
    TAGS(0, 1, 2, 3);
}

TESTF(T048, "hole")
{
    M(F(8), 8);
    OK(munmap(A + 2 * P, P));
    ERR(R(1, 3, 0), EINVAL);
    EQ(tag(1), 1);
    EQ(tag(3), 3);
    HOLE_AT(2);
}

TEST(T049, "unmapped")
{
    unsigned char *p = island(4);
    ERR(RAW(p, P, 0, 0, 0), EINVAL);
    ERR(RAW(p, P, 0, 0, ~0), EINVAL);
}

TEST(T050, "kernel address")
{
    ERR(RAW(0xffff800000000000, P, 0, 0, 0), EINVAL);
    ERR(RAW(0xffffffff80000000, P, 0, 0, 0), EINVAL);
}

TEST(T051, "non-canonical")
{
    ERR(RAW(0x0000900000000000, P, 0, 0, 0), EINVAL);
    ERR(RAW(0x8000000000000000, P, 0, 0, 0), EINVAL);
}

TEST(T052, "last page of the address space")
{
    ERR(RAW(0xfffffffffffff000, P, 0, 0, 0), EINVAL);
    ERR(RAW(0x00007ffffffff000, P, 0, 0, 0), EINVAL);
}

TESTF(T053, "private file")
{
    A = t_map(NULL, 8, PROT_READ | PROT_WRITE, MAP_PRIVATE, F(8), 0);
    ERR(R(0, 1, 5), EINVAL);
    LINEAR(8);
}

TEST(T054, "private anonymous")
{
    A = t_map(NULL, 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    put(0, 0);
    ERR(R(0, 1, 5), EINVAL);
    EQ(tag(0), 0);
}

TEST(T055, "stack, heap, text")
{
    int here = 7;
    unsigned char *brk0 = (unsigned char *)syscall(SYS_brk, 0);
    unsigned char *brk1 = (unsigned char *)syscall(SYS_brk, brk0 + 4 * P);
    CHECK(brk1 >= brk0 + 4 * P);
    ERR(RAW((uintptr_t)&here & -P, P, 0, 0, 0), EINVAL);
    ERR(RAW(((uintptr_t)brk0 + P) & -P, P, 0, 0, 0), EINVAL);
    ERR(RAW((uintptr_t)&t_main & -P, P, 0, 0, 0), EINVAL);
    EQ(here, 7);
}

TESTF_DIFF(T056, "R1", "read-only descriptor")
{
    int ro = t_reopen(F(8), O_RDONLY);
    A = t_map(NULL, 8, PROT_READ, MAP_SHARED, ro, 0);
    EQ(R(0, 1, 5), 0);
    TAGS(5, 1, 2, 3, 4, 5, 6, 7);
    ERR(mprotect(A, 8 * P, PROT_READ | PROT_WRITE), EACCES);
    FAULT(t_write(A, 1), SIGSEGV, SEGV_ACCERR, A);
    EQ(tag(0), 5);
}

TESTF(T057, "read-write descriptor, PROT_READ")
{
    int fd = F(8);
    A = t_map(NULL, 8, PROT_READ, MAP_SHARED, fd, 0);
    OK(R(0, 1, 5));
    FAULT(t_write(A + 3, 1), SIGSEGV, SEGV_ACCERR, A + 3);
    OK(mprotect(A, 8 * P, PROT_READ | PROT_WRITE));
    put(0, 50);
    EQ(t_tag_in_file(fd, 5), 50);
}

TESTF(T058, "PROT_NONE map")
{
    A = t_map(NULL, 8, PROT_NONE, MAP_SHARED, F(8), 0);
    EQ(R(0, 1, 5), 0);
    FAULT(t_read(A), SIGSEGV, SEGV_ACCERR, A);
    OK(mprotect(A, 8 * P, PROT_READ));
    TAGS(5, 1, 2, 3, 4, 5, 6, 7);
}

TESTF(T059, "all flags are ignored")
{
    M(F(8), 8);
    const int flags[] = {~0,          MAP_FIXED,    MAP_PRIVATE, MAP_ANONYMOUS,
                         1 << 30,     MAP_POPULATE, MAP_LOCKED,  MAP_SHARED,
                         MAP_HUGETLB, MAP_NONBLOCK};
    for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
        OK(RF(0, 1, 1 + i % 7, flags[i]));
        EQ(tag(0), 1 + i % 7);
    }
}

/* No device can be mapped shared here; what is mapped without an object must refuse. */
TEST(T060, "device and special mappings")
{
    struct t_reader r;
    CHECK(t_open(&r, "/proc/self/maps"));
    for (char *l; (l = t_line(&r));) {
        if (!strstr(l, "[v"))
            continue;
        uintptr_t at = strtoul(l, NULL, 16);
        ERR(RAW(at, P, 0, 0, 0), EINVAL);
        ERR(RAW(at, P, 0, 1, MAP_NONBLOCK), EINVAL);
    }
    int fd = open("/dev/mem", O_RDWR);
    if (fd < 0 || !t_tessera)
        return; /* Linux re-calls the driver and may succeed: ruling R15 */
    void *p = mmap(NULL, P, PROT_READ, MAP_SHARED, fd, 0);
    if (p != MAP_FAILED)
        ERR(RAW(p, P, 0, 1, 0), EINVAL);
}

TEST_DIFF(T061, "R6", "SysV shm")
{
    int id = shmget(IPC_PRIVATE, 4 * P, IPC_CREAT | 0600);
    if (id < 0 && errno == ENOSYS)
        SKIP("no SysV shm");
    OK(id);
    void *p = shmat(id, NULL, 0);
    int gone = shmctl(id, IPC_RMID, NULL);
    CHECK(p != (void *)-1);
    OK(gone);
    ERR(RAW(p, P, 0, 1, 0), EINVAL);
}

TESTF(T062, "neighbours, other file")
{
    unsigned char *at = island(8);
    map_at(at, 4, F(8), 0);
    A = map_at(at + 4 * P, 4, F(8), 4) - 4 * P;
    ERR(R(2, 4, 0), EINVAL);
    LINEAR(8);
}

TESTF_DIFF(T063, "R3", "neighbours, same file, gap in offsets")
{
    int fd = F(16);
    unsigned char *at = island(8);
    map_at(at, 4, fd, 0);
    A = map_at(at + 4 * P, 4, fd, 8) - 4 * P;
    ERR(R(2, 4, 0), EINVAL);
    TAGS(0, 1, 2, 3, 8, 9, 10, 11);
}

TESTF(T064, "neighbours, same file, contiguous")
{
    int fd = F(8);
    unsigned char *at = island(8);
    map_at(at, 4, fd, 0);
    A = map_at(at + 4 * P, 4, fd, 4) - 4 * P;
    EQ(t_lines(A, 8), 1);
    EQ(R(2, 4, 0), 0);
    TAGS(0, 1, 0, 1, 2, 3, 6, 7);
    if (t_tessera)
        EQ(t_lines(A, 8), 1);
}

TESTF(T065, "split by mprotect")
{
    M(F(8), 8);
    OK(mprotect(A + 2 * P, P, PROT_READ));
    ERR(R(1, 3, 5), EINVAL);
    LINEAR(8);
}

TESTF(T066, "split restored")
{
    M(F(8), 8);
    OK(mprotect(A + 2 * P, P, PROT_READ));
    ERR(R(1, 3, 5), EINVAL);
    OK(mprotect(A + 2 * P, P, PROT_READ | PROT_WRITE));
    OK(R(1, 3, 5));
    TAGS(0, 5, 6, 7, 4, 5, 6, 7);
}

TESTF(T067, "NONBLOCK, page not resident")
{
    int fd = t_file();
    OK(ftruncate(fd, 8 * P));
    M(fd, 8);
    unsigned char vec[1] = {0};
    OK(RF(0, 1, 5, MAP_NONBLOCK));
    OK(mincore(A, P, vec));
    EQ(vec[0] & 1, 0);
    t_tag_pages(fd, 5, 6);
    EQ(tag(0), 5);
    OK(mincore(A, P, vec));
    EQ(vec[0] & 1, 1);
}

TESTF(R35, "second remap over remapped pages, across a seam")
{
    int fd = F(8);
    unsigned char *at = island(8);
    map_at(at, 4, fd, 0);
    A = map_at(at + 4 * P, 4, fd, 4) - 4 * P;
    t_reverse(8, 0);
    OK(R(0, 8, 0));
    LINEAR(8);
    OK(R(0, 2, 4));
    OK(R(1, 6, 2));
    TAGS(4, 2, 3, 4, 5, 6, 7, 7);
}

/* A remap may not grant execution, whatever the personality asks of new mappings. */
TEST_DIFF(R41, "R-41", "READ_IMPLIES_EXEC grants nothing")
{
    int fd = F(4);
    uint8_t code[] = {0xb8, 7, 0, 0, 0, 0xc3};
    EQ(pwrite(fd, code, sizeof(code), P), sizeof(code));
    M(fd, 4);
    if (personality(READ_IMPLIES_EXEC) < 0)
        SKIP("this personality is refused");
    OK(R(0, 1, 1));
    FAULT(t_call(A, NULL), SIGSEGV, SEGV_ACCERR, A);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
