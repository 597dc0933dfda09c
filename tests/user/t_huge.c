/* SPDX-License-Identifier: MIT
 *
 * Huge pages: hugetlbfs, MAP_HUGETLB, MFD_HUGETLB, and remap_file_pages by 2 MiB, which no
 * Linux ever did. On a system without free huge pages the cases skip.
 */
#include "tests/user/t_hugepool.h"
#include <sched.h>
#include <sys/mount.h>

#define HTLB   (MAP_HUGETLB | MAP_HUGE_2MB)
#define SHARED (MAP_SHARED | MAP_ANONYMOUS | HTLB)
#define PRIV   (MAP_PRIVATE | MAP_ANONYMOUS | HTLB)
#define RW     (PROT_READ | PROT_WRITE)

#ifndef MAP_HUGE_2MB
#define MAP_HUGE_2MB (21 << 26)
#endif

static int huge_file(size_t n, unsigned flags)
{
    int fd = (int)syscall(SYS_memfd_create, "huge", MFD_HUGETLB | flags);
    if (fd < 0)
        SKIP("no huge memfd: %s", strerror(errno));
    OK(ftruncate(fd, (off_t)(n * H)));
    return fd;
}

static unsigned char *map(size_t n, int flags, int fd, size_t at)
{
    void *p = mmap(NULL, n * H, RW, flags, fd, (off_t)(at * H));
    if (p == MAP_FAILED && errno == ENOMEM && !t_tessera)
        SKIP("no huge pages");
    OK(p);
    EQ((uintptr_t)p % H, 0);
    return p;
}

/* A shared mapping of n huge pages of a file, page k with 1000+k at both its ends. */
static int tagged(size_t n)
{
    int fd = huge_file(n, 0);
    A = map(n, MAP_SHARED, fd, 0);
    for (size_t i = 0; i < n; i++) {
        *(long *)(A + i * H) = 1000 + (long)i;
        *(long *)(A + (i + 1) * H - 8) = 2000 + (long)i;
    }
    return fd;
}

static long at(size_t i)
{
    long first = *(volatile long *)(A + i * H),
         last = *(volatile long *)(A + (i + 1) * H - 8);
    EQ(last - first, 1000);
    return first - 1000;
}

static int remap(size_t i, size_t n, size_t page)
{
    return t_raw_remap(A + i * H, n * H, 0, page * (H / P), 0);
}

TEST(HU01, "anonymous huge memory: zeros, data, unmap")
{
    unsigned char *p = map(2, PRIV, -1, 0), *q = map(2, SHARED, -1, 0);
    for (size_t i = 0; i < 2 * H; i += P)
        CHECK(!p[i] && !q[i]);
    memset(p, 0x5a, 2 * H);
    memset(q, 0xa5, 2 * H);
    CHECK(p[H + 77] == 0x5a && q[H + 77] == 0xa5 && p[2 * H - 1] == 0x5a);
    OK(munmap(p, 2 * H));
    FAULT(t_read(p), SIGSEGV, SEGV_MAPERR, p);
    OK(munmap(q, H));
    FAULT(t_read(q), SIGSEGV, SEGV_MAPERR, q);
    EQ(q[H], 0xa5);
    OK(munmap(q + H, H));
}

TEST(HU02, "lengths are rounded up, other sizes and borders refused")
{
    unsigned char *p = mmap(NULL, P, RW, PRIV, -1, 0);
    if (p == MAP_FAILED && errno == ENOMEM && !t_tessera)
        SKIP("no huge pages");
    OK(p);
    p[H - 1] = 1;
    ERR(munmap(p, P), EINVAL);
    ERR(munmap(p + P, H - P), EINVAL);
    ERR(mprotect(p, P, PROT_READ), EINVAL);
    ERR(mprotect(p + P, H - P, PROT_READ), EINVAL);
    ERR(mmap(p + P, P, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), EINVAL);
    ERR(mmap(p + P, H, RW, PRIV | MAP_FIXED, -1, 0), EINVAL);
    EQ(p[H - 1], 1);
    OK(munmap(p, H));
    ERR(mmap(NULL, H, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | 16 << 26, -1, 0),
        EINVAL);
    ERR(mmap(NULL, H, RW, MAP_PRIVATE | MAP_HUGETLB, F(1), 0), EINVAL);
}

