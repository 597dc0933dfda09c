/* SPDX-License-Identifier: MIT
 *
 * reverse [MIB [PASSES]]: Kirill Shutemov's reverse test. A shared file of MIB (default 64);
 * each page carries its number; all pages are remapped in reverse, one by one; every page is
 * read and checked. Prints the cost of one remap and of one touch, to compare between sizes.
 */
#include "tests/user/t.h"

static int pass(size_t n, bool nonblock)
{
    int fd = memfd_create("reverse", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, (off_t)(n * P))) {
        printf("reverse: file: %s\n", strerror(errno));
        return 2;
    }
    unsigned char *a = mmap(NULL, n * P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (a == MAP_FAILED) {
        printf("reverse: mmap: %s\n", strerror(errno));
        return 2;
    }
    uint64_t t0 = t_ns();
    for (size_t i = 0; i < n; i++)
        *(volatile uint64_t *)(a + i * P) = i;
    uint64_t t1 = t_ns();
    for (size_t i = 0; i < n; i++) {
        if (t_raw_remap(a + i * P, P, 0, n - 1 - i, nonblock ? MAP_NONBLOCK : 0)) {
            printf("reverse: remap of page %zu: %s\n", i, strerror(errno));
            return 1;
        }
    }
    uint64_t t2 = t_ns();
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++)
        wrong += *(volatile uint64_t *)(a + i * P) != n - 1 - i;
    uint64_t t3 = t_ns();
    int lines = t_lines(a, n);
    munmap(a, n * P);
    close(fd);
    printf(
        "%zu pages%s: write %llu ns, remap %llu ns, read %llu ns per page; %d line%s of "
        "maps; %zu wrong\n",
        n, nonblock ? " (nonblock)" : "", (unsigned long long)((t1 - t0) / n),
        (unsigned long long)((t2 - t1) / n), (unsigned long long)((t3 - t2) / n), lines,
        lines == 1 ? "" : "s", wrong);
    fflush(stdout);
    return wrong ? 1 : 0;
}

int main(int argc, char **argv)
{
    size_t mib = argc > 1 ? strtoul(argv[1], NULL, 0) : 64;
    int passes = argc > 2 ? atoi(argv[2]) : 2;
    if (mib == 0 || mib > 1 << 20 || passes < 1) {
        printf("usage: reverse [MIB [PASSES]]\n");
        return 2;
    }
    for (int k = 0; k < passes; k++) {
        int r = pass(mib * 256, k & 1);
        if (r) {
            printf("reverse: failed\n");
            return r;
        }
    }
    printf("reverse: ok\n");
    return 0;
}
