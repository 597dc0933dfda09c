/* SPDX-License-Identifier: MIT
 *
 * remap_storm [REMAPS [MIB]]: random single-page remaps of a window (default 100,000 on
 * 64 MiB), then: one line in maps, every page right, kernel memory grown by at most 8 bytes
 * per remapped page plus table pages, and everything back after munmap. TAP.
 */
#include "tests/user/t.h"

static int failed, number;

static void verdict(bool ok, const char *what)
{
    failed += !ok;
    printf("%sok %d - %s\n", ok ? "" : "not ", ++number, what);
    fflush(stdout);
}

struct kernel_memory {
    long free, slab, tables; /* pages, kB, kB */
};

static struct kernel_memory measure(void)
{
    return (struct kernel_memory){t_meminfo("FreePages"), t_meminfo("Slab"),
                                  t_meminfo("PageTables")};
}

/* 8 bytes per remapped page, and the table pages themselves. */
static long allowed_pages(size_t remapped, long table_kb)
{
    return (long)((remapped * 8 + P - 1) / P) + table_kb / 4;
}

int main(int argc, char **argv)
{
    size_t remaps = argc > 1 ? strtoul(argv[1], NULL, 0) : 100000;
    size_t n = (argc > 2 ? strtoul(argv[2], NULL, 0) : 64) * 256;
    uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 0) : 20260725;
    struct t_reader r;
    if (t_open(&r, "/proc/version"))
        for (char *l; (l = t_line(&r));)
            t_tessera |= strstr(l, "Tessera") != NULL;
    printf("TAP version 13\n1..5\n# %zu remaps of %zu pages, seed %llu\n", remaps, n,
           (unsigned long long)seed);
    uint32_t *want = mmap(NULL, n * 4, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    int fd = memfd_create("storm", MFD_CLOEXEC);
    if (want == MAP_FAILED || fd < 0 || ftruncate(fd, (off_t)(n * P))) {
        printf("Bail out! no memory for the test: %s\n", strerror(errno));
        return 2;
    }
    t_tag_pages(fd, 0, n);
    for (size_t i = 0; i < n; i++)
        want[i] = (uint32_t)i;
    (void)measure();
    struct kernel_memory before = measure();
    M(fd, n);
    for (size_t i = 0; i < n; i++)
        (void)*(volatile unsigned char *)(A + i * P);
    struct kernel_memory mapped = measure();
    uint64_t start = t_ns();
    for (size_t k = 0; k < remaps; k++) {
        uint64_t x = t_random(&seed);
        size_t i = x % n, page = (x >> 32) % n;
        if (R(i, 1, page)) {
            printf("Bail out! remap %zu: %s\n", k, strerror(errno));
            return 2;
        }
        want[i] = (uint32_t)page;
    }
    uint64_t ns = t_ns() - start;
    struct kernel_memory after = measure();
    size_t wrong = 0, remapped = 0;
    for (size_t i = 0; i < n; i++) {
        wrong += tag(i) != (long)want[i];
        remapped += want[i] != i;
    }
    printf("# %llu ns per remap, %zu pages remapped\n",
           (unsigned long long)(remaps ? ns / remaps : 0), remapped);
    printf(
        "# free pages %ld -> %ld -> %ld, slab kB %ld -> %ld -> %ld, tables kB %ld -> %ld "
        "-> %ld (before, mapped, remapped)\n",
        before.free, mapped.free, after.free, before.slab, mapped.slab, after.slab,
        before.tables, mapped.tables, after.tables);
    verdict(wrong == 0, "every page shows the file page it was given last");
    if (!t_tessera) {
        printf("ok %d - one line in maps # SKIP differs by ruling R10\n", ++number);
        printf("ok %d - kernel memory # SKIP differs by ruling R10\n", ++number);
    } else {
        verdict(t_lines(A, n) == 1, "one line in maps");
        verdict(
            mapped.free >= 0 && mapped.free - after.free <=
                                    allowed_pages(remapped, after.tables - mapped.tables),
            "kernel memory grew by at most 8 bytes per remapped page and table pages");
    }
    verdict(munmap(A, n * P) == 0, "munmap");
    struct kernel_memory end = measure();
    if (!t_tessera)
        printf("ok %d - all memory is back # SKIP not measured on Linux\n", ++number);
    else
        verdict(end.free == before.free && end.slab <= before.slab &&
                    end.tables <= before.tables,
                "all memory is back");
    printf("# after munmap: free pages %ld, slab kB %ld, tables kB %ld\n", end.free,
           end.slab, end.tables);
    return failed ? 1 : 0;
}
