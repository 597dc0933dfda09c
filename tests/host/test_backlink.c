/* SPDX-License-Identifier: MIT
 *
 * Backlinks and the reverse map: every translation of a page is found, exactly once, however
 * many there are; stale hints do no harm and do not pile up.
 */
#include "mm/debug/report.h"
#include "mm/vm/backlink.h"
#include "mm/vm/rmap.h"
#include "tests/host/mmtest.h"

#define SLOTS 200u

static struct page *page_of(struct vm_object *o, pgoff_t pgoff)
{
    struct page *pg = object_find_page(o, pgoff);

    CHECK(pg);
    page_put(pg);
    return pg;
}

/* Translations that show a page. */
static u64 aliases(struct vm_object *o, pgoff_t pgoff)
{
    struct page *pg = page_of(o, pgoff);

    return UNDER(&o->lock, rmap_count(pg));
}

static u64 mapped(struct mm *mm, vaddr_t at, u32 n, const struct page *pg)
{
    u64 count = 0;

    for (u32 i = 0; i < n; i++) {
        pte_t pte = t_pte(mm, at + i * P);

        count += pte_present(pte) && pte_pfn(pte) == page_to_pfn(pg);
    }
    return count;
}

TEST(rmap_counts_every_alias)
{
    struct vm_object *o = t_file(8);
    struct mm *mm = t_mm(), *other = t_mm();

    t_shared(mm, BASE, SLOTS, o, 0);
    t_shared(other, BASE, SLOTS, o, 4); /* file page 5 at home here */
    for (int step = 0; step < 6000; step++) {
        struct mm *m = one_in(2) ? mm : other;
        vaddr_t va = BASE + rnd_below(SLOTS) * P;

        switch (rnd_below(6)) {
        case 0:
            CHECK_EQ(mm_madvise(m, va, P, MADV_DONTNEED), 0);
            break;
        case 1:
            (void)t_try(m, va, FAULT_READ);
            break;
        default:
            CHECK_EQ(mm_remap(m, va, P, 0, one_in(3) ? rnd_below(8) : 5,
                              one_in(3) ? MAP_NONBLOCK : 0),
                     0);
            break;
        }
        for (u32 i = 0; i < 8; i++) {
            struct page *pg = page_of(o, i);

            CHECK_EQ(UNDER(&o->lock, rmap_count(pg)),
                     mapped(mm, BASE, SLOTS, pg) + mapped(other, BASE, SLOTS, pg));
            CHECK_EQ(page_translations(pg), UNDER(&o->lock, rmap_count(pg)));
        }
        if (step % 16 == 0) {
            t_check(mm);
            t_check(other);
        }
        /* At most four times the live ones and the first log. */
        CHECK(backlink_bytes() <= 8 * (64 + 4 * 2 * SLOTS * 8));
    }
    t_end(mm);
    CHECK(mapped(other, BASE, SLOTS, page_of(o, 5)) > 4);
    CHECK_EQ(aliases(o, 5), mapped(other, BASE, SLOTS, page_of(o, 5)));
    t_end(other);
    CHECK_EQ(backlink_bytes(), 0); /* nobody maps it */
    object_put(o);
}

/* A permutation needs no log: at most one old and one new place per page. */
TEST(backlinks_of_a_permutation_stay_inline)
{
    struct vm_object *o = t_file(SLOTS);
    struct mm *mm = t_mm();

    t_shared(mm, BASE, SLOTS, o, 0);
    for (u32 round = 0; round < 5; round++)
        for (u32 i = 0; i < SLOTS; i++)
            CHECK_EQ(mm_remap(mm, BASE + i * P, P, 0, (SLOTS - 1 - i + round) % SLOTS, 0),
                     0);
    CHECK_EQ(backlink_bytes(), 0);
    for (u32 i = 0; i < SLOTS; i++)
        CHECK_EQ(host_read_u32(mm, BASE + i * P), (SLOTS - 1 - i + 4) % SLOTS + 1);
    t_check(mm);
    t_end(mm);
    object_put(o);
}

TEST(backlink_hint_into_a_freed_table)
{
    struct vm_object *o = t_file(2);
    struct mm *mm = t_mm();
    struct page *pg = page_of(o, 1);

    t_shared(mm, BASE, 2, o, 0);
    CHECK_EQ(mm_remap(mm, BASE, P, 0, 1, 0), 0);
    CHECK(backlink_any(pg));
    CHECK_EQ(UNDER(&o->lock, rmap_count(pg)), 1);
    CHECK_EQ(mm_munmap(mm, BASE, 2 * P), 0);
    CHECK_EQ(mm->tables, 1); /* the table is gone, the hint is stale */
    CHECK_EQ(UNDER(&o->lock, rmap_count(pg)), 0);
    CHECK_EQ(object_truncate(o, 0), 0);
    t_end(mm);
    object_put(o);
}

