/* SPDX-License-Identifier: MIT
 *
 * Shrinking and punching under mappings of every kind: at home, away, private, in several
 * address spaces and on several CPUs. Nothing shows a page that left; the arrangement stays.
 */
#include "lib/pause.h"
#include "lib/string.h"
#include "mm/vm/rmap.h"
#include "tests/host/mmtest.h"

TEST(truncate_home_and_away)
{
    struct vm_object *o = t_file(16);
    struct mm *mm = t_mm();

    t_shared(mm, BASE, 16, o, 0);
    CHECK_EQ(mm_remap(mm, BASE, 4 * P, 0, 12, 0), 0); /* 12..15 low */
    CHECK_EQ(mm_remap(mm, BASE + 12 * P, 4 * P, 0, 0, 0), 0);
    for (u32 i = 0; i < 16; i++)
        (void)host_read_u32(mm, BASE + i * P);
    CHECK_EQ(object_truncate(o, 14 * P), 0);
    t_check(mm);
    for (u32 i = 0; i < 16; i++) {
        u32 shown = i < 4 ? 12 + i : i >= 12 ? i - 12 : i;

        CHECK_EQ(t_try(mm, BASE + i * P, FAULT_READ), shown < 14 ? FAULT_OK : FAULT_BUS);
        if (shown < 14)
            CHECK_EQ(host_read_u32(mm, BASE + i * P), shown + 1);
    }
    /* Growing again: the same file pages, empty, in the same arrangement. */
    CHECK_EQ(object_truncate(o, 16 * P), 0);
    CHECK_EQ(host_read_u32(mm, BASE + 2 * P), 0);
    CHECK_EQ(host_read_u32(mm, BASE + P), 14);
    host_write_u32(mm, BASE + 3 * P, 99);
    CHECK_EQ(mm_remap(mm, BASE + 15 * P, P, 0, 15, 0), 0);
    CHECK_EQ(host_read_u32(mm, BASE + 15 * P), 99);
    t_check(mm);
    t_end(mm);
    object_put(o);
}

TEST(truncate_many_spaces_and_cpus)
{
    struct vm_object *o = t_file(8);
    struct mm *mm[3];

    for (int k = 0; k < 3; k++) {
        mm[k] = t_mm();
        t_shared(mm[k], BASE + (u32)k * LEAF_SPAN, 8, o, 0);
        if (k)
            CHECK_EQ(mm_remap(mm[k], BASE + (u32)k * LEAF_SPAN, 4 * P, 0, 4, 0), 0);
        host_run_on((u32)k % HOST_CPUS);
        for (u32 i = 0; i < 8; i++)
            (void)host_read_u32(mm[k], BASE + (u32)k * LEAF_SPAN + i * P);
    }
    host_run_on(0);
    CHECK_EQ(object_truncate(o, 5 * P), 0); /* a stale translation fails the test */
    for (int k = 0; k < 3; k++)
        t_check(mm[k]);
    CHECK_EQ(object_resident(o), 5);
    CHECK_EQ(t_try(mm[2], BASE + 2 * LEAF_SPAN + P, FAULT_READ), FAULT_BUS);
    CHECK_EQ(host_read_u32(mm[2], BASE + 2 * LEAF_SPAN), 5);
    for (int k = 0; k < 3; k++)
        t_end(mm[k]);
    object_put(o);
}

TEST(truncate_takes_private_copies_punch_does_not)
{
    struct vm_object *o = t_file(8);
    struct mm *mm = t_mm();

    t_map(mm, BASE, 8, RW, MAP_PRIVATE, o, 0);
    host_write_u32(mm, BASE + 2 * P, 222);
    host_write_u32(mm, BASE + 6 * P, 666);
    CHECK_EQ(host_read_u32(mm, BASE + 3 * P), 4);
    CHECK_EQ(host_read_u32(mm, BASE + 7 * P), 8);
    object_punch(o, 2 * P, 4 * P);
    t_check(mm);
    CHECK_EQ(host_read_u32(mm, BASE + 2 * P), 222); /* the copy is the program's */
    CHECK_EQ(host_read_u32(mm, BASE + 3 * P), 0);
    CHECK_EQ(object_truncate(o, 5 * P), 0);
    t_check(mm);
    CHECK_EQ(t_try(mm, BASE + 6 * P, FAULT_READ), FAULT_BUS);
    CHECK_EQ(mm_resident(mm, RESIDENT_ANON), 1);
    CHECK_EQ(object_truncate(o, 8 * P), 0);
    CHECK_EQ(host_read_u32(mm, BASE + 6 * P), 0);
    t_end(mm);
    object_put(o);
}

