/* SPDX-License-Identifier: MIT
 *
 * Cases of remap_file_pages and remapv: each worker rearranges blocks of its own in one window
 * of all, whose pages are there and shown.
 */
#include "scale.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/include/tessera.h"

enum { WARM = 64, COUNT = 256, VECTOR = 4 };

static void window_of_all(unsigned workers)
{
    size_t pages = (size_t)workers * BLOCK;

    team.fd = file(pages, 1);
    team.window = map_aligned(pages * P, MAP_SHARED, team.fd);
}

/* The place of operation i and the file page shown there afterwards, of the same block. */
static void in_block(const struct worker *w, unsigned i, size_t *at, size_t *page)
{
    size_t first = (size_t)w->number * BLOCK;

    *at = first + i;
    *page = first + (i * 7 + 3) % BLOCK;
}

static void in_small(const struct worker *w, unsigned i, size_t *at, size_t *page)
{
    size_t first = ((size_t)(i / SMALL) * w->count + w->number) * SMALL;

    *at = first + i % SMALL;
    *page = first + (i % SMALL * 7 + 3) % SMALL;
}

/* Each worker touches what it will rearrange: its CPU alone has seen these translations. */
static void show_blocks(struct worker *w)
{
    for (unsigned i = 0; i < WARM + COUNT; i++) {
        size_t at, page;

        in_block(w, i, &at, &page);
        *(volatile char *)(team.window + at * P) = 1;
    }
}

static void show_small(struct worker *w)
{
    for (unsigned i = 0; i < WARM + COUNT; i++) {
        size_t at, page;

        in_small(w, i, &at, &page);
        *(volatile char *)(team.window + at * P) = 1;
    }
}

static int remap(size_t at, size_t page)
{
    return (int)syscall(SYS_remap_file_pages, team.window + at * P, P, 0, page, 0);
}

static int remap_block(struct worker *w, unsigned i)
{
    size_t at, page;

    in_block(w, i, &at, &page);
    return remap(at, page);
}

static int remap_small(struct worker *w, unsigned i)
{
    size_t at, page;

    in_small(w, i, &at, &page);
    return remap(at, page);
}

static int remap_touch_block(struct worker *w, unsigned i)
{
    size_t at, page;
    int err;

    in_block(w, i, &at, &page);
    err = remap(at, page);
    *(volatile char *)(team.window + at * P) = 2;
    return err;
}

static int remap_touch_small(struct worker *w, unsigned i)
{
    size_t at, page;
    int err;

    in_small(w, i, &at, &page);
    err = remap(at, page);
    *(volatile char *)(team.window + at * P) = 2;
    return err;
}

static int vector(struct worker *w, unsigned i,
                  void (*place)(const struct worker *, unsigned, size_t *, size_t *))
{
    struct remap_vec v[VECTOR];

    for (unsigned k = 0; k < VECTOR; k++) {
        size_t at, page;

        place(w, i * VECTOR + k, &at, &page);
        v[k] = (struct remap_vec){
            .addr = (uintptr_t)(team.window + at * P), .pgoff = page, .npages = 1};
    }
    return remapv(v, VECTOR, 0) == VECTOR ? 0 : -1;
}

static int vector_block(struct worker *w, unsigned i)
{
    return vector(w, i, in_block);
}

static int vector_small(struct worker *w, unsigned i)
{
    return vector(w, i, in_small);
}

const struct kase remap_cases[] = {
    {"remap, one window, 2 MiB blocks", 0, WARM, COUNT, window_of_all, show_blocks,
     remap_block},
    {"remap, one window, 64-page blocks", 0, WARM, COUNT, window_of_all, show_small,
     remap_small},
    {"remap and touch, 2 MiB blocks", 0, WARM, COUNT, window_of_all, show_blocks,
     remap_touch_block},
    {"remap and touch, 64-page blocks", 0, WARM, COUNT, window_of_all, show_small,
     remap_touch_small},
    {"remapv of 4 pages, 2 MiB blocks", 0, WARM / VECTOR, COUNT / VECTOR, window_of_all,
     show_blocks, vector_block},
    {"remapv of 4 pages, 64-page blocks", 0, WARM / VECTOR, COUNT / VECTOR, window_of_all,
     show_small, vector_small},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};
