/* SPDX-License-Identifier: MIT
 *
 * remap_file_pages, the basics: spec 3.1, T001 to T028.
 */
#include "tests/user/t.h"

TESTF(T001, "one page")
{
    M(F(8), 8);
    EQ(R(0, 1, 5), 0);
    TAGS(5, 1, 2, 3, 4, 5, 6, 7);
}

TESTF(T002, "range")
{
    M(F(8), 8);
    OK(R(2, 3, 4));
    TAGS(0, 1, 4, 5, 6, 5, 6, 7);
}

TESTF(T003, "reverse all")
{
    M(F(8), 8);
    for (size_t i = 0; i < 8; i++)
        EQ(R(i, 1, 7 - i), 0);
    REVERSED(8);
}

TESTF(T004, "rotate whole")
{
    M(F(8), 8);
    OK(R(0, 7, 1));
    OK(R(7, 1, 0));
    TAGS(1, 2, 3, 4, 5, 6, 7, 0);
}

TESTF(T005, "alias")
{
    M(F(8), 8);
    OK(R(0, 1, 3));
    OK(R(1, 1, 3));
    put(0, 77);
    EQ(tag(1), 77);
    EQ(tag(3), 77);
    put(3, 78);
    EQ(tag(0), 78);
}

TESTF(T006, "all to one")
{
    M(F(64), 64);
    for (size_t i = 0; i < 64; i++)
        OK(R(i, 1, 0));
    for (size_t i = 0; i < 64; i++)
        EQ(tag(i), 0);
    put(17, 5);
    for (size_t i = 0; i < 64; i++)
        EQ(tag(i), 5);
}

TESTF(T007, "swap two")
{
    M(F(8), 8);
    OK(R(1, 1, 6));
    OK(R(6, 1, 1));
    TAGS(0, 6, 2, 3, 4, 5, 1, 7);
}

TESTF(T008, "back to linear")
{
    int fd = F(8);
    M(fd, 8);
    t_reverse(8, 0);
    put(0, 70);
    for (size_t i = 0; i < 8; i++)
        OK(R(i, 1, i));
    TAGS(0, 1, 2, 3, 4, 5, 6, 70);
    EQ(t_tag_in_file(fd, 7), 70);
    if (t_tessera) {
        EQ(t_lines(A, 8), 1);
        CHECK(!t_vmflag(A, "nl"));
    }
}

TESTF(T009, "identity first")
{
    M(F(8), 8);
    EQ(R(0, 8, 0), 0);
    LINEAR(8);
    EQ(t_lines(A, 8), 1);
    int count;
    t_smaps(A, 8, "Nonlinear", &count);
    EQ(count, 0);
    CHECK(!t_vmflag(A, "nl"));
}

TESTF(T010, "identity of part on nonlinear")
{
    M(F(8), 8);
    t_reverse(8, 0);
    OK(R(2, 2, 2));
    TAGS(7, 6, 2, 3, 3, 2, 1, 0);
}

TESTF(T011, "idempotent")
{
    M(F(8), 8);
    EQ(R(0, 2, 4), 0);
    EQ(R(0, 2, 4), 0);
    TAGS(4, 5, 2, 3, 4, 5, 6, 7);
}

TESTF(T012, "offset mapping: pgoff counts in the file")
{
    A = t_map(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, F(8), 4);
    TAGS(4, 5, 6, 7);
    OK(R(0, 1, 0));
    TAGS(0, 5, 6, 7);
}

TESTF(T013, "outside the mapped window")
{
    M(F(64), 4);
    OK(R(0, 4, 60));
    TAGS(60, 61, 62, 63);
}

TESTF(T014, "overlap")
{
    M(F(8), 8);
    OK(R(0, 3, 1));
    TAGS(1, 2, 3, 3, 4, 5, 6, 7);
}

/* Sparse, tagged at samples: the point is one call over 128 MiB of addresses. */
TESTF(T015, "huge call")
{
    const size_t n = 65536, half = n / 2, step = 509;
    int fd = t_file();
    OK(ftruncate(fd, (off_t)(n * P)));
    for (size_t k = half; k < n; k += step)
        t_tag_pages(fd, k, k + 1);
    t_tag_pages(fd, n - 1, n);
    M(fd, n);
    EQ(RF(0, half, half, MAP_NONBLOCK), 0);
    for (size_t k = half; k < n; k += step) {
        EQ(tag(k - half), k);
        EQ(tag(k), k);
    }
    EQ(tag(half - 1), n - 1);
    put(1, 12345);
    EQ(t_tag_in_file(fd, half + 1), 12345);
}

