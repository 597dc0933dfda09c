/* SPDX-License-Identifier: MIT
 *
 * The arrangement: which file page each address shows, against a plain table, through
 * remaps, cuts, moves and forks; and that it leaves no trace at home.
 */
#include "mm/op/fork.h"
#include "mm/vm/slot.h"
#include "mm/vm/slot_range.h"
#include "tests/host/mmtest.h"

#define PAGES 1100u /* over three leaf tables */
#define START (BASE + LEAF_SPAN - 40 * P)

static u32 shows[PAGES];

static void compare(struct mm *mm, vaddr_t at)
{
    struct vma *v = UNDER(&mm->lock, vma_at(mm, at));
    u64 away = 0;

    for (u32 i = 0; i < PAGES; i++) {
        CHECK_EQ(UNDER(&mm->lock, mm_offset(mm, v, at + i * P)), shows[i]);
        away += shows[i] != i + 3;
    }
    CHECK_EQ(UNDER(&mm->lock, slot_count_away(v)), away);
    t_check(mm);
}

static void remap(struct mm *mm, vaddr_t at, u32 i, u32 n, u32 pgoff, u32 flags)
{
    CHECK_EQ(mm_remap(mm, at + i * P, n * P, 0, pgoff, flags), 0);
    for (u32 k = 0; k < n; k++)
        shows[i + k] = pgoff + k;
}

TEST(away_random_ranges)
{
    struct vm_object *o = t_file(64);
    struct mm *mm = t_mm();
    vaddr_t at = START;

    t_shared(mm, at, PAGES, o, 3);
    for (u32 i = 0; i < PAGES; i++)
        shows[i] = i + 3;
    for (int step = 0; step < 3000; step++) {
        u32 i = (u32)rnd_below(PAGES), n = 1 + (u32)rnd_below(one_in(8) ? 700 : 12);
        struct mm *child;
        vaddr_t to;

        n = MIN(n, PAGES - i);
        switch (rnd_below(20)) {
        case 0: /* home again: as if nothing had been */
            remap(mm, at, 0, PAGES, 3, MAP_NONBLOCK);
            CHECK_EQ(away_bytes(), 0);
            break;
        case 1: /* moves with its addresses, to another place in its tables */
            to = at == START ? START + 64 * LEAF_SPAN + 17 * P : START;
            CHECK_EQ(mm_mremap(mm, at, PAGES * P, PAGES * P,
                               MREMAP_MAYMOVE | MREMAP_FIXED, to, &to),
                     0);
            at = to;
            break;
        case 2: /* is inherited */
            CHECK_EQ(mm_fork(mm, &child), 0);
            compare(child, at);
            t_end(mm);
            mm = child;
            break;
        case 3: /* dropping translations loses nothing */
            CHECK_EQ(mm_madvise(mm, at + i * P, n * P, MADV_DONTNEED), 0);
            break;
        case 4:
            CHECK_EQ(mm_mprotect(mm, at + i * P, n * P, PROT_NONE), 0);
            CHECK_EQ(mm_mprotect(mm, at, PAGES * P, RW), 0);
            break;
        case 5: /* put back home */
            remap(mm, at, i, n, i + 3, 0);
            break;
        default:
            remap(mm, at, i, n, (u32)rnd_below(300), one_in(2) ? MAP_NONBLOCK : 0);
            break;
        }
        if (one_in(4) || step < 100)
            compare(mm, at);
    }
    compare(mm, at);
    CHECK_EQ(mm_munmap(mm, at, PAGES * P), 0);
    CHECK_EQ(away_bytes(), 0);
    CHECK_EQ(mm->tables, 1);
    t_end(mm);
    object_put(o);
}

TEST(away_goes_with_its_addresses)
{
    struct vm_object *o = t_file(16);
    struct mm *mm = t_mm();

    t_shared(mm, BASE, 8, o, 0);
    CHECK_EQ(mm_remap(mm, BASE + 2 * P, 3 * P, 0, 9, 0), 0);
    CHECK_EQ(mm_munmap(mm, BASE + 3 * P, P), 0);
    t_shared(mm, BASE + 3 * P, 1, o, 3); /* a new mapping starts at home */
    CHECK_EQ(host_read_u32(mm, BASE + 2 * P), 10);
    CHECK_EQ(host_read_u32(mm, BASE + 3 * P), 4);
    CHECK_EQ(host_read_u32(mm, BASE + 4 * P), 12);
    t_check(mm);
    t_map(mm, BASE + 2 * P, 3, RW, MAP_SHARED, o, 2);
    CHECK_EQ(away_bytes(), 0);
    t_end(mm);
    object_put(o);
}

static void move(struct page *leaf, unsigned i, u32 number)
{
    struct tally t = {0, 0};
    struct change c;

    change_begin(&c, leaf->mm);
    spin_lock(&leaf->lock);
    CHECK(slot_move(slot_numbers(leaf, i, !number), 0, !number, number - 1, &t));
    CHECK(!slot_move(slot_numbers(leaf, i, !number), 0, !number, number - 1, &t));
    slot_settle(&c, leaf, &t, RESIDENT_SHMEM, 0);
    spin_unlock(&leaf->lock);
    change_end(&c);
}

TEST(away_reserve_and_trim)
{
    struct mm *mm = t_mm();
    struct page *leaf = UNDER(&mm->lock, pt_leaf_make(mm, BASE));

    mm_lock(mm);
    alloc_fail_at(1);
    CHECK_EQ(away_reserve(leaf), -ENOMEM);
    CHECK(!leaf->away);
    CHECK_EQ(away_reserve(leaf), 0);
    CHECK_EQ(away_reserve(leaf), 0);
    move(leaf, 5, 77);
    away_trim(leaf);
    CHECK(leaf->away && leaf->naway == 1);
    move(leaf, 5, 78);
    CHECK_EQ(leaf->naway, 1);
    move(leaf, 5, 0);
    CHECK_EQ(leaf->naway, 0);
    away_trim(leaf);
    CHECK(!leaf->away);
    mm_unlock(mm);
    t_end(mm);
}

/* 4 bytes per page of the blocks that were rearranged, nothing elsewhere. */
TEST(away_costs_what_it_says)
{
    struct vm_object *o = object_create(2048 * P);
    struct mm *mm = t_mm();

    t_shared(mm, BASE, 2048, o, 0);
    CHECK_EQ(mm_remap(mm, BASE, P, 0, 9, MAP_NONBLOCK), 0);
    CHECK_EQ(away_bytes(), 2048);
    CHECK_EQ(mm_remap(mm, BASE, 512 * P, 0, 9, MAP_NONBLOCK), 0);
    CHECK_EQ(away_bytes(), 2048);
    CHECK_EQ(mm_remap(mm, BASE, 2048 * P, 0, 9, MAP_NONBLOCK), 0);
    CHECK_EQ(away_bytes(), 4 * 2048);
    CHECK_EQ(t_vmas(mm), 1);
    t_end(mm);
    object_put(o);
}