TEST(truncate_takes_parked_copies)
{
    struct vm_object *o = t_file(4);
    struct mm *mm = t_mm();

    t_map(mm, BASE, 4, RW, MAP_PRIVATE, o, 0);
    host_write_u32(mm, BASE + 3 * P, 5);
    CHECK_EQ(mm_mprotect(mm, BASE, 4 * P, PROT_NONE), 0);
    CHECK(pte_parked(t_pte(mm, BASE + 3 * P)));
    t_check(mm);
    CHECK_EQ(object_truncate(o, 0), 0);
    CHECK_EQ(t_pte(mm, BASE + 3 * P), 0);
    CHECK_EQ(mm_resident(mm, RESIDENT_ANON), 0);
    t_check(mm);
    t_end(mm);
    object_put(o);
}

TEST(truncate_within_the_last_page)
{
    struct vm_object *o = t_file(2);
    struct mm *mm = t_mm();

    t_shared(mm, BASE, 2, o, 0);
    host_write_u32(mm, BASE + P + 96, 1);
    host_write_u32(mm, BASE + P + 100, 2);
    CHECK_EQ(object_truncate(o, P + 100), 0);
    CHECK_EQ(host_read_u32(mm, BASE + P + 96), 1); /* still there, no fault */
    CHECK_EQ(host_read_u32(mm, BASE + P + 100), 0);
    CHECK_EQ(object_truncate(o, P), 0);
    CHECK_EQ(t_try(mm, BASE + P, FAULT_READ), FAULT_BUS);
    t_end(mm);
    object_put(o);
}

TEST(punch_under_aliases)
{
    struct vm_object *o = t_file(8);
    struct mm *mm = t_mm();

    t_shared(mm, BASE, 64, o, 0);
    for (u32 i = 10; i < 40; i++) /* thirty aliases: a log */
        CHECK_EQ(mm_remap(mm, BASE + i * P, P, 0, 5, 0), 0);
    host_write_u32(mm, BASE + 20 * P, 77);
    CHECK_EQ(host_read_u32(mm, BASE + 5 * P), 77);
    object_punch(o, 5 * P, 6 * P);
    t_check(mm);
    CHECK_EQ(object_resident(o), 7);
    for (u32 i = 10; i < 40; i++)
        CHECK_EQ(t_pte(mm, BASE + i * P), 0);
    CHECK_EQ(host_read_u32(mm, BASE + 30 * P), 0);
    host_write_u32(mm, BASE + 31 * P, 78);
    CHECK_EQ(host_read_u32(mm, BASE + 5 * P), 78);
    t_check(mm);
    t_end(mm);
    object_put(o);
}

/* A page with a pin (a read(2) under way) leaves the file, its frame only after the pin. */
TEST(truncate_waits_for_pins_with_the_frame)
{
    struct vm_object *o = t_file(2);
    struct page *pg = object_find_page(o, 1);
    u64 free;

    CHECK_EQ(object_truncate(o, P), 0);
    CHECK(!pg->object && pg->refs == 1 && pg->type == PAGE_OBJECT);
    free = page_count_free();
    CHECK_EQ(*(u32 *)page_to_virt(pg), 2);
    page_put(pg);
    CHECK_EQ(page_count_free(), free + 1);
    object_put(o);
}

TEST(truncate_random)
{
    struct vm_object *o = t_file(40);
    struct mm *mm[2] = {t_mm(), t_mm()};
    u64 size = 40 * P;

    t_shared(mm[0], BASE, 40, o, 0);
    t_map(mm[1], BASE, 40, RW, MAP_PRIVATE, o, 0);
    t_shared(mm[1], BASE + 600 * P, 40, o, 0);
    for (int step = 0; step < 4000; step++) {
        u32 k = (u32)rnd_below(2), i = (u32)rnd_below(40);
        vaddr_t va = BASE + i * P + (k ? 600 * P : 0), home = BASE + i * P;
        struct page *pg;

        host_run_on((u32)rnd_below(HOST_CPUS));
        switch (rnd_below(8)) {
        case 0:
            size = rnd_below(41 * P);
            CHECK_EQ(object_truncate(o, size), 0);
            break;
        case 1:
            object_punch(o, rnd_below(size + 1), rnd_below(size + 1));
            break;
        case 2:
        case 3:
            CHECK_EQ(
                mm_remap(mm[k], va, P, 0, rnd_below(41), one_in(2) ? 0 : MAP_NONBLOCK),
                0);
            break;
        case 4:
            CHECK_EQ(t_try(mm[1], home, one_in(2) ? FAULT_WRITE : FAULT_READ),
                     i * P < align_up(size, P) ? FAULT_OK : FAULT_BUS);
            break;
        default:
            (void)t_try(mm[k], va, one_in(2) ? FAULT_WRITE : FAULT_READ);
            break;
        }
        t_check(mm[0]);
        t_check(mm[1]);
        pg = object_find_page(o, i);
        if (pg) {
            CHECK(UNDER(&o->lock, rmap_count(pg)) <= 120);
            page_put(pg);
        }
    }
    t_end(mm[0]);
    t_end(mm[1]);
    object_put(o);
}

