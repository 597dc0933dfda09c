/* SPDX-License-Identifier: MIT
 *
 * Where the memory system takes a short way: whole leaf tables, numbers of fewer bits, pages
 * shown very often.
 */
#include "tests/user/t.h"
#include <sys/mman.h>

#define TABLE (512 * P)
#define RW    (PROT_READ | PROT_WRITE)
#define ANON  (MAP_PRIVATE | MAP_ANONYMOUS)

static unsigned char *tables(size_t n)
{
    unsigned char *p = t_map(NULL, (n + 1) * 512, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);

    return (unsigned char *)(((uintptr_t)p + TABLE - 1) & ~(TABLE - 1));
}

static unsigned word(const unsigned char *at)
{
    return *(const volatile unsigned *)at;
}

/* A file whose page k begins with base + k. */
static int numbered(unsigned n, unsigned base)
{
    int fd = memfd_create("numbered", 0);

    CHECK(fd >= 0);
    OK(ftruncate(fd, (off_t)(n * P)));
    for (unsigned i = 0; i < n; i++) {
        unsigned w = base + i;

        EQ(pwrite(fd, &w, 4, (off_t)(i * P)), 4);
    }
    return fd;
}

/* What is shown at a place arranged before must be what was moved there, all of it, however
 * source and target lie to the tables and to each other. */
TEST(HEART1, "mremap over arranged tables leaves nothing of them")
{
    static const size_t skews[] = {0, 1, 7, 511};
    int f = numbered(1536, 0), g = numbered(1536, 100000);
    unsigned char *z = tables(16);

    for (unsigned s = 0; s < 4; s++)
        for (unsigned dup = 0; dup < 2; dup++) {
            unsigned char *to = z + 2 * TABLE, *from = z + 8 * TABLE + skews[s] * P;
            unsigned wrong = 0;

            t_map(to, 1024, RW, MAP_SHARED | MAP_FIXED, g, 0);
            for (unsigned i = 0; i < 1024; i++)
                if (i % 8)
                    OK(remap_file_pages(to + i * P, P, 0, 1023 - i, 0));
            t_map(from, 1024, RW, MAP_SHARED | MAP_FIXED, f, 0);
            if (t_tessera) /* Linux makes three areas of it, and moves or copies one */
                OK(remap_file_pages(from + 8 * P, P, 0, 1500, 0));
            CHECK(mremap(from, dup ? 0 : 1024 * P, 1024 * P,
                         MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
            for (unsigned i = 0; i < 1024; i++)
                wrong += word(to + i * P) != (i == 8 && t_tessera ? 1500 : i);
            EQ(wrong, 0);
            OK(remap_file_pages(to, 1024 * P, 0, 0, 0));
            for (unsigned i = 0; i < 1024; i++)
                wrong += word(to + i * P) != i;
            EQ(wrong, 0);
            OK(munmap(to, 1024 * P));
            OK(munmap(from, 1024 * P));
        }
    close(f);
    close(g);
}

/* Page n and page n + 2^32 are different ones, or the mapping is refused. */
TEST(HEART2, "no page of a large shared mapping is shown twice")
{
    static const unsigned long tib[] = {9, 17, 33};

    for (unsigned i = 0; i < 3; i++) {
        unsigned long len = tib[i] << 40, far = (tib[i] - 1) << 40;
        unsigned char *p =
            mmap(NULL, len, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        if (p == MAP_FAILED) {
            CHECK(errno == ENOMEM);
            continue;
        }
        p[0] = 1;
        EQ(p[far], 0);
        p[far] = 2;
        EQ(p[0], 1);
        OK(munmap(p, len));
    }
}

static unsigned long long kernel_count(void *at)
{
    unsigned long long e = 0, n = 0;
    int fd = open("/proc/self/pagemap", O_RDONLY);

    CHECK(fd >= 0);
    EQ(pread(fd, &e, 8, (off_t)((uintptr_t)at / P * 8)), 8);
    close(fd);
    fd = open("/proc/kpagecount", O_RDONLY);
    CHECK(fd >= 0);
    EQ(pread(fd, &n, 8, (off_t)((e & ((1ull << 55) - 1)) * 8)), 8);
    close(fd);
    return n;
}

/* The number is right after each change, though it is not counted anew for each slot. */
TEST(HEART3, "how often a page is shown follows every change")
{
    int f = numbered(64, 0);
    unsigned char *a, *m[20];

    if (!t_tessera) {
        close(f);
        return;
    }
    a = t_map(NULL, 1024, RW, MAP_SHARED, f, 0);
    for (unsigned i = 0; i < 1000; i++)
        OK(remap_file_pages(a + i * P, P, 0, 5, 0));
    EQ(kernel_count(a), 1000);
    OK(remap_file_pages(a, P, 0, 6, 0));
    EQ(kernel_count(a + P), 999);
    OK(madvise(a + P, 9 * P, MADV_DONTNEED));
    EQ(kernel_count(a + 20 * P), 990);
    EQ(word(a + 2 * P), 5);
    EQ(kernel_count(a + 20 * P), 991);
    OK(munmap(a + 500 * P, 500 * P));
    EQ(kernel_count(a + 20 * P), 491);
    for (unsigned i = 0; i < 20; i++) {
        m[i] = t_map(NULL, 1, PROT_READ, i % 2 ? MAP_SHARED : MAP_PRIVATE, f, 9);
        EQ(word(m[i]), 9);
        EQ(kernel_count(m[i]), i + 1);
    }
    OK(mprotect(m[0], P, PROT_NONE));
    EQ(kernel_count(m[1]), 19);
    close(f);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
