/* SPDX-License-Identifier: MIT
 *
 * Cases of remap_file_pages and remapv: each worker rearranges blocks of its own in one window
 * of all, whose pages are there and shown. A page is in use when its translation was used since
 * it was put there: then CPUs may have it in their TLBs and must be asked to forget it.
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

/* In a block of its own, pages of the file by 64: those of all workers side by side. */
static void in_mixed(const struct worker *w, unsigned i, size_t *at, size_t *page)
{
    *at = (size_t)w->number * BLOCK + i;
    *page = ((size_t)(i / SMALL) * w->count + w->number) * SMALL +
            (i % SMALL * 7 + 3) % SMALL;
}

typedef void (*place_fn)(const struct worker *, unsigned, size_t *, size_t *);

/* Each worker touches what it will rearrange: its CPU alone has seen these translations. */
static void show(const struct worker *w, place_fn place)
{
    for (unsigned i = 0; i < WARM + COUNT; i++) {
        size_t at, page;

        place(w, i, &at, &page);
        *(volatile char *)(team.window + at * P) = 1;
    }
}

static int remap(size_t at, size_t page, int flags)
{
    return (int)syscall(SYS_remap_file_pages, team.window + at * P, P, 0, page, flags);
}

/* Another page than the one that comes, in place and not used by anybody. */
static void show_unused(const struct worker *w, place_fn place)
{
    show(w, place);
    for (unsigned i = 0; i < WARM + COUNT; i++) {
        size_t at, page;

        place(w, i, &at, &page);
        if (remap(at, page ^ 1, 0))
            die("remap_file_pages");
    }
}

/* The page that comes is arranged and not in place. */
static void arrange_mixed(struct worker *w)
{
    for (unsigned i = 0; i < WARM + COUNT; i++) {
        size_t at, page;

        in_mixed(w, i, &at, &page);
        if (remap(at, page, MAP_NONBLOCK))
            die("remap_file_pages");
    }
}

static void show_block(struct worker *w)
{
    show(w, in_block);
}

static void show_small(struct worker *w)
{
    show(w, in_small);
}

static void unused_block(struct worker *w)
{
    show_unused(w, in_block);
}

static void unused_mixed(struct worker *w)
{
    show_unused(w, in_mixed);
}

static void unused_small(struct worker *w)
{
    show_unused(w, in_small);
}

static int remap_at(const struct worker *w, unsigned i, place_fn place, int use)
{
    size_t at, page;
    int err;

    place(w, i, &at, &page);
    err = remap(at, page, 0);
    if (use)
        *(volatile char *)(team.window + at * P) = 2;
    return err;
}

static int remap_block(struct worker *w, unsigned i)
{
    return remap_at(w, i, in_block, 0);
}

static int remap_mixed(struct worker *w, unsigned i)
{
    return remap_at(w, i, in_mixed, 0);
}

static int remap_small(struct worker *w, unsigned i)
{
    return remap_at(w, i, in_small, 0);
}

static int use_block(struct worker *w, unsigned i)
{
    return remap_at(w, i, in_block, 1);
}

static int use_small(struct worker *w, unsigned i)
{
    return remap_at(w, i, in_small, 1);
}

static int touch_mixed(struct worker *w, unsigned i)
{
    *(volatile char *)(team.window + ((size_t)w->number * BLOCK + i) * P) = 2;
    return 0;
}

static int vector(const struct worker *w, unsigned i, place_fn place)
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

static int vector_mixed(struct worker *w, unsigned i)
{
    return vector(w, i, in_mixed);
}

static int vector_small(struct worker *w, unsigned i)
{
    return vector(w, i, in_small);
}

#define VECTORS WARM / VECTOR, COUNT / VECTOR

const struct kase remap_cases[] = {
    {"fault after remap, 64-page blocks of the file", 0, WARM, COUNT, window_of_all,
     arrange_mixed, touch_mixed},
    {"remap of unused pages, 2 MiB blocks", 0, WARM, COUNT, window_of_all, unused_block,
     remap_block},
    {"remap of unused pages, 64-page blocks of the file", 0, WARM, COUNT, window_of_all,
     unused_mixed, remap_mixed},
    {"remap of unused pages, 64-page blocks of a table", 0, WARM, COUNT, window_of_all,
     unused_small, remap_small},
    {"remap of pages in use, 2 MiB blocks", 0, WARM, COUNT, window_of_all, show_block,
     remap_block},
    {"remap of pages in use, 64-page blocks of a table", 0, WARM, COUNT, window_of_all,
     show_small, remap_small},
    {"remap and touch, 2 MiB blocks", 0, WARM, COUNT, window_of_all, show_block,
     use_block},
    {"remap and touch, 64-page blocks of a table", 0, WARM, COUNT, window_of_all,
     show_small, use_small},
    {"remapv of 4 unused pages, 2 MiB blocks", 0, VECTORS, window_of_all, unused_block,
     vector_block},
    {"remapv of 4 unused pages, 64-page blocks of the file", 0, VECTORS, window_of_all,
     unused_mixed, vector_mixed},
    {"remapv of 4 pages in use, 2 MiB blocks", 0, VECTORS, window_of_all, show_block,
     vector_block},
    {"remapv of 4 pages in use, 64-page blocks of a table", 0, VECTORS, window_of_all,
     show_small, vector_small},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};
