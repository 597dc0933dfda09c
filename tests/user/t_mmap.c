/* SPDX-License-Identifier: MIT
 *
 * mmap, munmap, mprotect, madvise, mincore, msync and brk: what they accept, the errno of
 * what they refuse, and that a refused call changes nothing. R-numbers are the requirements
 * of the test plan.
 */
#include "tests/user/t.h"
#include <sys/resource.h>

#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static unsigned char *anon(size_t n)
{
    return t_map(NULL, n, RW, ANON, -1, 0);
}

TEST(R22, "mmap lengths and offsets")
{
    int fd = F(2);
    const int ro = PROT_READ, sh = MAP_SHARED;
    ERR(t_raw_mmap(0, 0, ro, ANON, -1, 0), EINVAL);
    ERR(t_raw_mmap(0, 0, ro, sh, fd, 0), EINVAL);
    ERR(t_raw_mmap(0, 1UL << 47, ro, ANON, -1, 0), ENOMEM);
    ERR(t_raw_mmap(0, ~0UL, ro, ANON, -1, 0), ENOMEM);
    ERR(t_raw_mmap(0, ~0UL - 100, ro, sh, fd, 0), ENOMEM);
    ERR(t_raw_mmap(0, ~0UL - P + 1, ro, ANON, -1, 0), ENOMEM);
    ERR(t_raw_mmap(0, P, ro, sh, fd, 1), EINVAL);
    ERR(t_raw_mmap(0, P, ro, ANON, -1, 100), EINVAL);
    ERR(t_raw_mmap(0, 2 * P, ro, sh, fd, (1UL << 63) - P), EOVERFLOW);
    ERR(t_raw_mmap(0, P, ro, sh, fd, -P), EOVERFLOW);
    ERR(t_raw_mmap(0, P, ro, sh, fd, 1UL << 63), EOVERFLOW);
}

TEST(R23, "mmap at forbidden places")
{
    const unsigned long top = 0x7ffffffff000;
    unsigned char *p = anon(2);
    unsigned long a = (unsigned long)p;
    const int fixed = ANON | MAP_FIXED;
    ERR(t_raw_mmap(a + 1, P, RW, fixed, -1, 0), EINVAL);
    ERR(t_raw_mmap(0xffff800000000000, P, RW, fixed, -1, 0), ENOMEM);
    ERR(t_raw_mmap(0x0000800000000000, P, RW, fixed, -1, 0), ENOMEM);
    ERR(t_raw_mmap(top, P, RW, fixed, -1, 0), ENOMEM);
    ERR(t_raw_mmap(top - P, 2 * P, RW, fixed, -1, 0), ENOMEM);
    ERR(t_raw_mmap(-P, 2 * P, RW, fixed, -1, 0), ENOMEM);
    EQ(t_write(p, 1), 0);
}

TEST(R25, "mmap and the mode of the descriptor")
{
    int fd = F(2);
    int ro = t_reopen(fd, O_RDONLY), wo = t_reopen(fd, O_WRONLY);
    int dir = open(".", O_RDONLY | O_DIRECTORY), ends[2];
    OK(dir);
    OK(pipe(ends));
    ERR(t_raw_mmap(0, P, RW, MAP_SHARED, ro, 0), EACCES);
    ERR(t_raw_mmap(0, P, PROT_WRITE, MAP_SHARED, ro, 0), EACCES);
    A = t_map(NULL, 2, PROT_READ, MAP_SHARED, ro, 0);
    ERR(mprotect(A, P, RW), EACCES);
    LINEAR(2);
    ERR(t_raw_mmap(0, P, PROT_READ, MAP_SHARED, wo, 0), EACCES);
    ERR(t_raw_mmap(0, P, PROT_WRITE, MAP_SHARED, wo, 0), EACCES);
    ERR(t_raw_mmap(0, P, PROT_READ, MAP_PRIVATE, wo, 0), EACCES);
    ERR(t_raw_mmap(0, P, PROT_READ, MAP_PRIVATE, dir, 0), ENODEV);
    ERR(t_raw_mmap(0, P, PROT_READ, MAP_PRIVATE, ends[0], 0), ENODEV);
    ERR(t_raw_mmap(0, P, PROT_READ, MAP_PRIVATE, 999, 0), EBADF);
    A = t_map(NULL, 2, RW, MAP_PRIVATE, ro, 0);
    put(0, 9);
    EQ(t_tag_in_file(fd, 0), 0);
}

