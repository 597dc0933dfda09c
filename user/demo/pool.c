/* SPDX-License-Identifier: MIT
 *
 * A database's buffer pool: frames over a file 16 times as large, and random requests for its
 * blocks. Five ways to bring a block into a frame: pread() into ordinary memory, mmap(MAP_FIXED)
 * of its page, remap_file_pages(), and vectors of remaps, those of 16 or of 64 requests that were
 * asked for together. All but the first copy nothing and need nothing to be written back. Each
 * block says its number, which is looked at in each request.
 *
 *   pool [requests [way]]    remapv64 when no way is named
 *   pool count [threads]     instructions a request of each way, 64 MiB over 1 GiB
 *                            (user/include/instructions.h)
 */
#define _GNU_SOURCE
#include "user/include/instructions.h"
#include "user/include/tessera.h"
#include <pthread.h>

#define PAGE    4096ul
#define BLOCKS  (1ul << 18) /* 1 GiB, where instructions are counted; else a sixteenth */
#define SHARE   16u         /* of the blocks have a frame: one in so many */
#define GROUP   64u         /* requests asked for together, at most */
#define THREADS 16u
#define NOWHERE UINT32_MAX

enum way { COPY, FIXED, REMAP, REMAPV16, REMAPV64, WAYS };

static const char *const way_names[WAYS] = {"pread", "fixed", "remap", "remapv16",
                                            "remapv64"};

/* What one thread has: a share of the frames, and all blocks. */
struct pool {
    enum way way;
    int fd;
    size_t blocks, frames, hand; /* the hand goes round: the frame that is taken next */
    struct tessera_window show;  /* the frames; COPY: only base */
    uint32_t *block;             /* what each frame holds */
    uint32_t *frame;             /* where each block is, or NOWHERE */
    uint64_t seed, requests, misses, wrong;
};

static uint64_t rnd(struct pool *p)
{
    p->seed ^= p->seed << 13;
    p->seed ^= p->seed >> 7;
    p->seed ^= p->seed << 17;
    return p->seed;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* The file: block b begins with b. */
static int make_blocks(size_t blocks)
{
    static uint64_t part[64 * PAGE / sizeof(uint64_t)];
    int fd = memfd_create("blocks", 0);

    for (uint64_t b = 0; b < blocks; b += 64) {
        for (uint64_t i = 0; i < 64; i++)
            part[i * PAGE / sizeof(*part)] = b + i;
        if (pwrite(fd, part, sizeof(part), (off_t)(b * PAGE)) != (ssize_t)sizeof(part))
            die("pool: blocks");
    }
    return fd;
}

/* The frames begin with the first blocks. */
static void pool_open(struct pool *p)
{
    p->block = malloc(p->frames * sizeof(*p->block));
    p->frame = malloc(p->blocks * sizeof(*p->frame));
    if (!p->block || !p->frame)
        die("pool");
    memset(p->frame, 0xff, p->blocks * sizeof(*p->frame));
    for (size_t f = 0; f < p->frames; f++)
        p->block[f] = p->frame[f] = (uint32_t)f;
    if (p->way != COPY) {
        if (tessera_window_open(&p->show, p->fd, 0, p->frames, PROT_READ) != 0)
            die("pool: window");
        return;
    }
    p->show.page_size = PAGE;
    p->show.base = mmap(NULL, p->frames * PAGE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p->show.base == MAP_FAILED ||
        pread(p->fd, p->show.base, p->frames * PAGE, 0) != (ssize_t)(p->frames * PAGE))
        die("pool: frames");
}

static void pool_close(struct pool *p)
{
    if (p->way == COPY)
        munmap(p->show.base, p->frames * PAGE);
    else
        tessera_window_close(&p->show);
    free(p->block);
    free(p->frame);
}

/* Brings one block into a frame at once, or puts its remap into v. */
static int bring(struct pool *p, size_t f, uint32_t block, struct remap_vec *v, size_t *n)
{
    char *at = tessera_page(&p->show, f);
    off_t from = (off_t)block * (off_t)PAGE;

    switch (p->way) {
    case COPY:
        return pread(p->fd, at, PAGE, from) == (ssize_t)PAGE ? 0 : -1;
    case FIXED:
        return mmap(at, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, p->fd, from) ==
                       MAP_FAILED
                   ? -1
                   : 0;
    case REMAP:
        return remap_file_pages(at, PAGE, 0, block, 0);
    default:
        v[(*n)++] = tessera_entry(&p->show, f, block, 1);
        return 0;
    }
}

/* Requests blocks that are asked for together and looks into each. */
static void request(struct pool *p, const uint32_t *blocks, size_t count)
{
    struct remap_vec v[GROUP];
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t block = blocks[i];
        size_t f = p->frame[block];

        if (f != NOWHERE)
            continue;
        f = p->hand;
        p->hand = f + 1 < p->frames ? f + 1 : 0;
        p->frame[p->block[f]] = NOWHERE;
        p->block[f] = block;
        p->frame[block] = (uint32_t)f;
        p->misses++;
        if (bring(p, f, block, v, &n) != 0)
            die("pool: a block");
    }
    if (n && tessera_remapv(&p->show, v, n, 0) != (ssize_t)n)
        die("pool: remapv");
    /* A frame may have gone on within the group: then the block is asked for again. */
    for (size_t i = 0; i < count; i++) {
        size_t f = p->frame[blocks[i]];

        if (f != NOWHERE)
            p->wrong += *(uint64_t *)tessera_page(&p->show, f) != blocks[i];
    }
}

