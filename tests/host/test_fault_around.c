/* SPDX-License-Identifier: MIT
 *
 * Pages that a fault brings along.
 */
#include "lib/lock.h"
#include "mm/op/fault.h"
#include "mm/op/fork.h"
#include "mm/op/populate.h"
#include "mm/op/stack.h"
#include "mm/phys/buddy.h"
#include "mm/phys/stat.h"
#include "tests/host/mmtest.h"

/* How many pages from BASE on are mapped. */
static u64 mapped(struct mm *mm)
{
    u64 n = 0;

    while (t_pte(mm, BASE + n * P))
        n++;
    return n;
}

/* A read of one page maps those behind it in its block of 16, up to what stops it. */
TEST(fault_brings_neighbours)
{
    struct vm_object *o = t_file(64), *sparse = object_create(16 * P);
    struct mm *mm = t_mm(), *other = t_mm();
    struct page *pg;

    t_shared(mm, BASE, 64, o, 0);
    host_read_u32(mm, BASE + 10 * P);
    CHECK(!t_pte(mm, BASE + 9 * P) && t_pte(mm, BASE + 15 * P));
    CHECK(!t_pte(mm, BASE + 16 * P));
    CHECK_EQ(mm_resident(mm, RESIDENT_SHMEM), 6);
    host_read_u32(mm, BASE); /* up to what is mapped */
    CHECK_EQ(mm_resident(mm, RESIDENT_SHMEM), 16);
    CHECK_EQ(mapped(mm), 16);
    /* A page away from home stops the walk. */
    CHECK_EQ(mm_remap(mm, BASE + 20 * P, P, 0, 3, MAP_NONBLOCK), 0);
    host_read_u32(mm, BASE + 16 * P);
    CHECK(t_pte(mm, BASE + 19 * P) && !t_pte(mm, BASE + 20 * P));
    CHECK_EQ(host_read_u32(mm, BASE + 20 * P), 4);
    CHECK_EQ(host_read_u32(mm, BASE + 21 * P), 22);
    CHECK_EQ(object_truncate(o, 40 * P), 0);
    host_read_u32(mm, BASE + 32 * P); /* the end of the object */
    CHECK(t_pte(mm, BASE + 39 * P) && !t_pte(mm, BASE + 40 * P));

    /* A hole, and the end of the mapping. */
    CHECK_EQ(object_get_page(sparse, 0, &pg), 0);
    page_put(pg);
    CHECK_EQ(object_get_page(sparse, 1, &pg), 0);
    page_put(pg);
    CHECK_EQ(object_get_page(sparse, 3, &pg), 0);
    page_put(pg);
    t_shared(other, BASE, 16, sparse, 0);
    host_read_u32(other, BASE);
    CHECK_EQ(mapped(other), 2);
    t_shared(other, BASE + 64 * P, 2, o, 4);
    host_read_u32(other, BASE + 64 * P);
    CHECK(t_pte(other, BASE + 65 * P) && !t_pte(other, BASE + 66 * P));
    t_check(mm);
    t_check(other);
    t_end(mm);
    t_end(other);
    object_put(o);
    object_put(sparse);
}

/* How many of the first n entries are in use. */
static unsigned among(struct mm *mm, u32 n)
{
    unsigned used = 0;

    for (u32 i = 0; i < n; i++)
        used += t_pte(mm, BASE + i * P) != 0;
    return used;
}

static u32 spread(u32 i)
{
    return (i * 37 + 5) % 512;
}

/* Touches [i, n), each of which takes a fault of its own. */
static void one_by_one(struct mm *mm, u32 i, u32 n)
{
    unsigned before = among(mm, 512);

    for (u32 k = i; k < n; k++) {
        CHECK_EQ(host_read_u32(mm, BASE + k * P), spread(k) + 1);
        CHECK_EQ(among(mm, 512), before + k - i + 1);
    }
}

/* Pages away from home bring those behind them, wherever they come from, for who has walked through
 * four blocks of 64. */