TEST(HU03, "file: two views, read, sizes")
{
    int fd = tagged(3);
    unsigned char *p = map(2, MAP_SHARED, fd, 1);
    struct stat st;
    long word;
    EQ(*(long *)p, 1001);
    p[H + 5] = 9;
    EQ(A[2 * H + 5], 9);
    EQ(pread(fd, &word, 8, (off_t)H), 8);
    EQ(word, 1001);
    ERR(write(fd, &word, 8), EINVAL);
    ERR(ftruncate(fd, (off_t)(H + P)), EINVAL);
    ERR(mmap(NULL, H, RW, MAP_SHARED, fd, P), EINVAL);
    OK(fstat(fd, &st));
    EQ(st.st_size, 3 * H);
    EQ(st.st_blocks, 3 * H / 512);
    EQ(st.st_blksize, H);
    OK(map(5, MAP_SHARED, fd, 0)); /* a writable mapping makes it longer */
    OK(fstat(fd, &st));
    EQ(st.st_size, 5 * H);
}

TEST_DIFF(HU04, "own", "remap_file_pages by huge pages")
{
    tagged(4);
    EQ(remap(0, 1, 3), 0);
    EQ(remap(3, 1, 0), 0);
    EQ(at(0), 3);
    EQ(at(1), 1);
    EQ(at(3), 0);
    *(long *)(A + 8) = 77; /* through an away page */
    EQ(remap(1, 1, 3), 0); /* an alias */
    EQ(at(1), 3);
    EQ(*(long *)(A + H + 8), 77);
    EQ(remap(0, 4, 0), 0);
    for (size_t i = 0; i < 4; i++)
        EQ(at(i), i);
    EQ(t_lines(A, 4 * (H / P)), 1);
}

TEST_DIFF(HU05, "own", "remap_file_pages: what is no multiple of 2 MiB")
{
    tagged(4);
    ERR(t_raw_remap(A + P, H, 0, 0, 0), EINVAL);
    ERR(t_raw_remap(A + 8, H, 0, 0, 0), EINVAL);
    ERR(t_raw_remap(A, H + P, 0, 0, 0), EINVAL);
    ERR(t_raw_remap(A, P, 0, 0, 0), EINVAL);
    ERR(t_raw_remap(A, H, 0, 1, 0), EINVAL);
    ERR(t_raw_remap(A, H, PROT_READ, 512, 0), EINVAL);
    ERR(t_raw_remap(A + 3 * H, 2 * H, 0, 0, 0), EINVAL);
    for (size_t i = 0; i < 4; i++)
        EQ(at(i), i);
    A = map(1, PRIV, -1, 0);
    ERR(remap(0, 1, 0), EINVAL);
}

TEST_DIFF(HU06, "own", "an arrangement beyond the end, and populated lazily")
{
    int fd = tagged(2);
    EQ(remap(0, 1, 5), 0);
    FAULT(t_read(A), SIGBUS, BUS_ADRERR, A);
    OK(ftruncate(fd, (off_t)(6 * H)));
    EQ(A[0], 0);
    EQ(t_raw_remap(A + H, H, 0, 0, MAP_NONBLOCK), 0);
    EQ(at(1), 0);
}

TEST_DIFF(HU07, "own", "fork: arrangement shared, private memory not")
{
    unsigned char *p;
    tagged(3);
    EQ(remap(0, 1, 2), 0);
    p = map(2, PRIV, -1, 0);
    p[0] = 1;
    p[H] = 2;
    CHILD({
        EQ(at(0), 2);
        EQ(at(1), 1);
        EQ(p[0], 1);
        p[0] = 10;
        EQ(p[0], 10);
        EQ(p[H], 2);
        *(long *)(A + H + 16) = 42;
        EQ(remap(1, 1, 0), 0);
        EQ(at(1), 0);
    });
    EQ(p[0], 1);
    EQ(at(1), 1);
    EQ(*(long *)(A + H + 16), 42);
    p[0] = 3;
    EQ(p[0], 3);
}

TEST_DIFF(HU08, "own", "truncate finds every view")
{
    int fd = tagged(4);
    EQ(remap(0, 1, 3), 0);
    EQ(at(0), 3);
    OK(ftruncate(fd, (off_t)(2 * H)));
    FAULT(t_read(A), SIGBUS, BUS_ADRERR, A);
    FAULT(t_read(A + 3 * H), SIGBUS, BUS_ADRERR, A + 3 * H);
    EQ(at(1), 1);
    OK(ftruncate(fd, (off_t)(4 * H)));
    EQ(*(long *)A, 0);
    EQ(*(long *)(A + 3 * H), 0);
}

