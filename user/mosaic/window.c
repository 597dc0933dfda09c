/* SPDX-License-Identifier: MIT
 *
 * The window: one shared mapping of a file, whose places show its pages in any order. What
 * each place should show is kept here as well, so that the kernel's word can be checked.
 */
#define _GNU_SOURCE
#include "user/mosaic/mosaic.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t sum_of(const uint8_t *page)
{
    const uint64_t *words = (const uint64_t *)page;
    uint64_t sum = 0;

    for (size_t i = 0; i < TILE_BYTES / 8; i++)
        sum = (sum ^ words[i]) * 0x9e3779b97f4a7c15ull;
    return sum;
}

bool window_right(const struct window *w)
{
    for (uint32_t i = 0; i < w->n; i++)
        if (sum_of(w->bytes + (size_t)i * TILE_BYTES) != w->sums[w->shows[i]])
            return false;
    return true;
}

unsigned window_areas(const struct window *w)
{
    uintptr_t from = (uintptr_t)w->bytes, to = from + (size_t)w->n * TILE_BYTES;
    FILE *f = fopen("/proc/self/maps", "r");
    unsigned long start, end;
    char line[512];
    unsigned n = 0;

    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "%lx-%lx", &start, &end) == 2 && start < to && end > from)
            n++;
    if (f)
        fclose(f);
    return n;
}

bool window_open(struct window *w, uint32_t n)
{
    char name[] = "/tmp/mosaic-XXXXXX";
    size_t nbytes = (size_t)n * TILE_BYTES;
    int fd = mkstemp(name);

    w->n = n;
    if (fd < 0)
        return false;
    unlink(name);
    w->bytes = MAP_FAILED;
    if (ftruncate(fd, (off_t)nbytes) == 0)
        w->bytes = mmap(NULL, nbytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    w->shows = calloc(n, sizeof(*w->shows));
    w->place = calloc(n, sizeof(*w->place));
    w->sums = calloc(n, sizeof(*w->sums));
    return w->bytes != MAP_FAILED && w->shows && w->place && w->sums;
}

void window_close(struct window *w)
{
    if (w->bytes && w->bytes != MAP_FAILED)
        munmap(w->bytes, (size_t)w->n * TILE_BYTES);
    free(w->shows);
    free(w->place);
    free(w->sums);
}

void window_begin(struct window *w)
{
    for (uint32_t i = 0; i < w->n; i++) {
        w->shows[i] = w->place[i] = i;
        w->sums[i] = sum_of(w->bytes + (size_t)i * TILE_BYTES);
    }
}

static bool show(struct window *w, uint32_t i, uint32_t page)
{
    w->shows[i] = page;
    w->place[page] = i;
    w->remaps++;
    return remap_file_pages(w->bytes + (size_t)i * TILE_BYTES, TILE_BYTES, 0, page, 0) ==
           0;
}

bool window_swap(struct window *w, uint32_t a, uint32_t b)
{
    uint32_t was = w->shows[a];
    uint64_t from = now_ns();
    bool done = show(w, a, w->shows[b]) && show(w, b, was);

    w->remap_ns += now_ns() - from;
    return done;
}
