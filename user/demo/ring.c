/* SPDX-License-Identifier: MIT
 *
 * A ring buffer whose second half mirrors the first: a record that runs over the end is still
 * contiguous in memory, so readers and writers never split it. One mapping of twice the size;
 * remap_file_pages makes the upper half show the lower half's pages. Portable: Linux does
 * the same with the same calls, in two VMAs.
 *
 *   ring [pages]
 *   ring count      instructions a record, beside a ring of ordinary memory that splits them
 */
#define _GNU_SOURCE
#include "user/include/instructions.h"
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

/* The same in ordinary memory: what runs over the end is copied in two parts. */
static void split_put(struct ring *r, const char *data, size_t n)
{
    size_t at = r->head % r->size, first = r->size - at < n ? r->size - at : n;

    memcpy(r->base + at, data, first);
    memcpy(r->base, data + first, n - first);
    r->head += n;
}

/* A reader who wants the record in one piece must copy it out. */
static void split_get(struct ring *r, char *data, size_t n)
{
    size_t at = r->tail % r->size, first = r->size - at < n ? r->size - at : n;

    memcpy(data, r->base + at, first);
    memcpy(data + first, r->base, n - first);
    r->tail += n;
}

#define COUNTED 10000u

static uint64_t sum(const char *p, size_t n)
{
    uint64_t total = 0;

    for (size_t i = 0; i < n; i += 64)
        total += (unsigned char)p[i];
    return total;
}

/* Records of up to 1,000 bytes go in and out; the readers look at each 64th byte. */
static int count(void)
{
    static char record[1000], out[1000], memory[4 * 4096];
    struct ring r, s = {memory, sizeof(memory), 0, 0};
    uint64_t a = 0, b = 0, t;

    memset(record, 7, sizeof(record));
    if (ring_init(&r, 4) != 0)
        return 1;
    memset(r.base, 0, r.size);
    a += sum(r.base + r.size, r.size); /* both halves are there */
    t = instructions();
    for (uint32_t i = 0; i < COUNTED; i++) {
        size_t n = 8 + i * 37 % 990;

        ring_put(&r, record, n);
        a += sum(ring_peek(&r), n);
        r.tail += n;
    }
    instructions_report("ring, mirrored, per record", instructions() - t, COUNTED);
    t = instructions();
    for (uint32_t i = 0; i < COUNTED; i++) {
        size_t n = 8 + i * 37 % 990;

        split_put(&s, record, n);
        split_get(&s, out, n);
        b += sum(out, n);
    }
    instructions_report("ring, modular copying, per record", instructions() - t, COUNTED);
    return a != b;
}

int main(int argc, char **argv)
{
    size_t pages = argc > 1 ? strtoul(argv[1], NULL, 0) : 4;
    struct ring r;
    uint64_t wrapped = 0, records = 0, sum = 0, want = 0;
    char record[1000];

    if (argc > 1 && strcmp(argv[1], "count") == 0)
        return count();
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
