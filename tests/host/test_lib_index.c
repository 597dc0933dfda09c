/* SPDX-License-Identifier: MIT
 *
 * The sparse index against a plain table, with node memory that runs out. It comes from the
 * slab allocator, so a leak shows as a page that does not come back.
 */
#include "lib/index.h"
#include "lib/uapi/errno.h"
#include "mm/phys/buddy.h"
#include "mm/phys/slab.h"
#include "tests/host/harness.h"
#include "tests/host/rnd.h"

#define SLOTS 96u

/* Few numbers, on both sides of every boundary the tree has. */
static u32 number[SLOTS];
static char entry[SLOTS];
static bool present[SLOTS];

static void make_numbers(void)
{
    u32 n = 0;

    for (u32 shift = 0; shift <= 30; shift += INDEX_SHIFT) {
        u64 edge = 1ull << shift;

        for (u64 k = 1; k <= 4; k++)
            for (int d = -1; d <= 1; d++)
                if (edge * k + (u64)d <= 0xffffffff && n < SLOTS - 1)
                    number[n++] = (u32)(edge * k + (u64)d);
    }
    number[n++] = 0xffffffff;
    while (n < SLOTS)
        number[n++] = (u32)rnd();
    for (u32 i = 0; i < SLOTS; i++) /* each once */
        for (u32 j = 0; j < i; j++)
            if (number[i] == number[j])
                number[i--] = (u32)rnd(), j = i;
}

static u64 count_nodes(const struct index_node *n)
{
    u64 total = 1, used = 0;

    if (!n)
        return 0;
    for (unsigned i = 0; i < INDEX_SLOTS; i++) {
        used += n->slot[i] != NULL;
        if (n->shift && n->slot[i]) {
            const struct index_node *child = n->slot[i];

            CHECK_EQ(child->shift, n->shift - INDEX_SHIFT);
            total += count_nodes(child);
        }
    }
    CHECK_EQ(n->count, used);
    CHECK(used > 0);
    return total;
}

static void check_count(const struct index *ix, u32 from, u64 most)
{
    u64 behind = 0;

    for (u32 i = 0; i < SLOTS; i++)
        behind += present[i] && number[i] >= from;
    CHECK_EQ(index_count_from(ix, from, ~0ull, ~0u), behind);
    CHECK(index_count_from(ix, from, most, ~0u) >= MIN(most, behind));
    CHECK(index_count_from(ix, from, ~0ull, 1) <= INDEX_SLOTS);
}

static void check_all(const struct index *ix)
{
    u64 have = 0;
    u32 at = 0;

    for (u32 i = 0; i < SLOTS; i++) {
        struct index_node *leaf = index_leaf(ix, number[i]);

        have += present[i];
        CHECK(index_get(ix, number[i]) == (present[i] ? &entry[i] : NULL));
        if (present[i])
            CHECK(leaf && leaf->slot[number[i] % INDEX_SLOTS] == &entry[i]);
    }
    CHECK_EQ(ix->count, have);
    check_count(ix, number[rnd_below(SLOTS)], rnd_below(SLOTS));
    /* In order, each once. */
    for (u64 n = 0;; n++) {
        u32 before = at;
        char *e = index_next(ix, &at);

        if (!e) {
            CHECK_EQ(n, have);
            break;
        }
        CHECK(at >= before && number[e - entry] == at && present[e - entry]);
        if (at++ == 0xffffffff) {
            CHECK_EQ(n + 1, have);
            break;
        }
    }
    (void)count_nodes(ix->root);
    /* No level more than the largest number needs. */
    CHECK(!ix->root || !ix->root->shift || ix->root->count > 1 || !ix->root->slot[0]);
}

TEST(index_random)
{
    struct index ix = {0};
    u64 free, failed = 0;

    make_numbers();
    free = page_count_free();
    for (int step = 0; step < 20000; step++) {
        u32 i = (u32)rnd_below(SLOTS);
        u64 nodes = count_nodes(ix.root);
        int err;

        if (rnd_below(100) < (step / 500 % 2 ? 60 : 40)) {
            alloc_fail_at(rnd_below(4));
            err = index_set(&ix, number[i], &entry[i]);
            alloc_fail_at(0);
            if (err == -ENOMEM) {
                failed++;
                CHECK_EQ(count_nodes(ix.root), nodes);
            } else {
                CHECK_EQ(err, present[i] ? -EEXIST : 0);
                present[i] = true;
            }
        } else if (rnd_below(10)) {
            void *e = index_erase(&ix, number[i]);

            CHECK(e == (present[i] ? &entry[i] : NULL));
            present[i] = false;
        } else if (index_reserve(&ix, number[i]) == 0) {
            if (rnd_below(2) || present[i]) {
                index_trim(&ix, number[i]);
                CHECK_EQ(count_nodes(ix.root), nodes);
            } else {
                alloc_fail_at(1); /* a reserved number needs no memory */
                CHECK_EQ(index_set(&ix, number[i], &entry[i]), 0);
                alloc_fail_at(0);
                present[i] = true;
            }
        }
        check_all(&ix);
    }
    CHECK(failed > 100);
    for (u32 i = SLOTS; i-- > 0; check_all(&ix)) {
        (void)index_erase(&ix, number[i]);
        present[i] = false;
    }
    CHECK(!ix.root && ix.count == 0);
    CHECK_EQ(page_count_free(), free);
}
