/* SPDX-License-Identifier: MIT
 *
 * remap_file_pages by the rulings of the spec and the requirements: what is
 * refused, what rounds, what an arrangement shows and survives, what it costs.
 */
#include "lib/string.h"
#include "mm/phys/slab.h"
#include "mm/phys/stat.h"
#include "mm/vm/backlink.h"
#include "mm/vm/slot.h"
#include "mm/vm/slot_range.h"
#include "tests/host/mmtest.h"

TEST(remap_refuses)
{
    struct vm_object *o = t_file(16);
    struct mm *mm = t_mm();
    const struct {
        vaddr_t addr;
        u64 size, prot;
        pgoff_t pgoff;
    } bad[] = {
        {BASE, P, PROT_READ, 0},
        {BASE, P, 1ull << 32, 0}, /* all 64 bits of the register */
        {BASE, 0, 0, 0},
        {BASE, P - 1, 0, 0},
        {BASE, ~0ull, 0, 0},
        {BASE, ~0ull - BASE + 1, 0, 0},
        {BASE, 17 * P, 0, 0}, /* beyond the mapping */
        {BASE - P, P, 0, 0},  /* a hole at the start */
        {0, P, 0, 0},
        {USER_END, P, 0, 0},
        {0xffffffff80000000ul, P, 0, 0},
        {0x0000800000000000ul, P, 0, 0},
        {BASE + LEAF_SPAN, P, 0, 0},         /* private anonymous */
        {BASE + 2 * LEAF_SPAN, P, 0, 0},     /* private file */
        {BASE + 3 * LEAF_SPAN, 2 * P, 0, 0}, /* two VMAs of unlike rights */
        {BASE + 4 * LEAF_SPAN, 4 * P, 0, 0}, /* a hole inside */
        {BASE, P, 0, OBJECT_MAX_PAGES},
        {BASE, 2 * P, 0, OBJECT_MAX_PAGES - 1},
        {BASE, P, 0, 1ull << 51},
        {BASE, P, 0, (1ull << 51) - 1},
        {BASE, P, 0, 1ull << 52},
        {BASE, P, 0, ~0ull},
        {BASE, 2 * P, 0, ~0ull},
    };
    u64 before;

    t_shared(mm, BASE, 16, o, 0);
    t_anon(mm, BASE + LEAF_SPAN, 4, RW);
    t_map(mm, BASE + 2 * LEAF_SPAN, 4, RW, MAP_PRIVATE, o, 0);
    t_shared(mm, BASE + 3 * LEAF_SPAN, 4, o, 0);
    CHECK_EQ(mm_mprotect(mm, BASE + 3 * LEAF_SPAN + P, P, PROT_READ), 0);
    t_shared(mm, BASE + 4 * LEAF_SPAN, 4, o, 0);
    CHECK_EQ(mm_munmap(mm, BASE + 4 * LEAF_SPAN + P, P), 0);
    CHECK_EQ(mm_remap(mm, BASE + P, 2 * P, 0, 7, 0), 0);
    before = t_picture(mm);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        int err = mm_remap(mm, bad[i].addr, bad[i].size, bad[i].prot, bad[i].pgoff, 0);

        if (err != -EINVAL)
            FAIL("case %zu: %d", i, err);
        CHECK_EQ(t_picture(mm), before);
        t_check(mm);
    }
    t_end(mm);
    object_put(o);
}

TEST(remap_rounds_down_and_ignores_flags)
{
    struct vm_object *o = t_file(16);
    struct mm *mm = t_mm();

    t_shared(mm, BASE, 8, o, 0);
    CHECK_EQ(mm_remap(mm, BASE + 7, P + 1, 0, 9, ~(u32)MAP_NONBLOCK), 0);
    CHECK(pte_present(t_pte(mm, BASE))); /* populated */
    CHECK_EQ(host_read_u32(mm, BASE), 10);
    CHECK_EQ(host_read_u32(mm, BASE + P), 2);
    CHECK_EQ(mm_remap(mm, BASE + 2 * P + 4095, 2 * P - 1, 0, 11, ~0u), 0);
    CHECK(!t_pte(mm, BASE + 2 * P)); /* NONBLOCK: not */
    CHECK_EQ(host_read_u32(mm, BASE + 2 * P), 12);
    CHECK_EQ(host_read_u32(mm, BASE + 3 * P), 4);
    t_check(mm);
    t_end(mm);
    object_put(o);
}

TEST(remap_beyond_the_end)
{
    struct vm_object *o = t_file(4);
    struct mm *mm = t_mm();

    t_shared(mm, BASE, 4, o, 0);
    CHECK_EQ(mm_remap(mm, BASE, 2 * P, 0, 100, 0), 0);
    CHECK_EQ(t_try(mm, BASE, FAULT_READ), FAULT_BUS);
    CHECK_EQ(object_truncate(o, 101 * P), 0);
    host_write_u32(mm, BASE, 9);
    CHECK_EQ(t_try(mm, BASE + P, FAULT_WRITE), FAULT_BUS);
    CHECK_EQ(object_resident(o), 5);
    CHECK_EQ(mm_remap(mm, BASE, P, 0, OBJECT_MAX_PAGES - 1, 0), 0); /* the last number */
    CHECK_EQ(t_try(mm, BASE, FAULT_READ), FAULT_BUS);
    t_check(mm);
    t_end(mm);
    object_put(o);
}

