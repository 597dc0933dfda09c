/* SPDX-License-Identifier: MIT
 *
 * Entries and tables: formats, geometry, visiting, trimming.
 */
#include "mm/phys/buddy.h"
#include "mm/table/pagetable.h"
#include "mm/table/pt_trim.h"
#include "tests/host/mmtest.h"

TEST(pte_round_trips)
{
    static const pfn_t frames[] = {0, 1, 0x1234, 0xfffff, 0x100000, (1ull << 40) - 1};

    for (size_t i = 0; i < ARRAY_SIZE(frames); i++)
        for (u32 prot = 0; prot < 8; prot++) {
            pte_t pte = pte_make_user(frames[i], prot), parked;

            CHECK(pte_present(pte) && pte_user(pte) && !pte_parked(pte));
            CHECK_EQ(pte_pfn(pte), frames[i]);
            CHECK_EQ(pte_any_pfn(pte), frames[i]);
            CHECK_EQ(pte_writable(pte), !!(prot & PTE_PROT_W));
            CHECK_EQ(pte_executable(pte), !!(prot & PTE_PROT_X));
            CHECK(!pte_writable(pte_write_protect(pte)));
            CHECK(!pte_user(pte_make_kernel(frames[i], prot)));
            parked = pte_make_parked(frames[i]);
            CHECK(parked && !pte_present(parked) && pte_parked(parked));
            CHECK_EQ(pte_any_pfn(parked), frames[i]);
            /* No existing frame stands in an entry that is not present. */
            CHECK_EQ((parked & PTE_ADDR) >> PAGE_SHIFT, frames[i] ^ ((1ull << 40) - 1));
        }
    CHECK(!pte_present(0) && !pte_parked(0));
}

TEST(pt_geometry)
{
    CHECK_EQ(pt_span(0), P);
    CHECK_EQ(pt_span(1), LEAF_SPAN);
    CHECK_EQ(pt_index(USER_END - 1, 3), 255);
    CHECK_EQ(pt_index(USER_END - 1, 0), 510);
    CHECK_EQ(pt_index(LEAF_SPAN - P, 0), 511);
    CHECK_EQ(pt_index(LEAF_SPAN, 1), 1);
    CHECK_EQ(pt_index(1ul << 39, 3), 1);
}

static const vaddr_t places[] = {
    0x10000,   LEAF_SPAN - P,   LEAF_SPAN, BASE,        (1ul << 30) - P,
    1ul << 30, (1ul << 39) - P, 1ul << 39, USER_END - P};

TEST(pt_make_find_trim)
{
    struct mm *mm = t_mm();
    struct change b;
    struct page *leaf;

    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        bool before = pt_leaf(mm, places[i]) != NULL, known = false;

        leaf = UNDER(&mm->lock, pt_leaf_make(mm, places[i]));
        CHECK(leaf && leaf->type == PAGE_TABLE && leaf->level == 0 && leaf->mm == mm);
        CHECK(pt_leaf(mm, places[i]) == leaf &&
              UNDER(&mm->lock, pt_leaf_make(mm, places[i])) == leaf);
        CHECK_EQ(pt_address(leaf, pt_index(places[i], 0)), places[i] & PAGE_MASK);
        for (size_t k = 0; k < i; k++)
            known |= places[i] / LEAF_SPAN == places[k] / LEAF_SPAN;
        CHECK_EQ(before, known);
    }
    t_check(mm);
    /* A table with an entry, an away number or a pin stays. */
    leaf = pt_leaf(mm, BASE);
    leaf->pins = 1;
    change_begin(&b, mm);
    UNDER(&mm->lock, pt_trim(mm, 0, USER_END, 0, USER_END + P, &b));
    change_end(&b);
    CHECK(pt_leaf(mm, BASE) == leaf && !pt_leaf(mm, USER_END - P) &&
          !pt_leaf(mm, 0x10000));
    CHECK_EQ(mm->tables, 4);
    leaf->pins = 0;
    /* Not wholly within floor and ceiling: stays. */
    UNDER(&mm->lock, pt_trim(mm, BASE, BASE + P, BASE + P, USER_END + P, &b));
    CHECK(pt_leaf(mm, BASE));
    UNDER(&mm->lock, pt_trim(mm, BASE, BASE + P, 0, BASE + LEAF_SPAN - P, &b));
    CHECK(pt_leaf(mm, BASE));
    UNDER(&mm->lock, pt_trim(mm, BASE, BASE + P, BASE, BASE + LEAF_SPAN, &b));
    change_end(&b);
    CHECK(!pt_leaf(mm, BASE));
    CHECK_EQ(mm->tables, 3); /* the upper ones lie beyond floor and ceiling */
    t_end(mm);
}

/* Where the next leaf table is. */
static vaddr_t next_leaf(const struct mm *mm, vaddr_t va, vaddr_t end)
{
    const struct page *leaf = pt_next_table(mm, &va, end, 0);

    CHECK(!leaf || leaf == pt_leaf(mm, va));
    return leaf ? va : end;
}

