/* SPDX-License-Identifier: MIT
 *
 * Slabs and kmalloc: objects do not overlap, are poisoned when free, and empty slabs go.
 */
#include "lib/kasan.h"
#include "lib/string.h"
#include "mm/phys/buddy.h"
#include "mm/phys/slab.h"
#include "tests/host/mmtest.h"

#define OBJECTS 300u

static struct {
    u8 *p;
    size_t size;
    u8 fill;
} object[OBJECTS];

static void check_fill(u32 i)
{
    for (size_t k = 0; k < object[i].size; k++)
        CHECK_EQ(object[i].p[k], object[i].fill);
}

static void drop(u32 i)
{
    check_fill(i);
    kfree(object[i].p);
    object[i].p = NULL;
}

TEST(kmalloc_random)
{
    static const size_t sizes[] = {1,   8,   16,  17,   64,   65,   96,   97,   192,
                                   256, 500, 512, 1024, 2048, 2049, 4096, 4097, 20000};
    u64 pages = slab_pages();

    for (int step = 0; step < 20000; step++) {
        u32 i = (u32)rnd_below(OBJECTS);

        if (object[i].p) {
            drop(i);
            continue;
        }
        object[i].size = sizes[rnd_below(ARRAY_SIZE(sizes))];
        object[i].fill = (u8)rnd();
        object[i].p = one_in(2) ? kmalloc(object[i].size) : kzalloc(object[i].size);
        CHECK(object[i].p && is_aligned((uintptr_t)object[i].p, 8));
        memset(object[i].p, object[i].fill, object[i].size);
    }
    for (u32 i = 0; i < OBJECTS; i++)
        if (object[i].p)
            drop(i);
    CHECK_EQ(slab_pages(), pages);
    CHECK(!kmalloc(0));
    kfree(NULL);
}

struct thing {
    u64 a[5];
};
SLAB_CACHE(things, "thing", struct thing);

TEST(slab_fill_empty_refill)
{
    static struct thing *all[2000];

    for (int round = 0; round < 3; round++) {
        for (u64 i = 0; i < ARRAY_SIZE(all); i++) {
            all[i] = slab_zalloc(&things);
            CHECK(all[i]);
            for (int k = 0; k < 5; k++) {
                CHECK_EQ(all[i]->a[k], 0);
                all[i]->a[k] = i * 7 + (u64)k;
            }
        }
        CHECK_EQ(things.objects, ARRAY_SIZE(all));
        CHECK(things.slabs >= ARRAY_SIZE(all) / things.per_slab);
        for (u64 i = 0; i < ARRAY_SIZE(all); i++) {
            u64 k = round == 1 ? ARRAY_SIZE(all) - 1 - i : i * 7 % ARRAY_SIZE(all);

            CHECK_EQ(all[k]->a[4], k * 7 + 4);
            slab_free(&things, all[k]);
        }
        CHECK_EQ(things.objects, 0);
        CHECK_EQ(things.slabs, 0);
        CHECK_EQ(page_count_free(), host_free_at_boot());
    }
}

SLAB_CACHE_LINES(lines, "lines", struct thing);

TEST(slab_lines_are_not_shared)
{
    void *of[40];

    for (u64 i = 0; i < ARRAY_SIZE(of); i++) {
        of[i] = slab_alloc(&lines);
        CHECK(of[i] && (KASAN_RESERVE || is_aligned((uintptr_t)of[i], SLAB_LINE)));
    }
    CHECK(lines.size == SLAB_LINE);
    for (u64 i = 0; i < ARRAY_SIZE(of); i++)
        slab_free(&lines, of[i]);
}

TEST(slab_free_memory_is_poisoned)
{
    struct thing *a = slab_alloc(&things), *b = slab_alloc(&things);

    CHECK(a && b);
    memset(a, 0, sizeof(*a));
    slab_free(&things, a);
    CHECK_EQ(a->a[4], 0x5a5a5a5a5a5a5a5aull); /* b keeps the slab alive */
    slab_free(&things, b);
}

TEST(R63_slab_refuses_foreign_pointers)
{
    struct thing *a = slab_alloc(&things);

    test_no_balance();
    CHECK_PANIC(slab_free(&things, (char *)a + 8));
}

TEST(slab_without_memory)
{
    struct thing *a;

    alloc_fail_at(1);
    CHECK(!slab_alloc(&things));
    a = slab_alloc(&things);
    CHECK(a);
    alloc_fail_at(1); /* from a slab that has room, too */
    CHECK(!slab_alloc(&things));
    CHECK_EQ(things.objects, 1);
    slab_free(&things, a);
}

/* A CPU keeps free objects: they are nobody's, and go when it drains. */
TEST(slab_kept_objects)
{
    static struct thing *all[100];

    slab_keep_most = 12;
    for (int round = 0; round < 3; round++) {
        for (u64 i = 0; i < ARRAY_SIZE(all); i++) {
            all[i] = slab_zalloc(&things);
            CHECK(all[i] && all[i]->a[4] == 0);
            all[i]->a[4] = i;
        }
        CHECK_EQ(slab_objects(&things), ARRAY_SIZE(all));
        for (u64 i = 0; i < ARRAY_SIZE(all); i++) {
            CHECK_EQ(all[i]->a[4], i);
            slab_free(&things, all[i]);
        }
        CHECK_EQ(slab_objects(&things), 0);
        CHECK(things.slabs > 0 && things.objects <= things.keep);
    }
    alloc_fail_at(1); /* from what the CPU keeps, too */
    CHECK(!slab_alloc(&things));
    slab_drain();
    CHECK_EQ(things.objects, 0);
    CHECK_EQ(things.slabs, 0);
    CHECK_EQ(page_count_free(), host_free_at_boot());
}