TEST(remap_shared_anonymous)
{
    struct mm *mm = t_mm();

    t_map(mm, BASE, 8, RW, MAP_SHARED, NULL, 0);
    for (u32 i = 0; i < 8; i++)
        host_write_u32(mm, BASE + i * P, i);
    for (u32 i = 0; i < 4; i++) { /* swap ends */
        CHECK_EQ(mm_remap(mm, BASE + i * P, P, 0, 7 - i, 0), 0);
        CHECK_EQ(mm_remap(mm, BASE + (7 - i) * P, P, 0, i, 0), 0);
    }
    for (u32 i = 0; i < 8; i++)
        CHECK_EQ(host_read_u32(mm, BASE + i * P), 7 - i);
    CHECK_EQ(mm_remap(mm, BASE, P, 0, 8, 0), 0);
    CHECK_EQ(t_try(mm, BASE, FAULT_READ), FAULT_BUS);
    CHECK_EQ(t_vmas(mm), 1);
    t_end(mm);
}

TEST(remap_read_only_and_without_rights)
{
    struct vm_object *o = t_file(8);
    struct mm *mm = t_mm();

    t_map(mm, BASE, 8, PROT_READ, MAP_SHARED, o, 0);
    CHECK_EQ(mm_remap(mm, BASE, P, 0, 5, 0), 0);
    CHECK_EQ(host_read_u32(mm, BASE), 6);
    CHECK_EQ(t_try(mm, BASE, FAULT_WRITE), FAULT_ACCERR);
    CHECK_EQ(t_try(mm, BASE, FAULT_EXEC), FAULT_ACCERR); /* nothing is granted */
    CHECK_EQ(mm_mprotect(mm, BASE, 8 * P, PROT_NONE), 0);
    CHECK_EQ(mm_remap(mm, BASE + P, P, 0, 7, 0), 0);
    CHECK(!t_pte(mm, BASE + P));
    CHECK_EQ(t_try(mm, BASE + P, FAULT_READ), FAULT_ACCERR);
    CHECK_EQ(mm_mprotect(mm, BASE, 8 * P, RW), 0);
    CHECK_EQ(host_read_u32(mm, BASE + P), 8);
    CHECK_EQ(host_read_u32(mm, BASE), 6);
    t_check(mm);
    t_end(mm);
    object_put(o);
}

/* Every other CPU that has the space loaded sees the new page when the call returns. */
TEST(remap_flushes_everywhere)
{
    struct vm_object *o = t_file(256);
    struct mm *mm = t_mm();

    t_shared(mm, BASE, 64, o, 0);
    for (u32 cpu = 0; cpu < HOST_CPUS; cpu++) {
        host_run_on(cpu);
        for (u32 i = 0; i < 64; i++)
            CHECK_EQ(host_read_u32(mm, BASE + i * P), i + 1);
    }
    for (u32 n = 1; n <= 64; n += 7) { /* few addresses, and more than a batch notes */
        u32 to = (u32)rnd_below(64);

        CHECK_EQ(mm_remap(mm, BASE, n * P, 0, 60 + to, 0), 0);
        host_tlb_check();
        for (u32 cpu = 0; cpu < HOST_CPUS; cpu++) {
            host_run_on(cpu);
            CHECK_EQ(host_read_u32(mm, BASE + (n - 1) * P), 60 + to + n);
        }
    }
    t_end(mm);
    object_put(o);
}

TEST(remap_of_nothing_live_flushes_nothing)
{
    struct vm_object *o = t_file(8);
    struct mm *mm = t_mm();
    u64 before[3];

    t_shared(mm, BASE, 8, o, 0);
    (void)host_read_u32(mm, BASE + 7 * P);
    before[0] = mm_stat_sum(MM_STAT_tlb_flush_page);
    before[1] = mm_stat_sum(MM_STAT_tlb_flush_range);
    before[2] = mm_stat_sum(MM_STAT_tlb_flush_full);
    CHECK_EQ(mm_remap(mm, BASE, 4 * P, 0, 3, 0), 0); /* none to present */
    CHECK_EQ(mm_remap(mm, BASE, 4 * P, 0, 3, 0), 0); /* the same again */
    CHECK_EQ(mm_stat_sum(MM_STAT_tlb_flush_page), before[0]);
    CHECK_EQ(mm_stat_sum(MM_STAT_tlb_flush_range), before[1]);
    CHECK_EQ(mm_stat_sum(MM_STAT_tlb_flush_full), before[2]);
    CHECK_EQ(host_tlb_holds(BASE + 7 * P), 1);
    t_end(mm);
    object_put(o);
}