TESTF(T016, "data before remap")
{
    int fd = F(8);
    M(fd, 8);
    put(0, 99);
    OK(R(0, 1, 5));
    EQ(t_tag_in_file(fd, 0), 99);
    EQ(tag(0), 5);
}

TESTF(T017, "write after remap")
{
    int fd = F(8);
    M(fd, 8);
    OK(R(0, 1, 5));
    put(0, 99);
    EQ(t_tag_in_file(fd, 5), 99);
    EQ(t_tag_in_file(fd, 0), 0);
    EQ(tag(5), 99);
}

TESTF(T018, "pwrite seen")
{
    int fd = F(8);
    M(fd, 8);
    OK(R(0, 1, 5));
    uint64_t t = 1099;
    EQ(pwrite(fd, &t, 8, 5 * P), 8);
    EQ(tag(0), 99);
    EQ(tag(5), 99);
}

static void anonymous(size_t n)
{
    A = t_map(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < n; i++)
        put(i, i);
}

TEST(T019, "anonymous shared")
{
    anonymous(4);
    OK(R(0, 1, 3));
    EQ(tag(0), 3);
    put(0, 33);
    EQ(tag(3), 33);
    put(3, 34);
    EQ(tag(0), 34);
}

TEST(T020, "anonymous, head unmapped")
{
    anonymous(4);
    OK(munmap(A, 2 * P));
    A += 2 * P;
    OK(R(0, 1, 0));
    TAGS(0, 3);
}

TEST(T021, "/dev/zero shared")
{
    int fd = open("/dev/zero", O_RDWR);
    OK(fd);
    M(fd, 2);
    put(0, 10);
    put(1, 11);
    OK(R(1, 1, 0));
    EQ(tag(1), 10);
    put(1, 12);
    EQ(tag(0), 12);
}

TEST(T022, "memfd")
{
    int fd = memfd_create("reverse", MFD_CLOEXEC);
    OK(fd);
    OK(ftruncate(fd, 8 * P));
    t_tag_pages(fd, 0, 8);
    M(fd, 8);
    t_reverse(8, 0);
    REVERSED(8);
}

TESTF(T023, "fd closed")
{
    int fd = F(8);
    M(fd, 8);
    OK(close(fd));
    t_reverse(8, 0);
    REVERSED(8);
}

TEST(T024, "unlinked")
{
    int fd = open("gone", O_RDWR | O_CREAT | O_EXCL, 0600);
    OK(fd);
    OK(ftruncate(fd, 8 * P));
    t_tag_pages(fd, 0, 8);
    M(fd, 4);
    OK(unlink("gone"));
    OK(close(fd));
    OK(R(0, 4, 4));
    TAGS(4, 5, 6, 7);
}

TESTF(T025, "two maps of one file")
{
    int fd = F(8);
    unsigned char *b = M(fd, 8);
    M(fd, 8);
    t_reverse(8, 0);
    REVERSED(8);
    put(0, 70);
    A = b;
    TAGS(0, 1, 2, 3, 4, 5, 6, 70);
}

TESTF(T026, "cross-page access")
{
    int fd = F(8);
    uint32_t five = 0x55555555, two = 0x22222222;
    EQ(pwrite(fd, &five, 4, 6 * P - 4), 4);
    EQ(pwrite(fd, &two, 4, 2 * P), 4);
    M(fd, 8);
    OK(R(0, 1, 5));
    OK(R(1, 1, 2));
    uint64_t across;
    __asm__ volatile("movq (%1), %0" : "=r"(across) : "r"(A + P - 4) : "memory");
    EQ(across, 0x2222222255555555);
}

/* mov eax, n; ret */
static void put_code(int fd, size_t page, uint8_t n)
{
    uint8_t code[] = {0xb8, n, 0, 0, 0, 0xc3};
    EQ(pwrite(fd, code, sizeof(code), (off_t)(page * P)), sizeof(code));
}

TESTF(T027, "exec permission")
{
    int fd = F(4);
    put_code(fd, 0, 40);
    put_code(fd, 3, 43);
    void *p = mmap(NULL, 4 * P, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED && errno == EPERM)
        SKIP("files here may not be executed");
    CHECK(p != MAP_FAILED);
    A = p;
    long r;
    EQ(t_call(A, &r), 0);
    EQ(r, 40);
    OK(R(0, 1, 3));
    EQ(t_call(A, &r), 0);
    EQ(r, 43);
}

TESTF(T028, "first touch is a write")
{
    int fd = F(8);
    M(fd, 8);
    LINEAR(8);
    OK(RF(0, 1, 5, MAP_NONBLOCK));
    put(0, 99);
    EQ(t_tag_in_file(fd, 5), 99);
    EQ(t_tag_in_file(fd, 0), 0);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
