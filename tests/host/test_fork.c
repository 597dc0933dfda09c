/* SPDX-License-Identifier: MIT
 *
 * fork: private memory is shared until written, in all orders; shared memory stays shared in
 * the same arrangement; what may not be inherited is not.
 */
#include "mm/op/fork.h"
#include "mm/vm/slot.h"
#include "tests/host/mmtest.h"

static struct mm *fork_of(struct mm *mm)
{
    struct mm *child = NULL;

    CHECK_EQ(mm_fork(mm, &child), 0);
    t_check(mm);
    t_check(child);
    return child;
}

TEST(fork_copy_on_write)
{
    struct mm *mm = t_mm(), *child;
    struct page *pg;
    u64 free;

    t_anon(mm, BASE, 4, RW);
    t_anon(mm, BASE + 8 * P, 1, RW); /* two areas: the table is copied, not lent */
    for (u32 i = 0; i < 3; i++)
        host_write_u32(mm, BASE + i * P, 100 + i);
    child = fork_of(mm);
    pg = pfn_to_page(pte_pfn(t_pte(mm, BASE)));
    CHECK_EQ(pg->refs, 2);
    CHECK(t_pte(child, BASE) == t_pte(mm, BASE) && !pte_writable(t_pte(mm, BASE)));
    host_write_u32(mm, BASE, 1); /* the parent's old right must be gone */
    CHECK_EQ(host_read_u32(child, BASE), 100);
    free = page_count_free();
    host_write_u32(child, BASE, 2); /* the last owner writes in place */
    CHECK_EQ(page_count_free(), free);
    CHECK(pfn_to_page(pte_pfn(t_pte(child, BASE))) == pg);
    host_write_u32(child, BASE + P, 3);
    CHECK_EQ(host_read_u32(mm, BASE + P), 101);
    host_write_u32(child, BASE + 3 * P, 4); /* untouched before: zero in the other */
    CHECK_EQ(host_read_u32(mm, BASE + 3 * P), 0);
    CHECK_EQ(host_read_u32(mm, BASE), 1);
    CHECK_EQ(host_read_u32(child, BASE), 2);
    t_end(mm);
    CHECK_EQ(host_read_u32(child, BASE + 2 * P), 102);
    t_end(child);
}

/* The parent keeps running on another CPU while it forks: its rights go there, too. */
TEST(fork_flushes_other_cpus)
{
    struct mm *mm = t_mm(), *child;

    t_anon(mm, BASE, 100, RW);
    host_run_on(1);
    for (u32 i = 0; i < 100; i++)
        host_write_u32(mm, BASE + i * P, i);
    host_run_on(0);
    host_write_u32(mm, BASE, 5);
    child = fork_of(mm);
    host_run_on(1);
    host_write_u32(mm, BASE, 6);
    CHECK_EQ(host_read_u32(child, BASE), 5);
    t_end(child);
    t_end(mm);
}

TEST(fork_family_of_random_writers)
{
    enum { PEOPLE = 6, PAGES = 12 };
    static u32 want[PEOPLE][PAGES];
    struct mm *mm[PEOPLE] = {t_mm()};

    t_anon(mm[0], BASE, PAGES, RW);
    for (int step = 0; step < 6000; step++) {
        u32 k = (u32)rnd_below(PEOPLE), j = (u32)rnd_below(PEOPLE),
            i = (u32)rnd_below(PAGES);

        if (!mm[k])
            continue;
        host_run_on((u32)rnd_below(HOST_CPUS));
        if (one_in(12) && !mm[j]) {
            mm[j] = fork_of(mm[k]);
            for (u32 n = 0; n < PAGES; n++)
                want[j][n] = want[k][n];
        } else if (one_in(14) && j != k && mm[j]) {
            t_end(mm[k]);
            mm[k] = NULL;
            continue;
        } else if (one_in(6)) {
            u32 prot = one_in(2) ? PROT_NONE : PROT_READ;

            CHECK_EQ(mm_mprotect(mm[k], BASE + i * P, P, prot), 0);
            CHECK_EQ(t_try(mm[k], BASE + i * P, FAULT_WRITE), FAULT_ACCERR);
            CHECK_EQ(mm_mprotect(mm[k], BASE, PAGES * P, RW), 0);
        } else if (one_in(10)) {
            CHECK_EQ(mm_madvise(mm[k], BASE + i * P, P, MADV_DONTNEED), 0);
            want[k][i] = 0;
        } else {
            want[k][i] = (u32)rnd();
            host_write_u32(mm[k], BASE + i * P, want[k][i]);
        }
        for (u32 p = 0; p < PEOPLE; p++)
            if (mm[p]) {
                t_check(mm[p]);
                CHECK_EQ(host_read_u32(mm[p], BASE + i * P), want[p][i]);
            }
    }
    for (u32 k = 0; k < PEOPLE; k++)
        if (mm[k])
            t_end(mm[k]);
}