TEST(pt_visits_leaf_by_leaf)
{
    struct mm *mm = t_mm();
    struct page *leaf;
    int n = 0;

    CHECK(UNDER(&mm->lock, pt_leaf_make(mm, BASE)) &&
          UNDER(&mm->lock, pt_leaf_make(mm, BASE + 3 * LEAF_SPAN)));
    CHECK(UNDER(&mm->lock, pt_leaf_make(mm, BASE + (1ul << 39))));
    CHECK_EQ(next_leaf(mm, 0, USER_END), BASE);
    CHECK_EQ(next_leaf(mm, BASE + 5 * P, USER_END), BASE + 5 * P);
    CHECK_EQ(next_leaf(mm, BASE + LEAF_SPAN, USER_END), BASE + 3 * LEAF_SPAN);
    CHECK_EQ(next_leaf(mm, BASE + LEAF_SPAN, BASE + 2 * LEAF_SPAN), BASE + 2 * LEAF_SPAN);
    pt_for_each_table(mm, 0, BASE + 5 * P, BASE + (1ul << 39) + 7 * P, va, next, leaf)
    {
        static const vaddr_t from[] = {BASE + 5 * P, BASE + 3 * LEAF_SPAN,
                                       BASE + (1ul << 39)};
        static const vaddr_t to[] = {BASE + LEAF_SPAN, BASE + 4 * LEAF_SPAN,
                                     BASE + (1ul << 39) + 7 * P};

        CHECK(n < 3);
        CHECK_EQ(va, from[n]);
        CHECK_EQ(next, to[n]);
        CHECK(leaf == pt_leaf(mm, va));
        n++;
    }
    CHECK_EQ(n, 3);
    t_end(mm);
}

TEST(pt_make_without_memory)
{
    struct mm *mm = t_mm();

    for (u64 n = 1;; n++) {
        struct page *leaf;

        alloc_fail_at(n);
        leaf = UNDER(&mm->lock, pt_leaf_make(mm, BASE + n * (1ul << 39)));
        if (alloc_fail_left() != 0) {
            CHECK(leaf);
            CHECK_EQ(n, 4); /* three tables are made */
            break;
        }
        CHECK(!leaf);
        t_check(mm);
    }
    alloc_fail_at(0);
    t_end(mm); /* frees what failures left */
}

/* A CPU that only looked knows the way to a table without an entry: freeing it needs a flush
 * although no translation is removed. */
TEST(pt_trim_flushes_the_way_to_a_table)
{
    struct mm *mm = t_mm();
    struct vm_object *o = object_create(0);

    t_shared(mm, BASE, 2, o, 0);
    for (u32 cpu = 0; cpu < HOST_CPUS; cpu++) {
        host_run_on(cpu);
        for (int i = 0; i < 2; i++)
            CHECK_EQ(t_try(mm, BASE, FAULT_READ), FAULT_BUS);
    }
    CHECK_EQ(pt_leaf(mm, BASE)->present, 0);
    CHECK_EQ(mm_munmap(mm, BASE, 2 * P), 0);
    CHECK(!pt_leaf(mm, BASE));
    t_check(mm);
    t_end(mm);
    object_put(o);
}

/* What munmap leaves: one leaf table, as long as those above it are needed anyway. */
TEST(munmap_leaves_one_leaf_table)
{
    struct mm *mm = t_mm();
    struct vm_object *o = t_file(1);
    const vaddr_t near = BASE + 4 * LEAF_SPAN, far = BASE + 9 * LEAF_SPAN;
    u64 tables;

    t_anon(mm, BASE, 1, RW);
    t_anon(mm, near, 2, RW);
    CHECK_EQ(t_try(mm, BASE, FAULT_WRITE), FAULT_OK);
    CHECK_EQ(t_try(mm, near, FAULT_WRITE), FAULT_OK);
    tables = mm->tables;
    /* Not while another area is under it, then it stays, until another one does. */
    CHECK_EQ(mm_munmap(mm, near, P), 0);
    CHECK_EQ(mm->spare_leaf, 0);
    CHECK_EQ(mm_munmap(mm, near + P, P), 0);
    CHECK(mm->tables == tables && pt_leaf(mm, near) && pt_leaf(mm, near)->present == 0);
    t_anon(mm, far, 1, RW);
    CHECK_EQ(mm_munmap(mm, far, P), 0); /* it had none */
    CHECK(mm->tables == tables && pt_leaf(mm, near));
    t_anon(mm, far, 1, RW);
    CHECK_EQ(t_try(mm, far, FAULT_WRITE), FAULT_OK);
    CHECK_EQ(mm->tables, tables + 1);
    CHECK_EQ(mm_munmap(mm, far, P), 0);
    CHECK(mm->tables == tables && !pt_leaf(mm, near) && pt_leaf(mm, far));
    t_check(mm);
    /* In use again, though not touched: it stays the new area's. */
    t_shared(mm, far + 7 * P, 1, o, 0);
    t_anon(mm, near, 1, RW);
    CHECK_EQ(t_try(mm, near, FAULT_WRITE), FAULT_OK);
    CHECK_EQ(mm_munmap(mm, near, P), 0);
    CHECK(mm->tables == tables + 1 && pt_leaf(mm, near) && pt_leaf(mm, far));
    CHECK_EQ(mm_munmap(mm, far + 7 * P, P), 0);
    CHECK(mm->tables == tables && !pt_leaf(mm, near) && pt_leaf(mm, far));
    t_check(mm);
    /* Nobody needs those above it: nothing stays. */
    CHECK_EQ(mm_munmap(mm, BASE, P), 0);
    CHECK(mm->tables == 1 && mm->spare_leaf == 0);
    /* An address space ends with one. */
    t_anon(mm, BASE, 1, RW);
    t_anon(mm, near, 1, RW);
    CHECK_EQ(t_try(mm, near, FAULT_WRITE), FAULT_OK);
    CHECK_EQ(mm_munmap(mm, near, P), 0);
    CHECK(mm->spare_leaf != 0);
    object_put(o);
    t_end(mm);
}
