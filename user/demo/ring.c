/* SPDX-License-Identifier: MIT
 *
 * A ring buffer whose second half mirrors the first: a record that runs over the end is still
 * contiguous in memory, so readers and writers never split it. One mapping of twice the size;
 * remap_file_pages makes the upper half show the lower half's pages. Portable: Linux does
 * the same with the same calls, in two VMAs.
 *
 *   ring [pages]
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct ring {
    char *base;
    size_t size; /* bytes, a multiple of the page size */
    size_t head, tail;
};

static int ring_init(struct ring *r, size_t pages)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int fd = memfd_create("ring", 0);

    r->size = pages * page;
    r->head = r->tail = 0;
    /* The file is as long as the mapping, though only its first half is ever used. */
    if (fd < 0 || ftruncate(fd, (off_t)(2 * r->size)) != 0)
        return -1;
    r->base = mmap(NULL, 2 * r->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (r->base == MAP_FAILED)
        return -1;
    return remap_file_pages(r->base + r->size, r->size, 0, 0, 0);
}

static int ring_put(struct ring *r, const void *data, size_t n)
{
    if (r->size - (r->head - r->tail) < n)
        return 0;
    memcpy(r->base + r->head % r->size, data, n); /* never split */
    r->head += n;
    return 1;
}

static const char *ring_peek(const struct ring *r)
{
    return r->base + r->tail % r->size;
}

int main(int argc, char **argv)
{
    size_t pages = argc > 1 ? strtoul(argv[1], NULL, 0) : 4;
    struct ring r;
    uint64_t wrapped = 0, records = 0, sum = 0, want = 0;
    char record[1000];

    if (pages == 0 || pages > 1u << 20 || ring_init(&r, pages) != 0) {
        perror("ring");
        return 1;
    }
    for (uint32_t i = 0; i < 10000; i++) {
        uint32_t n = 8 + i * 37 % 990;

        memset(record, (int)i, n);
        memcpy(record, &n, sizeof(n));
        while (!ring_put(&r, record, n)) { /* full: read one */
            const char *p = ring_peek(&r);
            uint32_t len;

            memcpy(&len, p, sizeof(len));
            wrapped += r.tail % r.size + len > r.size;
            sum += len + (uint8_t)p[len - 1];
            r.tail += len;
            records++;
        }
        want += n + (uint8_t)i;
    }
    while (r.tail != r.head) {
        const char *p = ring_peek(&r);
        uint32_t len;

        memcpy(&len, p, sizeof(len));
        wrapped += r.tail % r.size + len > r.size;
        sum += len + (uint8_t)p[len - 1];
        r.tail += len;
        records++;
    }
    printf("ring: %llu records through %zu pages, %s over the end: %s\n",
           (unsigned long long)records, pages, wrapped ? "some" : "none",
           sum == want ? "ok" : "WRONG");
    return sum != want;
}