/* ---- much at once: all translations behind the end go before the pages ---- */

#define MANY 512u /* the slots are at most four times the pages that go */

static struct mm *many[2];
static struct vm_object *many_file;
static u64 many_size;

/* Somebody else, before a truncate or in one of its pauses. */
static void many_do_one(void)
{
    u32 k = (u32)rnd_below(2), i = (u32)rnd_below(MANY), n = 1 + (u32)rnd_below(24);
    vaddr_t va = BASE + i * P + (k ? 700 * P : 0);

    host_run_on((u32)rnd_below(HOST_CPUS));
    n = MIN(n, MANY - i);
    switch (rnd_below(4)) {
    case 0:
        CHECK_EQ(mm_remap(many[k], va, n * P, 0, rnd_below(MANY + 1),
                          one_in(3) ? MAP_NONBLOCK : 0),
                 0);
        break;
    case 1:
        (void)t_try(many[1], BASE + i * P, one_in(2) ? FAULT_WRITE : FAULT_READ);
        break;
    default:
        for (u32 j = 0; j < n; j++)
            (void)t_try(many[k], va + j * P, one_in(2) ? FAULT_WRITE : FAULT_READ);
        break;
    }
}

static void many_between(void)
{
    u32 cpu = host_cpu;

    host_pause_hook = NULL; /* his calls pause as well */
    if (one_in(3))
        many_do_one();
    host_run_on(cpu);
    host_pause_hook = many_between;
}

TEST(truncate_much_at_once)
{
    many_file = t_file(MANY);
    many_size = MANY * P;
    many[0] = t_mm();
    many[1] = t_mm();
    t_shared(many[0], BASE, MANY, many_file, 0);
    t_map(many[1], BASE, MANY, RW, MAP_PRIVATE, many_file, 0);
    t_shared(many[1], BASE + 700 * P, MANY, many_file, 0); /* in two tables */
    pause_cycles = 0;
    for (int round = 0; round < 150; round++) {
        u32 cpu = host_cpu;

        for (int step = 0; step < 40; step++)
            many_do_one();
        host_run_on(cpu);
        host_pause_hook = one_in(2) ? many_between : NULL;
        many_size = one_in(4) ? 0 : rnd_below((one_in(4) ? MANY : 100) * P);
        CHECK_EQ(object_truncate(many_file, many_size), 0);
        host_pause_hook = NULL;
        t_check(many[0]);
        t_check(many[1]);
        CHECK(object_resident(many_file) <= object_npages(many_file));
        CHECK_EQ(object_truncate(many_file, MANY * P), 0);
        CHECK_EQ(object_allocate(many_file, 0, MANY * P), 0);
        t_check(many[0]);
    }
    t_end(many[0]);
    t_end(many[1]);
    object_put(many_file);
}

TEST(truncate_at_once_leaves_what_is_before_the_end)
{
    struct vm_object *o = t_file(512);
    struct mm *mm = t_mm();

    t_shared(mm, BASE, 512, o, 0);
    for (u32 i = 0; i < 512; i++)
        CHECK_EQ(mm_remap(mm, BASE + i * P, P, 0, 511 - i, 0), 0);
    CHECK_EQ(mm_remap(mm, BASE + 7 * P, P, 0, 7, 0), 0);     /* home, before the end */
    CHECK_EQ(mm_remap(mm, BASE + 507 * P, P, 0, 507, 0), 0); /* home, behind it */
    CHECK_EQ(object_truncate(o, 200 * P), 0);
    t_check(mm);
    for (u32 i = 0; i < 512; i++) {
        u32 shown = i == 7 || i == 507 ? i : 511 - i;

        CHECK_EQ(t_pte(mm, BASE + i * P) != 0, shown < 200);
        CHECK_EQ(t_try(mm, BASE + i * P, FAULT_READ), shown < 200 ? FAULT_OK : FAULT_BUS);
    }
    CHECK_EQ(mm_resident(mm, RESIDENT_SHMEM), 200); /* page 7 twice, 4 nowhere */
    t_end(mm);
    object_put(o);
}
