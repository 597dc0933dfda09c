/* SPDX-License-Identifier: MIT
 *
 * A packed array with gaps: sorted keys in segments of one page, none of them ever full, so that
 * a key is inserted by moving less than a page. When a segment fills up, the keys of a stretch
 * of segments are spread over it evenly. Done in place that costs each key two moves: out to a
 * buffer and back. Here the spread keys are written once, into spare pages of the same window, and
 * remap_swap() shows them where the stretch is.
 *
 *   rma [keys]      inserts them in both ways; the arrays must be the same
 *   rma count       instructions an insertion of both ways (user/include/instructions.h)
 */
#define _GNU_SOURCE
#include "user/include/instructions.h"
#include "user/include/tessera.h"
#include <stdbool.h>

#define PAGE     4096ul
#define KEYS     (PAGE / sizeof(uint64_t)) /* of a segment */
#define SEGMENTS 256u
#define FULL     (SEGMENTS * KEYS / 2) /* keys that find room for certain */

struct rma {
    bool swap;               /* else move */
    struct tessera_window w; /* segments, then as many spare pages */
    uint32_t used[SEGMENTS];
    size_t live;           /* segments with keys: the first ones, none of them empty */
    uint64_t keys, spread; /* keys in it; keys that were spread */
};

static uint64_t *segment(const struct rma *r, size_t i)
{
    return (uint64_t *)tessera_page(&r->w, i);
}

static int rma_open(struct rma *r, bool swap)
{
    int fd = memfd_create("rma", 0);

    memset(r, 0, sizeof(*r));
    r->swap = swap;
    r->live = 1;
    if (fd < 0 || ftruncate(fd, (off_t)(2 * SEGMENTS * PAGE)) != 0)
        return -1;
    return tessera_window_open(&r->w, fd, 0, 2ul * SEGMENTS, PROT_READ | PROT_WRITE);
}

static void rma_close(struct rma *r)
{
    int fd = r->w.fd;

    tessera_window_close(&r->w);
    close(fd);
}

/* Keys of the segments [first, first + n) are spread over them. */
static int rebalance(struct rma *r, size_t first, size_t n)
{
    uint64_t *spare = segment(r, SEGMENTS), *to = spare;
    size_t total = 0, done = 0, at = 0, fill = 0;

    for (size_t i = first; i < first + n; i++)
        total += r->used[i];
    for (size_t i = first; i < first + n; i++) {
        const uint64_t *from = segment(r, i);

        for (size_t left = r->used[i]; left;) {
            size_t want = total * (at + 1) / n - done - fill; /* room in target `at` */
            size_t take = left < want ? left : want;

            memcpy(to + at * KEYS + fill, from, take * sizeof(*from));
            from += take;
            left -= take;
            fill += take;
            if (take == want && at + 1 < n) {
                done += fill;
                fill = 0;
                at++;
            }
        }
    }
    for (size_t i = 0; i < n; i++)
        r->used[first + i] = (uint32_t)(total * (i + 1) / n - total * i / n);
    r->spread += total;
    if (r->live < first + n)
        r->live = first + n;
    if (r->swap)
        return tessera_swap(&r->w, first, SEGMENTS, n);
    for (size_t i = 0; i < n; i++)
        memcpy(segment(r, first + i), spare + i * KEYS,
               r->used[first + i] * sizeof(*spare));
    return 0;
}

/* Makes room round a full segment: the smallest stretch that is not too full, the less so the
 * larger it is. */
static int make_room(struct rma *r, size_t i)
{
    for (size_t n = 2; n <= SEGMENTS; n *= 2) {
        size_t first = i / n * n, total = 0, level = 0;

        for (size_t k = first; k < first + n; k++)
            total += r->used[k];
        for (size_t k = n; k > 1; k /= 2)
            level++;
        if (total <= n * KEYS * (20 - level) / 20 || n == SEGMENTS)
            return rebalance(r, first, n);
    }
    return -1;
}

/* The segment that a key belongs to: the last one whose first key is not above it. */
static size_t find(const struct rma *r, uint64_t key)
{
    size_t low = 0, high = r->live;

    while (high - low > 1) {
        size_t middle = (low + high) / 2;

        if (segment(r, middle)[0] > key)
            high = middle;
        else
            low = middle;
    }
    return low;
}

static int insert(struct rma *r, uint64_t key)
{
    size_t i = find(r, key), k, n;
    uint64_t *s;

    if (r->used[i] == KEYS) {
        if (make_room(r, i) != 0)
            return -1;
        i = find(r, key);
    }
    s = segment(r, i);
    n = r->used[i];
    for (k = n; k > 0 && s[k - 1] > key; k--)
        s[k] = s[k - 1];
    s[k] = key;
    r->used[i]++;
    r->keys++;
    return 0;
}

static uint64_t next_key(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Every key is there and in order; their sum. */
static uint64_t check(const struct rma *r, bool *right)
{
    uint64_t last = 0, n = 0, sum = 0;

    for (size_t i = 0; i < SEGMENTS; i++)
        for (size_t k = 0; k < r->used[i]; k++, n++) {
            *right &= segment(r, i)[k] >= last;
            last = segment(r, i)[k];
            sum += last * (n + 1);
        }
    *right &= n == r->keys;
    return sum;
}

/* Instructions of rebalancing alone: every stretch of a full array, of n segments each. */
static int count_spread(bool swap, size_t n)
{
    struct rma r;
    char name[80];
    uint64_t t;

    if (rma_open(&r, swap) != 0)
        return -1;
    memset(r.w.base, 1, 2ul * SEGMENTS * PAGE);
    for (size_t i = 0; i < SEGMENTS; i++)
        r.used[i] = KEYS / 2 + (i % 2 ? 100 : -100);
    t = instructions();
    for (size_t i = 0; i < SEGMENTS; i += n)
        if (rebalance(&r, i, n) != 0)
            return -1;
    snprintf(name, sizeof(name), "rma by %s, spreading %zu segments",
             swap ? "swap" : "move", n);
    instructions_report(name, instructions() - t, SEGMENTS / n);
    rma_close(&r);
    return 0;
}

static int count(void)
{
    for (size_t n = 4; n <= SEGMENTS; n *= 8)
        if (count_spread(false, n) != 0 || count_spread(true, n) != 0)
            return 1;
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t keys = argc > 1 ? strtoul(argv[1], NULL, 0) : 30000, sums[2];
    const char *way = "";
    uint64_t spread = 0;
    bool right = true;

    if (argc > 1 && strcmp(argv[1], "count") == 0)
        return count();
    if (keys > FULL)
        keys = FULL;
    for (int swap = 0; swap < 2; swap++) {
        uint64_t seed = 88172645463325252ull;
        struct rma r;

        if (rma_open(&r, swap) != 0)
            goto fail;
        for (uint64_t i = 0; i < keys; i++)
            if (insert(&r, next_key(&seed)) != 0)
                goto fail;
        sums[swap] = check(&r, &right);
        spread = r.spread;
        way = r.w.way == TESSERA_NATIVE ? "remap_swap" : tessera_way_name(&r.w);
        rma_close(&r);
    }
    right &= sums[0] == sums[1];
    printf(
        "rma: %llu keys in order, %llu spread, moved twice or once and shown by %s: %s\n",
        (unsigned long long)keys, (unsigned long long)spread, way,
        right ? "ok" : "WRONG");
    return !right;
fail:
    perror("rma");
    return 1;
}
