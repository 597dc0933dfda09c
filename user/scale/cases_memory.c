/* SPDX-License-Identifier: MIT
 *
 * Cases of faults and of the calls that make and change mappings.
 */
#include "scale.h"

#include <sys/mman.h>
#include <unistd.h>

enum { WARM = 64, COUNT = 256 };

/* ---- where operation i of a worker happens ---- */

/* In a block of its own. */
static size_t block_page(const struct worker *w, unsigned i)
{
    return (size_t)w->number * BLOCK + i;
}

/* In small blocks, those of all workers side by side. */
static size_t small_page(const struct worker *w, unsigned i)
{
    return ((size_t)(i / SMALL) * w->count + w->number) * SMALL + i % SMALL;
}

static int touch(char *p, size_t page)
{
    *(volatile char *)(p + page * P) = 1;
    return 0;
}

/* ---- memory of one's own ---- */

static void own_memory(struct worker *w)
{
    w->memory = map_aligned(BLOCK * P, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static int touch_own(struct worker *w, unsigned i)
{
    return touch(w->memory, i);
}

static int touch_and_drop(struct worker *w, unsigned i)
{
    (void)i;
    touch(w->memory, 0);
    return madvise(w->memory, P, MADV_DONTNEED);
}

static int protect_twice(struct worker *w, unsigned i)
{
    (void)i;
    touch(w->memory, 1);
    mprotect(w->memory + P, P, PROT_READ);
    return mprotect(w->memory + P, P, PROT_READ | PROT_WRITE);
}

static int map_touch_unmap(struct worker *w, unsigned i)
{
    char *p = map(P, MAP_PRIVATE | MAP_ANONYMOUS, -1);

    (void)w;
    (void)i;
    touch(p, 0);
    return munmap(p, P);
}

/* ---- one window ---- */

/* Pages are there already, translations are not. */
static void filled_window(unsigned workers)
{
    size_t pages = (size_t)workers * BLOCK;

    team.fd = file(pages, 1);
    team.window = map_aligned(pages * P, MAP_SHARED, team.fd);
}

static void empty_window(unsigned workers)
{
    size_t pages = (size_t)workers * BLOCK;

    team.fd = file(pages, 0);
    team.window = map_aligned(pages * P, MAP_SHARED, team.fd);
}

static int touch_block(struct worker *w, unsigned i)
{
    return touch(team.window, block_page(w, i));
}

static int touch_small(struct worker *w, unsigned i)
{
    return touch(team.window, small_page(w, i));
}

/* ---- files ---- */

static void one_file(unsigned workers)
{
    team.fd = file((size_t)workers * BLOCK, 1);
}

static void map_one_file(struct worker *w)
{
    w->memory = map_aligned((size_t)w->count * BLOCK * P, MAP_SHARED, team.fd);
}

static int touch_own_part(struct worker *w, unsigned i)
{
    return touch(w->memory, block_page(w, i));
}

static void map_own_file(struct worker *w)
{
    w->fd = file(BLOCK, 1);
    w->memory = map_aligned(BLOCK * P, MAP_SHARED, w->fd);
}

const struct kase memory_cases[] = {
    {"fault, private memory, threads", 0, WARM, COUNT, NULL, own_memory, touch_own},
    {"fault, private memory, processes", 1, WARM, COUNT, NULL, own_memory, touch_own},
    {"fault, one window, 2 MiB blocks", 0, WARM, COUNT, filled_window, NULL, touch_block},
    {"fault, one window, 64-page blocks", 0, WARM, COUNT, filled_window, NULL,
     touch_small},
    {"fault of a new page, one window, 2 MiB blocks", 0, WARM, COUNT, empty_window, NULL,
     touch_block},
    {"fault of a new page, one window, 64-page blocks", 0, WARM, COUNT, empty_window,
     NULL, touch_small},
    {"fault, a mapping each of one file, processes", 1, WARM, COUNT, one_file,
     map_one_file, touch_own_part},
    {"fault, a file each, processes", 1, WARM, COUNT, NULL, map_own_file, touch_own},
    {"mmap, touch, munmap, threads", 0, WARM, COUNT, NULL, NULL, map_touch_unmap},
    {"mmap, touch, munmap, processes", 1, WARM, COUNT, NULL, NULL, map_touch_unmap},
    {"touch, MADV_DONTNEED, threads", 0, WARM, COUNT, NULL, own_memory, touch_and_drop},
    {"mprotect twice, threads", 0, WARM, COUNT, NULL, own_memory, protect_twice},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};
