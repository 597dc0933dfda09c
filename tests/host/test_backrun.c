/* SPDX-License-Identifier: MIT
 *
 * Runs of backlinks: calls that show many pages at once, single pages beside them, holes and
 * new pages. Every translation is found exactly once, and goes with its page.
 */
#include "mm/debug/report.h"
#include "mm/vm/backrun.h"
#include "mm/vm/rmap.h"
#include "tests/host/mmtest.h"

#define FILE_PAGES 150u /* three leaves of the index, the last one not full */
#define SLOTS      700u /* two tables and more */

static u64 shown(struct mm *mm, const struct page *pg)
{
    u64 count = 0;

    for (u32 i = 0; i < SLOTS; i++) {
        pte_t pte = t_pte(mm, BASE + i * P);

        count += pte_present(pte) && pte_pfn(pte) == page_to_pfn(pg);
    }
    return count;
}

static void compare(struct vm_object *o, struct mm *a, struct mm *b)
{
    for (u32 i = 0; i < FILE_PAGES; i++) {
        struct page *pg = object_find_page(o, i);
        u64 want;

        if (!pg)
            continue;
        page_put(pg);
        want = shown(a, pg) + shown(b, pg);
        CHECK_EQ(UNDER(&o->lock, rmap_count(pg)), want);
        CHECK_EQ(page_translations(pg), want);
    }
    t_check(a);
    t_check(b);
}

/* Remaps up to 90 pages, so that runs of all lengths begin and end everywhere; some calls are
 * single pages, whose backlinks stand beside the runs, or leave the translations to faults. */
static void remap_some(struct mm *mm)
{
    u32 n = one_in(4) ? 1 : 1 + (u32)rnd_below(90);
    vaddr_t va = BASE + rnd_below(SLOTS - n) * P;

    CHECK_EQ(mm_remap(mm, va, n * P, 0, rnd_below(FILE_PAGES - n),
                      one_in(4) ? MAP_NONBLOCK : 0),
             0);
}

TEST(runs_find_every_translation_once)
{
    struct vm_object *o = t_file(FILE_PAGES);
    struct mm *a = t_mm(), *b = t_mm();

    t_shared(a, BASE, SLOTS, o, 0);
    t_shared(b, BASE, SLOTS, o, 3);
    for (int step = 0; step < 4000; step++) {
        struct mm *mm = one_in(2) ? a : b;
        u32 first = (u32)rnd_below(FILE_PAGES), n = 1 + (u32)rnd_below(20);

        switch (rnd_below(12)) {
        case 0:
            CHECK_EQ(
                mm_madvise(mm, BASE + rnd_below(SLOTS - n) * P, n * P, MADV_DONTNEED), 0);
            break;
        case 1:
            object_punch(o, first * P, (first + n) * P);
            break;
        case 2:
        case 3:
            (void)t_try(mm, BASE + rnd_below(SLOTS) * P, FAULT_READ);
            break;
        default:
            remap_some(mm);
            break;
        }
        if (step % 40 == 0)
            compare(o, a, b);
    }
    compare(o, a, b);
    t_end(a);
    t_check(b);
    t_end(b);
    object_put(o);
}
