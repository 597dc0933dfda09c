/* SPDX-License-Identifier: MIT
 *
 * What /proc tells about a remapped area, its accounting, and system calls that use it as a
 * buffer: spec 3.7, T170 to T176, T182, T183.
 */
#include "tests/user/t.h"
#include <sys/uio.h>

static void path_shown(const char *line)
{
    if (!strstr(line, t_kind == T_MEMFD ? " /memfd:t (deleted)" : t_dir))
        FAIL("'%s' has not the path", line);
}

TESTF_DIFF(T170, "R10", "maps line")
{
    char line[512], want[64];
    struct stat st;
    int fd = F(16);
    A = t_map(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4);
    OK(fstat(fd, &st));
    for (size_t i = 0; i < 8; i++)
        OK(R(i, 1, 11 - i));
    EQ(t_lines(A, 8), 1);
    CHECK(t_maps_line(A, line, sizeof(line)));
    snprintf(want, sizeof(want), "%lx-%lx rw-s 00004000 ", (unsigned long)(uintptr_t)A,
             (unsigned long)(uintptr_t)A + 8 * P);
    if (!strstr(line, want))
        FAIL("'%s', want '%s'", line, want);
    snprintf(want, sizeof(want), " %lu ", (unsigned long)st.st_ino);
    if (!strstr(line, want))
        FAIL("'%s' has not the inode %s", line, want);
    path_shown(line);
}

TESTF(T170_linear, "maps line of a plain mapping")
{
    char line[512], want[64];
    A = t_map(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, F(16), 4);
    CHECK(t_maps_line(A, line, sizeof(line)));
    snprintf(want, sizeof(want), "%lx-%lx rw-s 00004000 ", (unsigned long)(uintptr_t)A,
             (unsigned long)(uintptr_t)A + 8 * P);
    if (!strstr(line, want))
        FAIL("'%s', want '%s'", line, want);
    path_shown(line);
}

static long nonlinear_kb(size_t n)
{
    int count;
    long kb = t_smaps(A, n, "Nonlinear", &count);
    return count ? kb : -1;
}

TESTF_DIFF(T171, "R10", "smaps Nonlinear")
{
    M(F(8), 8);
    EQ(nonlinear_kb(8), -1);
    for (size_t i = 0; i < 3; i++)
        OK(R(i, 1, 7 - i));
    for (size_t i = 3; i < 8; i++)
        OK(madvise(A + i * P, P, MADV_DONTNEED));
    OK(RF(5, 1, 2, MAP_NONBLOCK));
    OK(RF(6, 1, 1, MAP_NONBLOCK));
    EQ(nonlinear_kb(8), 20);
    CHECK(t_vmflag(A, "nl"));
    CHECK(t_vmflag(A, "sh"));
    OK(madvise(A, 8 * P, MADV_DONTNEED));
    EQ(nonlinear_kb(8), 20);
}

TESTF_DIFF(T172, "R8", "smaps after identity")
{
    M(F(8), 8);
    t_reverse(8, 0);
    EQ(nonlinear_kb(8), 32);
    OK(R(0, 8, 0));
    EQ(nonlinear_kb(8), -1);
    CHECK(!t_vmflag(A, "nl"));
    EQ(t_lines(A, 8), 1);
}

TESTF_DIFF(T173, "R8", "smaps, override equal to linear")
{
    M(F(8), 8);
    t_reverse(8, 0);
    OK(R(2, 1, 2));
    OK(RF(3, 1, 3, MAP_NONBLOCK));
    EQ(nonlinear_kb(8), 24);
}

static uint64_t pagemap(const void *a)
{
    uint64_t e = 0;
    int fd = open("/proc/self/pagemap", O_RDONLY);
    if (fd < 0)
        SKIP("no pagemap");
    EQ(pread(fd, &e, 8, (off_t)((uintptr_t)a / P * 8)), 8);
    OK(close(fd));
    return e;
}

TESTF(T174, "pagemap alias")
{
    const uint64_t pfn = (1ULL << 55) - 1;
    M(F(8), 8);
    OK(R(0, 1, 3));
    EQ(tag(0), 3);
    EQ(tag(3), 3);
    uint64_t a = pagemap(A), b = pagemap(A + 3 * P);
    CHECK(a >> 63 && b >> 63);
    if (!(a & pfn))
        SKIP("page frame numbers are not shown");
    EQ(a & pfn, b & pfn);
}

TESTF(T175, "RSS: 64 aliases of one page")
{
    M(F(64), 64);
    for (size_t i = 0; i < 64; i++)
        OK(RF(i, 1, 0, MAP_NONBLOCK));
    EQ(t_smaps(A, 64, "Rss", NULL), 0);
    long rss = t_status("VmRSS");
    for (size_t i = 0; i < 64; i++)
        EQ(tag(i), 0);
    EQ(t_smaps(A, 64, "Rss", NULL), 256);
    if (t_tessera)
        EQ(t_status("VmRSS") - rss, 256);
    OK(madvise(A, 32 * P, MADV_DONTNEED));
    EQ(t_smaps(A, 64, "Rss", NULL), 128);
}

TESTF(T176, "VmSize")
{
    enum { N = 256 };
    M(F(N), N);
    long size = t_status("VmSize");
    CHECK(size > 0);
    uint64_t seed = 176;
    for (int k = 0; k < 10000; k++) {
        uint64_t x = t_random(&seed);
        OK(RF(x % N, 1, x / N % N, MAP_NONBLOCK));
    }
    EQ(t_status("VmSize"), size);
}

TESTF(T182, "system call buffers across overrides")
{
    int fd = F(8), out = t_file();
    M(fd, 8);
    t_reverse(8, MAP_NONBLOCK);
    EQ(write(out, A, 8 * P), 8 * P);
    for (size_t i = 0; i < 8; i++)
        EQ(t_tag_in_file(out, i), 7 - i);
    t_tag_pages(out, 3, 8);
    OK(madvise(A, 8 * P, MADV_DONTNEED));
    struct iovec iov[2] = {{A + P / 2, 3 * P}, {A + 4 * P, 4 * P}};
    EQ(preadv(out, iov, 2, 0), 7 * P);
    for (size_t i = 0; i < 4; i++)
        EQ(tag(4 + i), i + 3);
    EQ(*(uint64_t *)(A + P / 2), 1007);
    EQ(*(uint64_t *)(A + P + P / 2), 1006);
    EQ(t_tag_in_file(fd, 3), 3);
    EQ(t_tag_in_file(fd, 0), 6);
    uint64_t mid;
    EQ(pread(fd, &mid, 8, 7 * P + P / 2), 8);
    EQ(mid, 1007);
}

TESTF(T183, "SIGBUS siginfo")
{
    M(F(4), 4);
    OK(R(0, 1, 10));
    FAULT(t_read(A + 1234), SIGBUS, BUS_ADRERR, A + 1234);
    EQ(t_info.si_errno, 0);
    EQ(BUS_ADRERR, 2);
    OK(R(3, 1, 4));
    FAULT(t_write(A + 4 * P - 1, 0), SIGBUS, BUS_ADRERR, A + 4 * P - 1);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
