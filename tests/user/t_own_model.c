/* SPDX-License-Identifier: MIT
 *
 * remapv, remap_swap, remap_rotate, remap_query and remap_clone against arrays: three windows
 * of one file, over whole leaf tables and skewed against them. After every call what the
 * kernel says of a part, and what memory shows, must be what the arrays say.
 */
#include "tests/user/t.h"
#include "user/include/tessera.h"

enum { WINDOWS = 3, PAGES = 2048 + 37, FILE_PAGES = 3000, ROUNDS = 400 };

static struct window {
    unsigned char *at;
    uint64_t now[PAGES], home;
} windows[WINDOWS];

static uint64_t seed;

static size_t pick(size_t n)
{
    return t_random(&seed) % n;
}

/* A part of a window: a few pages, whole tables, all of it. */
static void some_part(size_t *at, size_t *n)
{
    size_t kind = pick(4);
    *n = kind == 0 ? 1 + pick(8) : kind == 1 ? 512 * (1 + pick(3)) : 1 + pick(PAGES);
    *at = pick(PAGES - *n + 1);
    if (kind == 1 && pick(2))
        *at = *at / 512 * 512;
}

static void check(const struct window *w, size_t at, size_t n)
{
    static uint64_t out[PAGES];
    OK(remap_query(w->at + at * P, n * P, out));
    for (size_t i = 0; i < n; i++) {
        uint64_t want = w->now[at + i];
        EQ(out[i] & RMQ_PGOFF, want);
        EQ((out[i] & RMQ_AWAY) != 0, want != w->home + at + i);
        if (i % 37 == 0)
            EQ(t_tag_at(w->at + (at + i) * P), (long)want);
    }
}

static void do_vector(void)
{
    struct remap_vec v[24];
    size_t n = 1 + pick(24);
    for (size_t k = 0; k < n; k++) {
        struct window *w = &windows[pick(WINDOWS)];
        size_t at, pages;
        some_part(&at, &pages);
        size_t to = pick(FILE_PAGES - pages + 1);
        if (pick(8) == 0 && w->home + at + pages <= FILE_PAGES)
            to = w->home + at;
        v[k] = (struct remap_vec){(uintptr_t)(w->at + at * P), to, (uint32_t)pages, 0};
        for (size_t i = 0; i < pages; i++)
            w->now[at + i] = to + i;
    }
    EQ(remapv(v, n, (unsigned)pick(8)), (ssize_t)n);
}

static void do_rotate(struct window *w, size_t at, size_t n)
{
    static uint64_t old[PAGES];
    ssize_t by = (ssize_t)pick(4 * PAGES) - 2 * PAGES;
    memcpy(old, &w->now[at], n * sizeof(old[0]));
    OK(remap_rotate(w->at + at * P, n * P, by));
    for (size_t i = 0; i < n; i++) {
        ssize_t to = ((ssize_t)i + by) % (ssize_t)n;
        w->now[at + (size_t)(to < 0 ? to + (ssize_t)n : to)] = old[i];
    }
}

static void do_swap(struct window *a, struct window *b, size_t at, size_t n)
{
    size_t other = pick(PAGES - n + 1);
    if (a == b && other < at + n && at < other + n) {
        ERR(remap_swap(a->at + at * P, b->at + other * P, n * P), EINVAL);
        return;
    }
    OK(remap_swap(a->at + at * P, b->at + other * P, n * P));
    for (size_t i = 0; i < n; i++) {
        uint64_t one = a->now[at + i];
        a->now[at + i] = b->now[other + i];
        b->now[other + i] = one;
    }
    check(b, other, n);
}

/* A window is replaced by the clone of another. */
static void do_clone(struct window *from, struct window *to)
{
    if (from == to)
        return;
    OK(munmap(to->at, PAGES * P));
    void *at = remap_clone(from->at, PAGES * P, PROT_READ | PROT_WRITE);
    CHECK(at != MAP_FAILED);
    *to = *from;
    to->at = at;
    check(to, 0, PAGES);
}

/* What is refused changes nothing. */
static void do_refused(struct window *w)
{
    struct remap_vec v[2] = {{(uintptr_t)w->at, 7, 600, 0},
                             {(uintptr_t)w->at + 1, 0, 1, 0}};
    ERR(remapv(v, 2, RM_ATOMIC), EINVAL);
    ERR(remap_rotate(w->at + 1, P, 1), EINVAL);
    ERR(remap_rotate(w->at, 1ul << 40, 1), EINVAL);
    ERR(remap_swap(w->at, w->at + P, 2 * P), EINVAL);
    check(w, 0, 600);
}

TEST(own_model, "the calls that Linux lacks, at random, against arrays")
{
    if (!t_tessera)
        SKIP("calls of Tessera");
    seed = t_ns() | 1;
    fprintf(stderr, "# own_model: seed %llu\n", (unsigned long long)seed);
    int fd = F(FILE_PAGES);
    unsigned char *room =
        t_map(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    room = (unsigned char *)(((uintptr_t)room + 512 * P - 1) & -(512 * P));
    for (size_t k = 0; k < WINDOWS; k++) {
        struct window *w = &windows[k];
        w->home = k * 300;
        w->at = t_map(room + (k * 2560 + k % 2 * 3) * P, PAGES, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_FIXED, fd, w->home);
        for (size_t i = 0; i < PAGES; i++)
            w->now[i] = w->home + i;
    }
    for (int round = 0; round < ROUNDS; round++) {
        struct window *w = &windows[pick(WINDOWS)];
        size_t at, n;
        some_part(&at, &n);
        switch (pick(6)) {
        case 0:
            do_swap(w, &windows[pick(WINDOWS)], at, n);
            break;
        case 1:
            do_clone(w, &windows[pick(WINDOWS)]);
            break;
        case 2:
            do_refused(w);
            break;
        case 3:
            do_rotate(w, at, n);
            break;
        default:
            do_vector();
            break;
        }
        check(w, at, n);
    }
    for (size_t k = 0; k < WINDOWS; k++)
        check(&windows[k], 0, PAGES);
}

int main(int argc, char **argv)
{
    return t_main(argc, argv, NULL);
}