static void *pool_run(void *arg)
{
    struct pool *p = arg;
    size_t group = p->way == REMAPV64 ? 64 : p->way == REMAPV16 ? 16 : 1;
    uint32_t blocks[GROUP];

    for (uint64_t left = p->requests; left;) {
        size_t count = left < group ? left : group;

        for (size_t i = 0; i < count; i++)
            blocks[i] = (uint32_t)((rnd(p) >> 20) % p->blocks);
        request(p, blocks, count);
        left -= count;
    }
    return NULL;
}

/* Figures of one way; the frames are shared among the threads. */
static void count(int fd, enum way way, size_t threads)
{
    static struct pool p[THREADS];
    uint64_t each = 4096 / threads, wrong = 0, t;
    pthread_t thread[THREADS];
    char name[80];

    for (size_t i = 0; i < threads; i++) {
        p[i] = (struct pool){.way = way,
                             .fd = fd,
                             .blocks = BLOCKS,
                             .frames = BLOCKS / SHARE / threads,
                             .seed = 88172645463325252ull + i,
                             .requests = each};
        pool_open(&p[i]);
    }
    t = instructions();
    for (size_t i = 1; i < threads; i++)
        if (pthread_create(&thread[i], NULL, pool_run, &p[i]) != 0)
            die("pool: thread");
    pool_run(&p[0]);
    for (size_t i = 1; i < threads; i++)
        pthread_join(thread[i], NULL);
    t = instructions() - t;
    for (size_t i = 0; i < threads; i++) {
        wrong += p[i].wrong;
        pool_close(&p[i]);
    }
    if (wrong) {
        printf("pool: WRONG\n");
        exit(1);
    }
    snprintf(name, sizeof(name),
             threads > 1 ? "pool by %s, per request, %zu threads"
                         : "pool by %s, per request",
             way_names[way], threads);
    instructions_report(name, t, each * threads);
}

int main(int argc, char **argv)
{
    int counting = argc > 1 && strcmp(argv[1], "count") == 0;
    size_t blocks = counting ? BLOCKS : BLOCKS / 16;
    int fd = make_blocks(blocks);
    size_t threads = counting && argc > 2 ? strtoul(argv[2], NULL, 0) : 1;
    struct pool p = {.way = REMAPV64,
                     .fd = fd,
                     .blocks = blocks,
                     .frames = blocks / SHARE,
                     .seed = 88172645463325252ull,
                     .requests = 20000};

    for (enum way w = 0; counting && w < WAYS; w++)
        count(fd, w, threads && threads <= THREADS ? threads : 1);
    if (counting)
        return 0;
    if (argc > 1)
        p.requests = strtoul(argv[1], NULL, 0);
    for (enum way w = 0; argc > 2 && w < WAYS; w++)
        if (strcmp(argv[2], way_names[w]) == 0)
            p.way = w;
    pool_open(&p);
    pool_run(&p);
    printf("pool: %llu requests, %llu misses by %s: %s\n", (unsigned long long)p.requests,
           (unsigned long long)p.misses,
           p.way >= REMAPV16 ? tessera_way_name(&p.show) : way_names[p.way],
           p.wrong ? "WRONG" : "ok");
    pool_close(&p);
    return p.wrong != 0;
}
