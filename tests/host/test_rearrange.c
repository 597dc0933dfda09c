/* SPDX-License-Identifier: MIT
 *
 * remapv, exchange, rotation, query and clone against plain arrays of numbers, with memory
 * that runs out at random; and the failure sweep of the calls that promise all or nothing.
 */
#include "lib/string.h"
#include "lib/uapi/remap.h"
#include "mm/debug/check.h"
#include "mm/phys/page_stack.h"
#include "mm/vm/slot.h"
#include "tests/host/mmtest.h"
#include "tests/host/state.h"

#define PAGES      1100u /* over three leaf tables */
#define FILE_PAGES 1400u
#define FIRST      3u /* home of the first page */
#define START      (BASE + LEAF_SPAN - 40 * P)

static u32 shows[PAGES], before[PAGES];

static void compare(struct mm *mm, vaddr_t at, const u32 *want)
{
    static u64 words[PAGES];

    CHECK_EQ(mm_remap_query(mm, at, PAGES, words), 0);
    for (u32 i = 0; i < PAGES; i++) {
        CHECK_EQ(words[i] & RMQ_PGOFF, want[i]);
        CHECK_EQ(!(words[i] & RMQ_AWAY), want[i] == FIRST + i);
    }
    t_check(mm);
}

/* Arms the allocator before one call of two. */
static bool arm(void)
{
    bool armed = one_in(2);

    if (armed)
        alloc_fail_at(1 + rnd_below(5));
    return armed;
}

/* Whether the call failed because memory did; else it must have succeeded. */
static bool ran_out(bool armed, s64 result)
{
    bool fired = armed && alloc_fail_left() == 0;

    alloc_fail_at(0);
    if (result == -ENOMEM) {
        CHECK(fired);
        return true;
    }
    CHECK(result >= 0);
    return false;
}

static void step_vector(struct mm *mm)
{
    static struct remap_vec v[1024], copy[1024];
    u32 n = 1 + (u32)rnd_below(one_in(8) ? 1024 : 20);
    u32 flags = (u32)rnd_below(4);
    ssize_t done;
    bool armed;

    for (u32 k = 0; k < n; k++) {
        u32 i = (u32)rnd_below(PAGES), c = one_in(20) ? 600 : 1 + (u32)rnd_below(3);

        c = MIN(c, PAGES - i);
        v[k] = (struct remap_vec){START + i * P, 0, c, 0};
        v[k].pgoff = one_in(3) ? FIRST + i : rnd_below(FILE_PAGES - c);
    }
    memcpy(copy, v, sizeof(v));
    armed = arm();
    done = mm_remapv(mm, v, n, flags);
    if (ran_out(armed, done))
        return;
    CHECK(done == n || (armed && !(flags & RM_ATOMIC) && done > 0));
    for (ssize_t k = 0; k < done; k++)
        for (u32 j = 0; j < copy[k].npages; j++)
            shows[(copy[k].addr - START) / P + j] = (u32)copy[k].pgoff + j;
}

static void step_swap(struct mm *mm)
{
    u32 n = 1 + (u32)rnd_below(one_in(4) ? PAGES / 2 : 10);
    u32 a = (u32)rnd_below(PAGES - n + 1), b = (u32)rnd_below(PAGES - n + 1);
    bool armed = arm(), overlap = a < b + n && b < a + n;
    int err = mm_remap_swap(mm, START + a * P, START + b * P, n * P);

    if (overlap) {
        alloc_fail_at(0);
        CHECK_EQ(err, -EINVAL);
        return;
    }
    if (ran_out(armed, err))
        return;
    memcpy(before, shows, sizeof(shows));
    memcpy(&shows[a], &before[b], n * sizeof(u32));
    memcpy(&shows[b], &before[a], n * sizeof(u32));
}

static void step_rotate(struct mm *mm)
{
    u32 n = 1 + (u32)rnd_below(one_in(4) ? PAGES : 10);
    u32 a = (u32)rnd_below(PAGES - n + 1), by = (u32)rnd_below(2 * n);
    bool armed = arm(), back = one_in(2);

    if (ran_out(armed, mm_remap_rotate(mm, START + a * P, n * P, back ? -(s64)by : by)))
        return;
    memcpy(before, shows, sizeof(shows));
    for (u32 i = 0; i < n; i++)
        shows[a + (back ? i + 2 * n - by : i + by) % n] = before[a + i];
}

static void step_clone(struct mm *mm)
{
    bool armed = arm();
    vaddr_t at = 0;

    if (ran_out(armed, mm_remap_clone(mm, START, PAGES * P, PROT_READ, &at)))
        return;
    compare(mm, at, shows);
    CHECK_EQ(mm_munmap(mm, at, PAGES * P), 0);
}

/* The pages that are touched are the right ones. */
static void step_touch(struct mm *mm, const struct vm_object *o)
{
    for (int k = 0; k < 30; k++) {
        u32 i = (u32)rnd_below(PAGES);

        if (shows[i] < object_npages(o))
            CHECK_EQ(host_read_u32(mm, START + i * P), shows[i] + 1);
        else
            CHECK_EQ(t_try(mm, START + i * P, FAULT_READ), FAULT_BUS);
    }
}