TEST(fault_brings_neighbours_from_away)
{
    struct vm_object *o = t_file(512);
    struct mm *mm = t_mm(), *child;

    t_shared(mm, BASE, 512, o, 0);
    for (u32 i = 0; i < 512; i++)
        CHECK_EQ(mm_remap(mm, BASE + i * P, P, 0, spread(i), MAP_NONBLOCK), 0);
    CHECK_EQ(mm_fork(mm, &child), 0);
    one_by_one(mm, 320, 321); /* who jumps gets one */
    one_by_one(mm, 448, 449);
    one_by_one(mm, 0, 256);
    CHECK_EQ(host_read_u32(mm, BASE + 256 * P), spread(256) + 1);
    CHECK_EQ(among(mm, 512), 258 + 64);
    CHECK_EQ(mm_resident(mm, RESIDENT_SHMEM), 258 + 64);
    for (u32 i = 256; i < 320; i++)
        CHECK_EQ(host_read_u32(mm, BASE + i * P), spread(i) + 1);
    CHECK(pte_writable(t_pte(mm, BASE + 319 * P)));
    t_check(mm);
    object_punch(o, spread(390) * P, (spread(390) + 1) * P); /* a hole stops it */
    one_by_one(mm, 321, 322); /* the first of the block was there */
    host_read_u32(mm, BASE + 384 * P);
    CHECK(!t_pte(mm, BASE + 385 * P));
    for (u32 i = 0; i <= 256; i += 64)
        host_read_u32(child, BASE + i * P);
    host_write_u32(child, BASE + 320 * P, 7);
    host_read_u32(child, BASE + 384 * P);
    CHECK(t_pte(child, BASE + 389 * P) && !t_pte(child, BASE + 390 * P));
    t_check(child);

    /* So do what is in use, the end of the mapping and of the object; rights are those of the VMA. */
    CHECK_EQ(mm_remap(child, BASE, 512 * P, 0, 0, MAP_NONBLOCK), 0);
    for (u32 i = 0; i < 512; i++)
        CHECK_EQ(mm_remap(child, BASE + i * P, P, 0, (i + 1) % 512, MAP_NONBLOCK), 0);
    CHECK_EQ(mm_mprotect(child, BASE, 512 * P, PROT_READ), 0);
    CHECK_EQ(mm_munmap(child, BASE + 500 * P, 12 * P), 0);
    CHECK_EQ(object_truncate(o, 411 * P), 0);
    host_read_u32(child, BASE + 330 * P);
    for (u32 i = 0; i <= 384; i += 64)
        host_read_u32(child, BASE + i * P);
    CHECK(t_pte(child, BASE + 329 * P) && !t_pte(child, BASE + 331 * P));
    CHECK(!pte_writable(t_pte(child, BASE + 329 * P)));
    CHECK(t_pte(child, BASE + 409 * P) && !t_pte(child, BASE + 410 * P));
    CHECK_EQ(object_truncate(o, 512 * P), 0);
    t_check(child);
    CHECK_EQ(object_truncate(o, 0), 0);
    CHECK_EQ(among(child, 512) + among(mm, 512), 0);
    t_end(child);
    t_end(mm);
    object_put(o);
}

/* Truncate lowers the size first, and a fault may have found its page before: nothing behind it
 * comes along, and nothing behind the table is written. */
TEST(fault_brings_nothing_from_behind_the_end)
{
    struct vm_object *o = t_file(64);
    struct mm *mm = t_mm();

    t_shared(mm, BASE, 64, o, 0);
    host_read_u32(mm, BASE + 20 * P);
    CHECK_EQ(mm_madvise(mm, BASE + 21 * P, 43 * P, MADV_DONTNEED), 0);
    mm_lock_shared(mm);
    for (u64 size = 22; size-- > 19;) {
        struct slot s = slot_at(mm, BASE + 20 * P, 0);
        struct index_node *node = index_leaf(&o->pages, 20);
        struct tally t = {0, 0};

        spin_lock(&s.table->lock);
        spin_lock(&node->lock);
        o->size = size * P;
        fault_around(vma_at(mm, BASE), s, BASE + 20 * P, node, &t);
        o->size = 64 * P;
        spin_unlock(&node->lock);
        spin_unlock(&s.table->lock);
        CHECK_EQ(t.present, 0);
    }
    mm_unlock_shared(mm);
    t_check(mm);
    t_end(mm);
    object_put(o);
}