TEST(fork_shares_what_is_shared)
{
    struct vm_object *o = t_file(16);
    struct mm *mm = t_mm(), *child;

    t_shared(mm, BASE, 16, o, 0);
    t_map(mm, BASE + LEAF_SPAN, 4, RW, MAP_SHARED, NULL, 0);
    CHECK_EQ(mm_remap(mm, BASE + 3 * P, 5 * P, 0, 8, MAP_NONBLOCK), 0);
    host_write_u32(mm, BASE + LEAF_SPAN, 42);
    child = fork_of(mm);
    for (u32 i = 0; i < 16; i++) {
        u32 shown = i >= 3 && i < 8 ? i + 5 : i;

        CHECK_EQ(UNDER(&child->lock, mm_offset(child, vma_at(child, BASE), BASE + i * P)),
                 shown);
        CHECK_EQ(host_read_u32(child, BASE + i * P), shown + 1);
    }
    host_write_u32(child, BASE + 3 * P, 1234);
    CHECK_EQ(host_read_u32(mm, BASE + 8 * P), 1234);
    CHECK_EQ(host_read_u32(child, BASE + LEAF_SPAN), 42);
    /* The arrangement is each one's own afterwards. */
    CHECK_EQ(mm_remap(child, BASE, P, 0, 15, 0), 0);
    CHECK_EQ(host_read_u32(mm, BASE), 1);
    t_check(child);
    CHECK_EQ(object_truncate(o, 8 * P), 0);
    CHECK_EQ(t_try(child, BASE + 3 * P, FAULT_READ), FAULT_BUS);
    CHECK_EQ(t_try(mm, BASE + 3 * P, FAULT_READ), FAULT_BUS);
    t_end(mm);
    CHECK_EQ(host_read_u32(child, BASE + 7 * P + LEAF_SPAN - 7 * P), 42);
    t_end(child);
    object_put(o);
}

TEST(fork_private_file_pages)
{
    struct vm_object *o = t_file(4);
    struct mm *mm = t_mm(), *child;

    t_map(mm, BASE, 4, RW, MAP_PRIVATE, o, 0);
    host_write_u32(mm, BASE, 50);
    CHECK_EQ(host_read_u32(mm, BASE + P), 2);
    child = fork_of(mm);
    CHECK_EQ(mm_resident(child, RESIDENT_ANON), 1);
    host_write_u32(mm, BASE, 51);
    host_write_u32(mm, BASE + P, 52);
    CHECK_EQ(host_read_u32(child, BASE), 50);
    CHECK_EQ(host_read_u32(child, BASE + P), 2);
    CHECK_EQ(object_resident(o), 4);
    t_end(child);
    t_end(mm);
    object_put(o);
}

TEST(fork_obeys_advice)
{
    struct mm *mm = t_mm(), *child;

    t_anon(mm, BASE, 9, RW);
    for (u32 i = 0; i < 9; i++)
        host_write_u32(mm, BASE + i * P, 1 + i);
    CHECK_EQ(mm_madvise(mm, BASE + 2 * P, 2 * P, MADV_DONTFORK), 0);
    CHECK_EQ(mm_madvise(mm, BASE + 5 * P, P, MADV_WIPEONFORK), 0);
    CHECK_EQ(mm_mlock(mm, BASE + 7 * P, P, 0), 0);
    child = fork_of(mm);
    CHECK_EQ(t_try(child, BASE + 2 * P, FAULT_READ), FAULT_MAPERR);
    CHECK_EQ(host_read_u32(child, BASE + 5 * P), 0);
    CHECK_EQ(host_read_u32(mm, BASE + 5 * P), 6);
    CHECK_EQ(host_read_u32(child, BASE + 6 * P), 7);
    CHECK_EQ(child->locked_vm, 0);
    CHECK_EQ(child->total_vm, 7);
    t_end(child);
    t_end(mm);
}

TEST(fork_parked_pages)
{
    struct mm *mm = t_mm(), *child;

    t_anon(mm, BASE, 2, RW);
    host_write_u32(mm, BASE, 7);
    CHECK_EQ(mm_mprotect(mm, BASE, P, PROT_NONE), 0);
    child = fork_of(mm);
    CHECK_EQ(t_try(child, BASE, FAULT_READ), FAULT_ACCERR);
    CHECK_EQ(mm_mprotect(child, BASE, P, RW), 0);
    host_write_u32(child, BASE, 8);
    CHECK_EQ(mm_mprotect(mm, BASE, P, PROT_READ), 0);
    CHECK_EQ(host_read_u32(mm, BASE), 7);
    t_end(mm);
    t_end(child);
}