TEST_LIMIT(rearrange_random, 120)
{
    struct vm_object *o = t_file(FILE_PAGES);
    struct mm *mm = t_mm();

    t_shared(mm, START, PAGES, o, FIRST);
    for (u32 i = 0; i < PAGES; i++)
        shows[i] = FIRST + i;
    for (int step = 0; step < 1500; step++) {
        switch (rnd_below(16)) {
        case 0:
        case 1:
            step_clone(mm);
            break;
        case 2:
        case 3:
        case 4:
            step_rotate(mm);
            break;
        case 5:
        case 6:
        case 7:
            step_swap(mm);
            break;
        case 8: /* as if nothing had been */
            CHECK_EQ(mm_remap(mm, START, PAGES * P, 0, FIRST, MAP_NONBLOCK), 0);
            for (u32 i = 0; i < PAGES; i++)
                shows[i] = FIRST + i;
            CHECK_EQ(away_bytes(), 0);
            break;
        case 9: /* translations go, the arrangement stays */
            CHECK_EQ(mm_madvise(mm, START, PAGES * P, MADV_DONTNEED), 0);
            break;
        default:
            step_vector(mm);
        }
        if (step == 1000)
            CHECK_EQ(object_truncate(o, (FILE_PAGES - 200) * P), 0);
        step_touch(mm, o);
        compare(mm, START, shows);
    }
    t_end(mm);
    CHECK_EQ(away_bytes(), 0);
    object_put(o);
}

/* ---- the failure sweep ---- */

static struct mm *mm;
static struct vm_object *file;

#define A START                   /* PAGES pages, some of the first table away */
#define B (BASE + (600ul << 20))  /* untouched, no tables */
#define C (BASE + (2000ul << 20)) /* the same, another upper table */

static void scene_begin(void)
{
    file = t_file(64);
    mm = t_mm();
    t_shared(mm, A, PAGES, file, 0);
    t_shared(mm, B, PAGES, file, 0);
    t_shared(mm, C, PAGES, file, 0);
    CHECK_EQ(mm_remap(mm, A, 5 * P, 0, 9, 0), 0);
    CHECK_EQ(mm_remap(mm, A + 600 * P, 5 * P, 0, 9, MAP_NONBLOCK), 0);
    page_drain();
}

static int vector(void)
{
    struct remap_vec v[] = {
        {A + 7 * P, 1, 1, 0},    {A + 8 * P, 8, 1, 0},    {A, 0, 5, 0},
        {B + 10 * P, 3, 900, 0}, {C + 600 * P, 1, 40, 0}, {A + 39 * P, 5, 2, 0}};

    return mm_remapv(mm, v, ARRAY_SIZE(v), RM_ATOMIC | RM_NOPOPULATE) < 0 ? -ENOMEM : 0;
}

static int vector_populating(void)
{
    struct remap_vec v[] = {{A + 7 * P, 1, 1, 0}, {B + 10 * P, 3, 20, 0}, {A, 0, 5, 0}};

    return mm_remapv(mm, v, ARRAY_SIZE(v), RM_ATOMIC) < 0 ? -ENOMEM : 0;
}

static int swap_far(void)
{
    return mm_remap_swap(mm, B, C, PAGES * P);
}

static int swap_near(void)
{
    return mm_remap_swap(mm, A, A + 550 * P, 500 * P);
}

static int rotate(void)
{
    return mm_remap_rotate(mm, C, PAGES * P, 1);
}

static int clone(void)
{
    vaddr_t at;

    return mm_remap_clone(mm, A, PAGES * P, RW, &at);
}

static void sweep(const char *name, int (*run)(void), u64 least)
{
    static struct state was, is;
    u64 n;

    for (n = 1;; n++) {
        u64 left;
        int err;

        scene_begin();
        state_take(&was, &file, 1, 0);
        alloc_fail_at(n);
        err = run();
        left = alloc_fail_left();
        alloc_fail_at(0);
        CHECK(err == 0 || (err == -ENOMEM && !left));
        if (err) {
            state_take(&is, &file, 1, 0);
            state_compare(&was, &is, name, n);
            CHECK_EQ(run(), 0);
        }
        mm_check_all();
        host_tlb_check();
        t_end(mm);
        object_put(file);
        if (page_count_free() != host_free_at_boot())
            FAIL("%s, allocation %llu fails: pages are lost", name,
                 (unsigned long long)n);
        if (left)
            break;
    }
    if (n - 1 < least)
        FAIL("%s allocates only %llu times", name, (unsigned long long)n - 1);
}

TEST_LIMIT(rearrange_all_or_nothing, 120)
{
    scene_begin(); /* caches are registered, upper kernel tables exist */
    t_end(mm);
    object_put(file);
    sweep("remapv", vector, 6);
    sweep("remapv, populating", vector_populating, 2);
    sweep("remap_swap, far", swap_far, 6);
    sweep("remap_swap, near", swap_near, 1);
    sweep("remap_rotate", rotate, 6);
    sweep("remap_clone", clone, 4);
}
