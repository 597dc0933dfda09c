/* SPDX-License-Identifier: MIT
 *
 * A buffer pool: a small window of frames over a big sparse file. A block is brought into a
 * frame by remapping the frame, whatever it showed before; nothing is read or written back,
 * and the address space stays one mapping. Blocks that are asked for together come in with
 * one atomic vector; without remapv each is one remap_file_pages.
 *
 *   pool [transactions]
 */
#define _GNU_SOURCE
#include "user/include/tessera.h"
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE   4096ul
#define BLOCKS (1ul << 21) /* 8 GiB */
#define FRAMES 16u
#define GROUP  4u    /* blocks of one transaction */
#define HOT    512ul /* blocks that are used at all */

struct pool {
    char *window;
    uint64_t block[FRAMES]; /* what each frame shows */
    uint64_t used[FRAMES];  /* time of the last use */
    uint64_t clock, hits, misses;
    int vectors; /* remapv works here */
};

static int pool_open(struct pool *p)
{
    int fd = memfd_create("blocks", 0);

    memset(p, 0, sizeof(*p));
    if (fd < 0 || ftruncate(fd, (off_t)(BLOCKS * PAGE)) != 0)
        return -1;
    p->window = mmap(NULL, FRAMES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    for (unsigned f = 0; f < FRAMES; f++)
        p->block[f] = f;
    p->vectors = remapv(NULL, 0, 0) == 0;
    return p->window == MAP_FAILED ? -1 : 0;
}

static unsigned oldest(const struct pool *p)
{
    unsigned best = 0;

    for (unsigned f = 1; f < FRAMES; f++)
        if (p->used[f] < p->used[best])
            best = f;
    return best;
}

/* The frame that shows the block or shall show it; then its remap is put into v. */
static unsigned choose(struct pool *p, uint64_t block, struct remap_vec *v, size_t *n)
{
    unsigned f = 0;

    while (f < FRAMES && p->block[f] != block)
        f++;
    if (f < FRAMES) {
        p->hits++;
    } else {
        f = oldest(p);
        p->misses++;
        p->block[f] = block;
        v[(*n)++] = (struct remap_vec){(uintptr_t)p->window + f * PAGE, block, 1, 0};
    }
    p->used[f] = ++p->clock;
    return f;
}

/* Brings a group of blocks into frames of the window. */
static int pool_get(struct pool *p, const uint64_t *blocks, uint64_t **at)
{
    struct remap_vec v[GROUP];
    size_t n = 0;

    for (unsigned i = 0; i < GROUP; i++)
        at[i] = (uint64_t *)(p->window + choose(p, blocks[i], v, &n) * PAGE);
    if (p->vectors)
        return n == 0 || remapv(v, n, RM_ATOMIC | RM_CHECK) == (ssize_t)n ? 0 : -1;
    for (size_t i = 0; i < n; i++)
        if (remap_file_pages((void *)(uintptr_t)v[i].addr, PAGE, 0, v[i].pgoff, 0) != 0)
            return -1;
    return 0;
}

int main(int argc, char **argv)
{
    unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 20000;
    static uint64_t count[HOT]; /* what each block must say */
    uint64_t seed = 88172645463325252ull, wrong = 0;
    struct pool p;

    if (pool_open(&p) != 0) {
        perror("pool");
        return 1;
    }
    for (unsigned long t = 0; t < rounds; t++) {
        uint64_t blocks[GROUP], *at[GROUP], hot[GROUP];

        for (unsigned i = 0; i < GROUP; i++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            hot[i] = (seed & 1 ? seed >> 8 : (seed >> 8) % 8) % HOT;
            blocks[i] = hot[i] * (BLOCKS / HOT) + hot[i]; /* spread over the file */
        }
        if (pool_get(&p, blocks, at) != 0) {
            perror("pool: remap");
            return 1;
        }
        for (unsigned i = 0; i < GROUP; i++)
            wrong += (*at[i])++ != count[hot[i]]++;
    }
    printf("pool: %lu transactions, %llu hits, %llu remaps by %s: %s\n", rounds,
           (unsigned long long)p.hits, (unsigned long long)p.misses,
           p.vectors ? "remapv" : "remap_file_pages", wrong ? "WRONG" : "ok");
    return wrong != 0;
}