TEST(mmap_flags, "the type of a mapping and unknown flags")
{
    int fd = F(1);
    ERR(t_raw_mmap(0, P, RW, MAP_ANONYMOUS, -1, 0), EINVAL);
    ERR(t_raw_mmap(0, P, RW, 0, fd, 0), EINVAL);
    ERR(t_raw_mmap(0, P, RW, MAP_SHARED_VALIDATE | 1 << 24, fd, 0), EOPNOTSUPP);
    A = t_map(NULL, 1, RW, MAP_SHARED_VALIDATE, fd, 0);
    put(0, 7);
    EQ(t_tag_in_file(fd, 0), 7);
    anon(1);
    t_map(NULL, 1, RW, ANON | MAP_NORESERVE | MAP_STACK | 1 << 24, -1, 0);
    t_map(NULL, 1, RW, MAP_PRIVATE | MAP_DENYWRITE | MAP_EXECUTABLE, fd, 0);
}

TEST(mmap_hint, "an address hint")
{
    unsigned char *p = anon(8);
    OK(munmap(p, 8 * P));
    EQ((uintptr_t)t_map(p + 2 * P, 1, RW, ANON, -1, 0), (uintptr_t)p + 2 * P);
    EQ((uintptr_t)t_map(p + 4 * P + 123, 1, RW, ANON, -1, 0), (uintptr_t)p + 4 * P);
    CHECK(t_map(p + 2 * P, 1, RW, ANON, -1, 0) != p + 2 * P);
    CHECK(t_map((void *)0xffff800000000000, 1, RW, ANON, -1, 0) <
          (unsigned char *)(1UL << 47));
}

TEST(mmap_noreplace, "MAP_FIXED_NOREPLACE")
{
    const int flags = ANON | MAP_FIXED_NOREPLACE;
    unsigned char *p = anon(4);
    unsigned long a = (unsigned long)p;
    p[P] = 42;
    OK(munmap(p + 2 * P, P));
    ERR(t_raw_mmap(a, P, RW, flags, -1, 0), EEXIST);
    ERR(t_raw_mmap(a + P, 2 * P, RW, flags, -1, 0), EEXIST);
    EQ(t_read(p + 2 * P), SIGSEGV);
    EQ((unsigned long)t_raw_mmap(a + 2 * P, P, RW, flags, -1, 0), a + 2 * P);
    EQ(p[P], 42);
}