TEST(remap_locked_stays_exact_and_resident)
{
    struct vm_object *o = t_file(8);
    struct mm *mm = t_mm();

    t_shared(mm, BASE, 8, o, 0);
    CHECK_EQ(mm_mlock(mm, BASE, 8 * P, 0), 0);
    CHECK_EQ(mm->locked_vm, 8);
    CHECK_EQ(mm_remap(mm, BASE, 4 * P, 0, 4, MAP_NONBLOCK), 0);
    CHECK(pte_present(t_pte(mm, BASE)));
    CHECK_EQ(mm->locked_vm, 8);
    CHECK_EQ(mm_munmap(mm, BASE, 8 * P), 0);
    CHECK_EQ(mm->locked_vm, 0);
    t_end(mm);
    object_put(o);
}

/* R-38 and the family: what is done to parts leaves the rest where it is. */
TEST(remap_survives_everything)
{
    struct vm_object *o = t_file(32);
    struct mm *mm = t_mm();
    vaddr_t at = BASE, to;
    u8 vec[16];

    t_shared(mm, at, 16, o, 0);
    for (u32 i = 0; i < 16; i++)
        CHECK_EQ(mm_remap(mm, at + i * P, P, 0, 31 - i, 0), 0);
    CHECK_EQ(mm_madvise(mm, at + 3 * P, 5 * P, MADV_DONTNEED), 0);
    CHECK_EQ(mm_mprotect(mm, at + 5 * P, 3 * P, PROT_READ), 0);
    CHECK_EQ(mm_msync(mm, at, 16 * P, MS_SYNC), 0);
    CHECK_EQ(mm_mlock(mm, at + 6 * P, 4 * P, 0), 0);
    CHECK_EQ(mm_munlock(mm, at, 16 * P), 0);
    CHECK_EQ(mm_mincore(mm, at, 16, vec), 0);
    for (u32 i = 0; i < 16; i++)
        CHECK_EQ(vec[i], 1);
    CHECK_EQ(mm_mprotect(mm, at, 16 * P, RW), 0);
    CHECK_EQ(t_vmas(mm), 1);
    for (u32 i = 0; i < 16; i++)
        CHECK_EQ(host_read_u32(mm, at + i * P), 32 - i);
    /* Growing, shrinking, moving part of it. */
    CHECK_EQ(mm_mremap(mm, at, 16 * P, 20 * P, 0, 0, &to), 0);
    CHECK_EQ(host_read_u32(mm, at + 17 * P), 18); /* new pages are at home */
    CHECK_EQ(mm_mremap(mm, at, 20 * P, 12 * P, 0, 0, &to), 0);
    CHECK_EQ(mm_mremap(mm, at + 4 * P, 4 * P, 4 * P, MREMAP_MAYMOVE | MREMAP_FIXED,
                       BASE + LEAF_SPAN - 2 * P, &to),
             0);
    CHECK_EQ(t_vmas(mm), 3);
    for (u32 i = 0; i < 12; i++) {
        bool moved = i >= 4 && i < 8;

        CHECK_EQ(host_read_u32(mm, moved ? to + (i - 4) * P : at + i * P), 32 - i);
    }
    t_check(mm);
    t_end(mm);
    object_put(o);
}

/* Adjacent VMAs of the same file and flags are one; the seam is nothing. */
TEST(remap_over_a_seam)
{
    struct vm_object *o = t_file(16);
    struct mm *mm = t_mm();

    t_shared(mm, BASE, 4, o, 0);
    t_shared(mm, BASE + 4 * P, 4, o, 4);
    CHECK_EQ(mm_remap(mm, BASE + 2 * P, 4 * P, 0, 8, 0), 0);
    CHECK_EQ(mm_remap(mm, BASE, 8 * P, 0, 8, 0), 0);
    for (u32 i = 0; i < 8; i++)
        CHECK_EQ(host_read_u32(mm, BASE + i * P), i + 9);
    t_end(mm);
    object_put(o);
}

/* reverse order, no VMA, memory bounded by 4 bytes a page, everything back. */
TEST(remap_reverse_is_cheap)
{
    enum { N = 4096 };
    struct vm_object *o = t_file(N);
    struct mm *mm = t_mm();
    u64 tables, free = page_count_free();

    t_shared(mm, BASE, N, o, 0);
    for (u32 i = 0; i < N; i++)
        CHECK_EQ(mm_remap(mm, BASE + i * P, P, 0, N - 1 - i, 0), 0);
    tables = mm->tables - 1;
    CHECK_EQ(t_vmas(mm), 1);
    CHECK_EQ(UNDER(&mm->lock, slot_count_away(vma_at(mm, BASE))), N);
    CHECK_EQ(away_bytes(), 4 * N);
    CHECK_EQ(backlink_bytes(), 0);
    CHECK(free - page_count_free() <= tables + 8 * N / P + 2);
    for (u32 i = 0; i < N; i += 13)
        CHECK_EQ(host_read_u32(mm, BASE + i * P), N - i);
    t_check(mm);
    CHECK_EQ(mm_munmap(mm, BASE, N * P), 0);
    CHECK_EQ(page_count_free(), free);
    t_end(mm);
    object_put(o);
}
