/* SPDX-License-Identifier: MIT
 *
 * A column of records, one page each, put into order without moving a byte: the keys are
 * sorted, then the pages are remapped into that order. With remapv that is one call for a
 * thousand pages; elsewhere remap_file_pages is called for each.
 *
 *   sorted [records]
 */
#define _GNU_SOURCE
#include "user/include/tessera.h"
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct record {
    uint64_t key;
    char payload[4096 - sizeof(uint64_t)];
};

struct ref {
    uint64_t key;
    uint32_t page;
};

static int by_key(const void *a, const void *b)
{
    const struct ref *x = a, *y = b;

    return x->key < y->key ? -1 : x->key > y->key;
}

/* Shows the records in the order of refs. Which call did it, or NULL with errno. */
static const char *arrange(struct record *column, const struct ref *refs, size_t n)
{
    struct remap_vec *v = calloc(n, sizeof(*v));
    ssize_t done;

    if (!v)
        return NULL;
    for (size_t i = 0; i < n; i++)
        v[i] = (struct remap_vec){(uintptr_t)&column[i], refs[i].page, 1, 0};
    done = remapv(v, n, RM_CHECK);
    free(v);
    if (done == (ssize_t)n)
        return "remapv";
    if (done >= 0 || errno != ENOSYS)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (remap_file_pages(&column[i], sizeof(*column), 0, refs[i].page, 0) != 0)
            return NULL;
    return "remap_file_pages";
}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 0) : 2000;
    int fd = memfd_create("column", 0);
    struct ref *refs = n && n <= 1u << 20 ? calloc(n, sizeof(*refs)) : NULL;
    struct record *column;
    uint64_t seed = 88172645463325252ull;
    const char *how;
    size_t wrong = 0;

    if (!refs || fd < 0 || ftruncate(fd, (off_t)(n * sizeof(*column))) != 0)
        goto fail;
    column = mmap(NULL, n * sizeof(*column), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (column == MAP_FAILED)
        goto fail;
    for (size_t i = 0; i < n; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        column[i].key = refs[i].key = seed >> 8;
        snprintf(column[i].payload, sizeof(column[i].payload), "record %zu", i);
        refs[i].page = (uint32_t)i;
    }
    qsort(refs, n, sizeof(*refs), by_key);
    how = arrange(column, refs, n);
    if (!how)
        goto fail;
    for (size_t i = 0; i < n; i++) {
        char want[32];

        snprintf(want, sizeof(want), "record %u", refs[i].page);
        wrong += column[i].key != refs[i].key || strcmp(column[i].payload, want) != 0 ||
                 (i && column[i - 1].key > column[i].key);
    }
    printf("sorted: %zu pages in order by %s, 0 bytes copied: %s\n", n, how,
           wrong ? "WRONG" : "ok");
    return wrong != 0;
fail:
    perror("sorted");
    return 1;
}