TEST(HU09, "private mappings of a file copy on write")
{
    int fd = tagged(2);
    unsigned char *p = map(2, MAP_PRIVATE, fd, 0);
    EQ(*(long *)p, 1000);
    *(long *)p = 5;
    EQ(*(long *)p, 5);
    EQ(at(0), 0);
    EQ(*(long *)(p + H - 8), 2000);
    *(long *)(p + H) = 6; /* not read before */
    EQ(at(1), 1);
    CHILD(*(long *)p = 7; EQ(*(long *)p, 7));
    EQ(*(long *)p, 5);
    OK(ftruncate(fd, 0));
    FAULT(t_read(p), SIGBUS, BUS_ADRERR, p);
}

TEST(HU10, "rights")
{
    unsigned char *p = map(2, PRIV, -1, 0);
    int fd = tagged(1);
    p[0] = 1;
    OK(mprotect(p, H, PROT_NONE));
    FAULT(t_read(p), SIGSEGV, SEGV_ACCERR, p);
    OK(mprotect(p, H, PROT_READ));
    EQ(p[0], 1);
    FAULT(t_write(p, 2), SIGSEGV, SEGV_ACCERR, p);
    OK(mprotect(p, 2 * H, RW));
    p[0] = 2;
    p[H] = 3;
    EQ(t_lines(p, 2 * (H / P)), 1);
    OK(mprotect(A, H, PROT_NONE));
    FAULT(t_read(A), SIGSEGV, SEGV_ACCERR, A);
    OK(mprotect(A, H, PROT_READ));
    EQ(at(0), 0);
    FAULT(t_write(A, 2), SIGSEGV, SEGV_ACCERR, A);
    close(fd);
}

TEST_DIFF(HU11, "own", "advice, holes, residence, msync")
{
    unsigned char vec[4 * 512], *p;
    int fd = tagged(4);
    EQ(remap(0, 1, 2), 0);
    ERR(madvise(A + P, P, MADV_DONTNEED), EINVAL);
    OK(madvise(A, P, MADV_DONTNEED)); /* whole pages only: none */
    OK(madvise(A, 4 * H, MADV_DONTNEED));
    EQ(at(0), 2);
    OK(mincore(A, 4 * H, vec));
    EQ(vec[0] & vec[512] & vec[4 * 512 - 1], 1);
    OK(madvise(A, H, MADV_REMOVE)); /* punches file page 2 */
    EQ(*(long *)(A + 2 * H), 0);
    OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)(3 * H),
                 (off_t)H));
    OK(mincore(A + 3 * H, H, vec));
    EQ(vec[0] | vec[511], 0);
    OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, P,
                 2 * P)); /* part: zeroed */
    EQ(*(long *)(A + P), 0);
    OK(msync(A, 4 * H, MS_SYNC));
    p = map(1, PRIV, -1, 0);
    p[5] = 5;
    OK(madvise(p, H, MADV_DONTNEED));
    EQ(p[5], 0);
}

