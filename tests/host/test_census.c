/* SPDX-License-Identifier: MIT
 *
 * What /proc counts about pages, asked page after page, against a count of all translations: many
 * aliases, single pages and runs away from home, two address spaces, changes between two questions.
 */
#include "mm/debug/report.h"
#include "mm/phys/buddy.h"
#include "mm/vm/census.h"
#include "tests/host/mmtest.h"

#define FILE_PAGES 300u
#define SLOTS      700u /* two tables and more */

/* Translations by file page, of both. */
static void tally_up(struct vm_object *o, struct mm *const *mm, u32 *count)
{
    for (u32 i = 0; i < SLOTS; i++)
        count[i] = 0;
    for (u32 k = 0; k < 2; k++)
        for (u32 i = 0; i < SLOTS; i++) {
            pte_t pte = t_pte(mm[k], BASE + i * P);
            const struct page *pg = pte_present(pte) ? pfn_to_page(pte_pfn(pte)) : NULL;

            if (pg && pg->object == o)
                count[pg->index]++;
        }
}

static void compare(struct vm_object *o, struct mm *const *mm)
{
    static u64 out[SLOTS];
    u32 count[SLOTS];

    tally_up(o, mm, count);
    for (u32 k = 0; k < 2; k++) {
        u64 rss = 0, shared = 0, pss = 0;
        struct pagemap_reader reader;
        struct vma_counts c;

        /* One who wants much is served by a look at all slots. */
        reader = (struct pagemap_reader){one_in(2) ? 1 : SLOTS, 0};
        if (one_in(2)) {
            pagemap_read(mm[k], BASE, 333, out, &reader);
            pagemap_read(mm[k], BASE + 333 * P, SLOTS - 333, out + 333, &reader);
        } else {
            pagemap_read(mm[k], BASE, SLOTS, out, &reader);
        }
        for (u32 i = 0; i < SLOTS; i++) {
            pte_t pte = t_pte(mm[k], BASE + i * P);
            u32 n = pte_present(pte) ? count[pfn_to_page(pte_pfn(pte))->index] : 0;

            CHECK_EQ((out[i] & PAGEMAP_PRESENT) != 0, n > 0);
            CHECK_EQ((out[i] & PAGEMAP_EXCLUSIVE) != 0, n == 1);
            rss += n > 0;
            shared += n > 1;
            pss += n ? P / n : 0;
        }
        mm_lock_shared(mm[k]);
        vma_report(vma_find(mm[k], BASE), &c);
        mm_unlock_shared(mm[k]);
        CHECK_EQ(c.rss, rss);
        CHECK_EQ(c.shared, shared);
        CHECK_EQ(c.pss_bytes, pss);
    }
}

/* A change that what is kept must not outlive. */
static void change(struct vm_object *o, struct mm *mm)
{
    u32 n = one_in(2) ? 1 : 1 + (u32)rnd_below(90);
    vaddr_t va = BASE + rnd_below(SLOTS - n) * P;

    switch (rnd_below(5)) {
    case 0: /* many aliases of one page */
        for (u32 i = 0; i < n; i++)
            CHECK_EQ(mm_remap(mm, va + i * P, P, 0, 77, 0), 0);
        break;
    case 1:
        object_punch(o, rnd_below(FILE_PAGES) * P, FILE_PAGES * P);
        break;
    case 2:
        for (u32 i = 0; i < n; i++)
            host_read_u32(mm, va + i * P);
        break;
    case 3:
        CHECK_EQ(mm_madvise(mm, va, n * P, MADV_DONTNEED), 0);
        break;
    default:
        CHECK_EQ(mm_remap(mm, va, n * P, 0, rnd_below(FILE_PAGES - n),
                          one_in(4) ? MAP_NONBLOCK : 0),
                 0);
    }
}

TEST(census_of_pages_asked_in_a_row)
{
    struct vm_object *o = t_file(FILE_PAGES);
    struct mm *mm[2] = {t_mm(), t_mm()};

    CHECK_EQ(object_truncate(o, SLOTS * P), 0);
    t_shared(mm[0], BASE, SLOTS, o, 0);
    t_shared(mm[1], BASE, SLOTS, o, 0);
    for (u32 i = 0; i < 300; i++) {
        change(o, mm[rnd_below(2)]);
        if (one_in(8))
            census_drop();
        compare(o, mm);
        if (one_in(4)) /* once more, by what is kept */
            compare(o, mm);
    }
    t_check(mm[0]);
    t_end(mm[0]);
    t_end(mm[1]);
    object_put(o);
}

/* Without memory for what is kept the numbers are the same. */
TEST(census_without_memory)
{
    struct vm_object *o = t_file(FILE_PAGES);
    struct mm *mm[2] = {t_mm(), t_mm()};

    CHECK_EQ(object_truncate(o, SLOTS * P), 0);
    t_shared(mm[0], BASE, SLOTS, o, 0);
    t_shared(mm[1], BASE, SLOTS, o, 0);
    for (u32 i = 0; i < 40; i++)
        change(o, mm[rnd_below(2)]);
    for (u32 n = 1; n < 12; n++) {
        census_drop();
        alloc_fail_at(n);
        compare(o, mm);
        alloc_fail_at(0);
    }
    t_end(mm[0]);
    t_end(mm[1]);
    object_put(o);
}

static struct mm
    *other; /* in a pause of a count, once: a page leaves it, and another count begins */
static u64 wanted;

static void change_and_count(void)
{
    struct pagemap_reader reader = {wanted, 0};
    static u64 out[64];

    host_pause_hook = NULL;
    CHECK_EQ(mm_madvise(other, BASE + 3 * P, P, MADV_DONTNEED), 0);
    pagemap_read(other, BASE + 128 * P, 64, out, &reader);
}

static void two_at_once(void)
{
    struct pagemap_reader reader = {wanted, 0};
    struct vm_object *o = t_file(FILE_PAGES);
    struct mm *mm[2] = {t_mm(), t_mm()};
    static u64 out[64];

    for (u32 k = 0; k < 2; k++) {
        t_shared(mm[k], BASE, FILE_PAGES, o, 0);
        for (u32 i = 0; i < FILE_PAGES; i++)
            host_read_u32(mm[k], BASE + i * P);
    }
    other = mm[0]; /* which is looked at first */
    pause_cycles = 0;
    host_pause_hook = change_and_count;
    pagemap_read(mm[1], BASE, 64, out, &reader);
    CHECK(host_pause_hook == NULL);
    pause_cycles = ~0ull;
    pagemap_read(mm[1], BASE, 64, out, &reader);
    CHECK(!(out[2] & PAGEMAP_EXCLUSIVE));
    CHECK(out[3] & PAGEMAP_EXCLUSIVE);
    t_end(mm[0]);
    t_end(mm[1]);
    object_put(o);
}

TEST(census_of_two_at_once)
{
    wanted = 1;
    two_at_once();
}

TEST(census_of_two_at_once_all_slots)
{
    wanted = FILE_PAGES;
    two_at_once();
}