TEST(mmap_fixed, "MAP_FIXED replaces what is there")
{
    int fd = F(8);
    M(fd, 8);
    t_map(A + 2 * P, 2, RW, ANON | MAP_FIXED, -1, 0);
    t_map(A + 5 * P, 1, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
    EQ(t_lines(A, 8), 5);
    t_map(A + P, 6, RW, MAP_SHARED | MAP_FIXED, fd, 1);
    EQ(t_lines(A, 8), 1);
    LINEAR(8);
    ERR(t_raw_mmap((unsigned long)A, 8 * P, RW, MAP_SHARED | MAP_FIXED, 999, 0), EBADF);
    LINEAR(8);
}

TEST(mmap_merge, "anonymous neighbours merge, different ones do not")
{
    unsigned char *p = t_map(NULL, 16, PROT_NONE, ANON, -1, 0);
    for (size_t i = 2; i < 8; i++)
        t_map(p + i * P, 1, RW, ANON | MAP_FIXED, -1, 0);
    EQ(t_lines(p, 16), 3);
    OK(mprotect(p + 4 * P, P, PROT_READ));
    EQ(t_lines(p, 16), 5);
    OK(mprotect(p, 16 * P, RW));
    EQ(t_lines(p, 16), 1);
}

TEST(mmap_populate, "MAP_POPULATE leaves no faults")
{
    enum { N = 32 };
    int fd = F(N);
    unsigned char *p[3];
    (void)t_minflt();
    p[0] = t_map(NULL, N, RW, ANON | MAP_POPULATE, -1, 0);
    p[1] = t_map(NULL, N, RW, MAP_SHARED | MAP_POPULATE, fd, 0);
    p[2] = t_map(NULL, N, RW, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    for (int k = 0; k < 3; k++) {
        long before = t_minflt();
        for (size_t i = 0; i < N; i++)
            (void)*(volatile unsigned char *)(p[k] + i * P);
        EQ(t_minflt() - before, 0);
    }
    ERR(t_raw_mmap((unsigned long)p[0], P, RW, ANON | MAP_POPULATE | MAP_FIXED_NOREPLACE,
                   -1, 0),
        EEXIST);
    A = t_map(NULL, N, RW, MAP_SHARED | MAP_POPULATE, F(2), 0);
    LINEAR(2);
    BUS_AT(2);
}

TEST(mmap_zero, "fresh memory is zero")
{
    int zero = open("/dev/zero", O_RDWR);
    OK(zero);
    unsigned char *p = anon(16), *q = t_map(NULL, 4, RW, MAP_PRIVATE, zero, 0);
    for (int round = 0; round < 2; round++) {
        for (size_t at = 0; at < 16 * P; at += 64)
            EQ(p[at], 0);
        memset(p, 0xaa, 16 * P);
        OK(munmap(p, 16 * P));
        p = anon(16);
    }
    EQ(q[P], 0);
    q[P] = 5;
    char c = 1;
    EQ(read(zero, &c, 1), 1);
    EQ(c, 0);
}

TEST(mmap_write_only, "a write-only mapping can be read on x86")
{
    unsigned char *p = t_map(NULL, 1, PROT_WRITE, ANON, -1, 0);
    *p = 3;
    EQ(*(volatile unsigned char *)p, 3);
}

TEST(mmap_big, "a big reservation costs nothing, far pages cost what they touch")
{
    const size_t tib = 1UL << 40, step = 1UL << 30;
    unsigned char *p = t_raw_mmap(0, tib, RW, ANON | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        FAIL("mmap of 1 TiB: %s", strerror(errno));
    for (size_t at = 0; at < tib; at += step * 16)
        p[at] = (unsigned char)(at >> 34);
    for (size_t at = 0; at < tib; at += step * 16)
        EQ(p[at], (unsigned char)(at >> 34));
    OK(munmap(p, tib));
}

TEST(munmap_args, "munmap")
{
    unsigned char *p = anon(8);
    ERR(munmap(p + 1, P), EINVAL);
    ERR(munmap(p, 0), EINVAL);
    ERR(syscall(SYS_munmap, 0xffff800000000000, P), EINVAL);
    ERR(syscall(SYS_munmap, p, 1UL << 47), EINVAL);
    ERR(syscall(SYS_munmap, p, ~0UL), EINVAL);
    EQ(t_write(p + 7 * P, 1), 0);
    OK(munmap(p + 2 * P, 1));
    EQ(t_read(p + 2 * P), SIGSEGV);
    EQ(t_read(p + 3 * P), 0);
    OK(munmap(p + P, 4 * P));
    OK(munmap(p + P, 4 * P));
    EQ(t_lines(p, 8), 2);
    OK(munmap(p, 8 * P));
    EQ(t_lines(p, 8), 0);
}

TEST(R24_mprotect, "mprotect over a hole: changed up to the hole")
{
    unsigned char *p = anon(6);
    OK(munmap(p + 3 * P, P));
    ERR(mprotect(p, 6 * P, PROT_READ), ENOMEM);
    for (size_t i = 0; i < 3; i++)
        FAULT(t_write(p + i * P, 1), SIGSEGV, SEGV_ACCERR, p + i * P);
    EQ(t_write(p + 4 * P, 1), 0);
    ERR(mprotect(p + 3 * P, 2 * P, PROT_READ), ENOMEM);
    EQ(t_write(p + 4 * P, 1), 0);
}

TEST(mprotect_args, "mprotect arguments")
{
    unsigned char *p = anon(2);
    ERR(syscall(SYS_mprotect, p + 1, P, PROT_READ), EINVAL);
    OK(syscall(SYS_mprotect, p, 0, PROT_NONE));
    ERR(syscall(SYS_mprotect, p, P, 0x03000000 | PROT_READ), EINVAL);
    ERR(syscall(SYS_mprotect, p, P, 0x100), EINVAL);
    ERR(syscall(SYS_mprotect, p, ~0UL - P, PROT_READ), ENOMEM);
    EQ(t_write(p, 1), 0);
    OK(mprotect(p, P, PROT_NONE));
    FAULT(t_read(p), SIGSEGV, SEGV_ACCERR, p);
    OK(mprotect(p, P, RW));
    EQ(*p, 1);
}

TEST(R24_madvise, "madvise DONTNEED over a hole: both sides dropped")
{
    unsigned char *p = anon(5);
    memset(p, 1, 5 * P);
    OK(munmap(p + 2 * P, P));
    ERR(madvise(p, 5 * P, MADV_DONTNEED), ENOMEM);
    EQ(p[0], 0);
    EQ(p[4 * P], 0);
}

TEST(madvise_private, "DONTNEED gives a private file page back to the file")
{
    A = t_map(NULL, 2, RW, MAP_PRIVATE, F(2), 0);
    put(0, 9);
    EQ(tag(0), 9);
    OK(madvise(A, P, MADV_DONTNEED));
    LINEAR(2);
}

TEST(R24_mincore, "mincore")
{
    unsigned char *p = anon(4), vec[4];
    p[0] = p[2 * P] = 1;
    OK(mincore(p, 4 * P, vec));
    EQ(vec[0] & 1, 1);
    EQ(vec[1] & 1, 0);
    EQ(vec[2] & 1, 1);
    ERR(mincore(p + 1, P, vec), EINVAL);
    ERR(mincore(p, 4 * P, (void *)8), EFAULT);
    OK(mincore(p, 0, vec));
    OK(munmap(p + P, P));
    ERR(mincore(p, 4 * P, vec), ENOMEM);
    ERR(syscall(SYS_mincore, p, 1UL << 47, vec), ENOMEM);
}

TEST(R24_msync, "msync over a hole, and on anonymous memory")
{
    unsigned char *p = anon(4);
    OK(msync(p, 4 * P, MS_SYNC));
    OK(munmap(p + P, P));
    ERR(msync(p, 4 * P, MS_ASYNC), ENOMEM);
    ERR(msync(p + P, P, MS_SYNC), ENOMEM);
}

static unsigned char *brk_to(unsigned char *to)
{
    return (unsigned char *)syscall(SYS_brk, to);
}

TEST(brk, "brk grows, shrinks and is exact")
{
    unsigned char *b = brk_to(0);
    CHECK(b);
    EQ((uintptr_t)brk_to(b + 5 * P + 123), (uintptr_t)b + 5 * P + 123);
    memset(b, 0x5a, 5 * P + 123);
    EQ((uintptr_t)brk_to(b + 2), (uintptr_t)b + 2);
    EQ((uintptr_t)brk_to((void *)P), (uintptr_t)b + 2);
    EQ((uintptr_t)brk_to((void *)(1UL << 47)), (uintptr_t)b + 2);
    EQ((uintptr_t)brk_to((void *)~0UL), (uintptr_t)b + 2);
    EQ((uintptr_t)brk_to(b + 8 * P), (uintptr_t)b + 8 * P);
    unsigned char *page = (unsigned char *)(((uintptr_t)b + 2 + P - 1) & -P);
    for (size_t at = 0; at < 4 * P; at++)
        EQ(page[at], 0);
    EQ((uintptr_t)brk_to(b), (uintptr_t)b);
    EQ(t_read(b + 6 * P), SIGSEGV);
}

TEST(brk_blocked, "brk does not run into a mapping")
{
    unsigned char *b = (unsigned char *)(((uintptr_t)brk_to(0) + P - 1) & -P);
    unsigned char *now = brk_to(0);
    t_map(b + 16 * P, 1, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);
    EQ((uintptr_t)brk_to(b + 17 * P), (uintptr_t)now);
    EQ((uintptr_t)brk_to(b + 20 * P), (uintptr_t)now);
    EQ((uintptr_t)brk_to(b + P), (uintptr_t)b + P);
}

TESTF(private_file, "a private copy is seen by nobody else")
{
    int fd = F(4);
    A = t_map(NULL, 4, RW, MAP_PRIVATE, fd, 0);
    EQ(tag(0), 0);
    uint64_t t = 1050;
    EQ(pwrite(fd, &t, 8, 0), 8);
    EQ(tag(0), 50);
    put(0, 60);
    t = 1070;
    EQ(pwrite(fd, &t, 8, 0), 8);
    EQ(tag(0), 60);
    EQ(t_tag_in_file(fd, 0), 70);
    put(1, 61);
    EQ(t_tag_in_file(fd, 1), 1);
}

TESTF(R45, "past EOF inside the last page")
{
    int fd = t_file();
    EQ(pwrite(fd, "abc", 3, 0), 3);
    M(fd, 2);
    for (size_t at = 3; at < P; at++)
        EQ(A[at], 0);
    BUS_AT(1);
    A[100] = 'x';
    OK(ftruncate(fd, 2 * P));
    CHECK(A[100] == 'x' || A[100] == 0);
    EQ(A[101], 0);
    EQ(A[P], 0);
    OK(ftruncate(fd, 2));
    OK(ftruncate(fd, P));
    EQ(A[1], 'b');
    EQ(A[2], 0);
    EQ(A[100], 0);
}

TESTF(R47, "private copy, truncate, regrow")
{
    int fd = F(4);
    A = t_map(NULL, 4, RW, MAP_PRIVATE, fd, 0);
    put(3, 33);
    put(1, 11);
    OK(ftruncate(fd, 2 * P));
    BUS_AT(3);
    BUS_AT(2);
    EQ(tag(1), 11);
    OK(ftruncate(fd, 4 * P));
    EQ(*(volatile uint64_t *)(A + 3 * P), 0);
    t_tag_pages(fd, 2, 4);
    EQ(tag(2), 2);
    EQ(tag(3), 3);
}

TEST(R49, "unlinked, closed, still mapped")
{
    int fd = open("gone", O_RDWR | O_CREAT, 0600);
    OK(fd);
    OK(ftruncate(fd, 8 * P));
    t_tag_pages(fd, 0, 8);
    M(fd, 8);
    OK(unlink("gone"));
    OK(close(fd));
    CHILD(LINEAR(8); put(0, 80));
    EQ(tag(0), 80);
}

TESTF(empty_file, "an empty file can be mapped, not touched")
{
    int fd = t_file();
    M(fd, 2);
    BUS_AT(0);
    t_tag_pages(fd, 0, 1);
    EQ(tag(0), 0);
    BUS_AT(1);
}

TEST(shared_anon, "shared anonymous memory across fork")
{
    A = t_map(NULL, 4, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    put(0, 1);
    CHILD(EQ(tag(0), 1); put(0, 2); put(3, 5));
    EQ(tag(0), 2);
    EQ(tag(3), 5);
}

TEST(R27_as, "RLIMIT_AS: refused, and nothing unmapped")
{
    struct rlimit old, low;
    unsigned char *p = anon(4);
    memset(p, 7, 4 * P);
    OK(getrlimit(RLIMIT_AS, &old));
    low = old;
    low.rlim_cur = (rlim_t)t_status("VmSize") * 1024 + P;
    OK(setrlimit(RLIMIT_AS, &low));
    ERR(t_raw_mmap(0, 64 * P, RW, ANON, -1, 0), ENOMEM);
    ERR(t_raw_mmap((unsigned long)p, 64 * P, RW, ANON | MAP_FIXED, -1, 0), ENOMEM);
    for (size_t i = 0; i < 4; i++)
        EQ(p[i * P], 7);
    OK(setrlimit(RLIMIT_AS, &old));
    anon(64);
}

TEST(R27_count, "the number of areas is limited; a refused call changes nothing")
{
    enum { N = 2 * 65530 };
    struct t_reader r;
    if (t_open(&r, "/proc/sys/vm/max_map_count")) {
        for (char *l; (l = t_line(&r));)
            if (atol(l) != 65530)
                SKIP("the limit here is %s", l);
    }
    if (t_meminfo("MemAvailable") < 64 * 1024)
        SKIP("too little memory for so many areas");
    unsigned char *p = t_map(NULL, N, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
    size_t i = 1;
    while (i < N - 1 && mprotect(p + i * P, P, PROT_READ) == 0)
        i += 2;
    EQ(errno, ENOMEM);
    CHECK(i > 65000);
    FAULT(t_read(p + i * P), SIGSEGV, SEGV_ACCERR, p + i * P);
    unsigned char *at = p + (N - 2) * P; /* a hole in an area needs one area more */
    while (at > p + (N - 10) * P && munmap(at, P) == 0)
        at -= 2 * P;
    EQ(errno, ENOMEM);
    FAULT(t_read(at), SIGSEGV, SEGV_ACCERR, at);
    ERR(t_raw_mmap((unsigned long)at, P, RW, ANON | MAP_FIXED, -1, 0), ENOMEM);
    FAULT(t_read(at), SIGSEGV, SEGV_ACCERR, at);
    OK(munmap(p + 3 * P, P)); /* a whole area: always possible */
    OK(munmap(p, N * P));
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