TEST_DIFF(HU12, "own", "mremap: shrinks by whole pages, moves, does not grow")
{
    unsigned char *p = map(3, SHARED, -1, 0), *q;
    p[0] = 1;
    p[2 * H] = 3;
    EQ((uintptr_t)mremap(p, 3 * H, 2 * H, 0), (uintptr_t)p);
    FAULT(t_read(p + 2 * H), SIGSEGV, SEGV_MAPERR, p + 2 * H);
    EQ((uintptr_t)mremap(p, 2 * H, H + P, 0), (uintptr_t)p); /* lengths are rounded */
    EQ(t_read(p + H), 0);
    ERR(mremap(p, P, 2 * H, MREMAP_MAYMOVE), EINVAL); /* they do not grow */
    ERR(mremap(p, 2 * H, 3 * H, 0), EINVAL);
    q = mmap(NULL, P, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ERR(mremap(q, P, P, MREMAP_MAYMOVE | MREMAP_FIXED, p), EINVAL);
    q = (unsigned char *)0x200000000;
    EQ((uintptr_t)mremap(p, H, H, MREMAP_MAYMOVE | MREMAP_FIXED, q), (uintptr_t)q);
    ERR(mremap(q, H, H, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL), EINVAL);
    EQ(q[0], 1);
}

TEST_DIFF(HU13, "own", "what /proc says")
{
    uint64_t map_entries[2], count;
    int fd = tagged(2), pm = open("/proc/self/pagemap", O_RDONLY), have;
    char line[256];
    EQ(t_smaps(A, 1, "KernelPageSize", &have), 2048);
    EQ(t_smaps(A, 1, "MMUPageSize", &have), 2048);
    EQ(t_smaps(A, 1, "Rss", &have), 0);
    EQ(t_smaps(A, 1, "Private_Hugetlb", &have), 4096);
    CHECK(t_vmflag(A, "ht"));
    EQ(remap(0, 1, 1), 0);
    EQ(t_smaps(A, 1, "Nonlinear", &have), 2048);
    OK(pm);
    EQ(pread(pm, map_entries, 16, (off_t)((uintptr_t)A / P * 8)), 16);
    EQ(map_entries[1] - map_entries[0], 1);
    EQ(pread(pm, &count, 8, (off_t)((uintptr_t)(A + H) / P * 8)), 8);
    EQ(count, map_entries[0]); /* an alias */
    CHECK(t_maps_line(map(1, PRIV, -1, 0), line, sizeof(line)));
    CHECK(strstr(line, "anon_hugepage"));
    EQ(t_meminfo("Hugepagesize"), 2048);
    close(fd);
}

TEST_DIFF(HU14, "own", "a hugetlbfs mount")
{
    unsigned char *p;
    int fd;
    OK(mkdir("m", 0700));
    if (!t_tessera) { /* a machine of its own: what fails below leaves no mount behind */
        if (unshare(CLONE_NEWNS) != 0)
            SKIP("no mount namespace: %s", strerror(errno));
        OK(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
    }
    OK(mount("none", "m", "hugetlbfs", 0, NULL));
    fd = open("m/f", O_RDWR | O_CREAT, 0600);
    OK(fd);
    p = map(2, MAP_SHARED, fd, 0); /* makes the file as long */
    p[H] = 1;
    A = p;
    EQ(remap(0, 1, 1), 0);
    EQ(p[0], 1);
    OK(munmap(p, 2 * H));
    close(fd);
    OK(unlink("m/f"));
    OK(umount("m"));
    OK(rmdir("m"));
}

TEST_DIFF(HU15, "own", "out of huge pages: refused up front, or SIGBUS; nothing is lost")
{
    size_t n = (size_t)t_meminfo("HugePages_Total") + 1, i;
    ERR(mmap(NULL, n * H, RW, PRIV, -1, 0), ENOMEM);
    ERR(mmap(NULL, n * H, RW, SHARED, -1, 0), ENOMEM);
    A = map(n, PRIV | MAP_NORESERVE, -1, 0);
    for (i = 0; i < n; i++) {
        int sig = t_write(A + i * H, 1);
        if (sig) {
            EQ(sig, SIGBUS);
            break;
        }
    }
    EQ(i, n - 1);
    EQ(A[0], 1);
    OK(munmap(A, n * H));
    A = map(1, PRIV, -1, 0);
    A[0] = 1;
}

TEST(HU16, "the kernel reads and writes it for us")
{
    unsigned char *p = map(2, PRIV, -1, 0);
    int fds[2], mem = open("/proc/self/mem", O_RDWR);
    char word[8] = "huge";
    OK(pipe(fds));
    EQ(write(fds[1], "1234", 4), 4);
    EQ(read(fds[0], p + H - 2, 4), 4);
    CHECK(!memcmp(p + H - 2, "1234", 4));
    OK(mem);
    EQ(pwrite(mem, word, 4, (off_t)(uintptr_t)(p + H - 3)), 4);
    EQ(pread(mem, word, 4, (off_t)(uintptr_t)(p + H - 3)), 4);
    CHECK(!memcmp(p + H - 3, "huge", 4));
}

TEST_DIFF(HU17, "own", "small and huge mappings side by side, many times")
{
    for (int round = 0; round < 20; round++) {
        unsigned char *p = map(3, PRIV, -1, 0);
        OK(munmap(p + H, H));
        OK(mmap(p + H, H, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
        for (size_t i = 0; i < 3 * H; i += 64 * P)
            p[i] = (unsigned char)(i >> 18);
        OK(munmap(p + H + 16 * P, 100 * P));
        OK(munmap(p + H, H));
        OK(mmap(p + H, H, RW, PRIV | MAP_FIXED, -1, 0));
        EQ(p[H], 0);
        for (size_t i = 0; i < H; i += 64 * P)
            EQ(p[2 * H + i], (unsigned char)((2 * H + i) >> 18));
        OK(munmap(p, 3 * H));
    }
}

int main(int argc, char **argv)
{
    return hugepool_main(24, argc, argv);
}