TEST(backlink_without_memory_leaves_it_to_a_fault)
{
    struct vm_object *o = t_file(4);
    struct mm *mm = t_mm();

    t_shared(mm, BASE, 64, o, 0);
    for (u32 i = 8; i < 12; i++)
        CHECK_EQ(mm_remap(mm, BASE + i * P, P, 0, 1, 0), 0);
    alloc_fail_at(1); /* the fifth alias needs a log */
    CHECK_EQ(mm_remap(mm, BASE + 12 * P, P, 0, 1, 0), 0);
    CHECK_EQ(alloc_fail_left(), 0);
    t_check(mm);
    CHECK_EQ(host_read_u32(mm, BASE + 12 * P), 2);
    CHECK_EQ(mm_madvise(mm, BASE + 12 * P, P, MADV_DONTNEED), 0);
    t_check(mm);
    CHECK_EQ(host_read_u32(mm, BASE + 12 * P), 2);
    t_end(mm);
    object_put(o);
}

/* So many aliases that the log has nodes; memory follows what is live. */
TEST(log_of_many_aliases)
{
    enum { MANY = 20000 };
    struct vm_object *o = t_file(MANY);
    struct mm *mm = t_mm();
    struct page *pg = page_of(o, 3);
    u64 full, made, most = 0;

    t_shared(mm, BASE, MANY, o, 0);
    for (u32 i = 0; i < MANY; i++) {
        made = mm_stat_sum(MM_STAT_backlink_grow);
        CHECK_EQ(mm_remap(mm, BASE + i * P, P, 0, 3, 0), 0);
        most = MAX(most, mm_stat_sum(MM_STAT_backlink_grow) - made);
    }
    /* A full table becomes a node in one step: its 16 children, each made once. */
    CHECK(most >= 12 && most <= 16 + 1);
    CHECK_EQ(UNDER(&o->lock, rmap_count(pg)), MANY);
    full = backlink_bytes();
    CHECK(full < MANY * 64);
    /* To and fro takes nothing: a key is in the log once. */
    for (u32 i = 0; i < MANY; i++) {
        CHECK_EQ(mm_remap(mm, BASE + 5 * P, P, 0, 4, 0), 0);
        CHECK_EQ(mm_remap(mm, BASE + 5 * P, P, 0, 3, 0), 0);
    }
    CHECK_EQ(backlink_bytes(), full);
    CHECK_EQ(UNDER(&o->lock, rmap_count(pg)), MANY);
    /* The same slots show one page after the other: stale hints do not pile up. */
    for (u32 to = 10; to < 18; to++)
        for (u32 i = 0; i < MANY; i++)
            CHECK_EQ(mm_remap(mm, BASE + i * P, P, 0, to, 0), 0);
    CHECK(backlink_bytes() < 4 * full);
    CHECK_EQ(UNDER(&o->lock, rmap_count(pg)), 0);
    CHECK_EQ(aliases(o, 17), MANY);
    t_check(mm);
    CHECK_EQ(object_truncate(o, 17 * P), 0);
    CHECK_EQ(mapped(mm, BASE, 2000, page_of(o, 16)), 0);
    CHECK_EQ(mm_resident(mm, RESIDENT_SHMEM), 0);
    t_end(mm);
    CHECK_EQ(backlink_bytes(), 0);
    object_put(o);
}

/* Without memory a table fills up, then the translation is left to a fault; later it goes on. */
TEST(log_without_memory)
{
    struct vm_object *o = t_file(4096);
    struct mm *mm = t_mm();
    u32 present;

    t_shared(mm, BASE, 4096, o, 0);
    for (u32 i = 8; i < 4096; i++) {
        if (i % 3 == 0 && i % 512) /* table and array are there */
            alloc_fail_at(1);
        CHECK_EQ(mm_remap(mm, BASE + i * P, P, 0, 1, 0), 0);
        alloc_fail_at(0);
        if (i % 64 == 0)
            t_check(mm);
    }
    present = (u32)mapped(mm, BASE, 4096, page_of(o, 1));
    CHECK_EQ(aliases(o, 1), present);
    for (u32 i = 8; i < 4096; i++)
        CHECK_EQ(host_read_u32(mm, BASE + i * P), 2);
    t_check(mm);
    CHECK_EQ(aliases(o, 1), 4096 - 8);
    t_end(mm);
    object_put(o);
}

/* A log is found without a walk over its object, and given back when nothing maps that. */
TEST(logs_of_several_pages_go_with_the_last_mapping)
{
    struct vm_object *o = t_file(64);
    struct mm *mm = t_mm();

    t_shared(mm, BASE, 512, o, 0);
    for (u32 page = 0; page < 8; page++)
        for (u32 i = 0; i < 32; i++)
            CHECK_EQ(mm_remap(mm, BASE + (page * 32 + i) * P, P, 0, 40 + page, 0), 0);
    CHECK(backlink_bytes() > 0);
    CHECK_EQ(object_truncate(o, 45 * P), 0); /* some of the list's middle */
    object_punch(o, 40 * P, 41 * P);
    t_check(mm);
    t_end(mm);
    CHECK_EQ(backlink_bytes(), 0);
    object_put(o);
}
