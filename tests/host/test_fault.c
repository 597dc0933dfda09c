/* SPDX-License-Identifier: MIT
 *
 * The page fault: every cell of the decision table in mm/op/fault.c, every refusal, growth of
 * stacks, populating, memory that runs out.
 */
#include "mm/op/access.h"
#include "mm/op/fault_handle.h"
#include "mm/op/fork.h"
#include "mm/op/populate.h"
#include "mm/op/stack.h"
#include "mm/phys/buddy.h"
#include "mm/phys/stat.h"
#include "tests/host/mmtest.h"

static struct page *shown(struct mm *mm, vaddr_t va)
{
    pte_t pte = t_pte(mm, va);

    return pte ? pfn_to_page(pte_any_pfn(pte)) : NULL;
}

#define COUNTS(name, by, ...)                               \
    do {                                                    \
        u64 old_ = mm_stat_sum(MM_STAT_##name);             \
        __VA_ARGS__;                                        \
        CHECK_EQ(mm_stat_sum(MM_STAT_##name), old_ + (by)); \
    } while (0)

TEST(fault_anonymous_none_read)
{
    struct mm *mm = t_mm();

    t_anon(mm, BASE, 4, RW);
    COUNTS(fault_anon_zero, 1, CHECK_EQ(host_read_u32(mm, BASE), 0));
    CHECK(shown(mm, BASE) == zero_page && !pte_writable(t_pte(mm, BASE)));
    CHECK_EQ(mm_rss(mm), 0);
    t_check(mm);
    t_end(mm);
}

TEST(fault_anonymous_none_write)
{
    struct mm *mm = t_mm();

    t_anon(mm, BASE, 4, RW);
    COUNTS(fault_anon_new, 1, host_write_u32(mm, BASE + 8, 5));
    CHECK(shown(mm, BASE)->type == PAGE_ANON && pte_writable(t_pte(mm, BASE)));
    CHECK_EQ(host_read_u32(mm, BASE), 0);
    CHECK_EQ(host_read_u32(mm, BASE + 8), 5);
    CHECK_EQ(mm_resident(mm, RESIDENT_ANON), 1);
    t_check(mm);
    t_end(mm);
}

TEST(fault_anonymous_zero_page_then_write)
{
    struct mm *mm = t_mm();

    t_anon(mm, BASE, 4, RW);
    CHECK_EQ(host_read_u32(mm, BASE), 0); /* the zero page is in the TLB now */
    COUNTS(fault_cow, 1, host_write_u32(mm, BASE, 6));
    CHECK_EQ(host_read_u32(mm, BASE), 6);
    CHECK_EQ(*(u32 *)page_to_virt(zero_page), 0);
    CHECK_EQ(mm_resident(mm, RESIDENT_ANON), 1);
    t_check(mm);
    t_end(mm);
}

TEST(fault_anonymous_shared_with_child)
{
    struct mm *mm = t_mm(), *child;
    struct page *pg;

    t_anon(mm, BASE, 1, RW);
    host_write_u32(mm, BASE, 1);
    pg = shown(mm, BASE);
    CHECK_EQ(mm_fork(mm, &child), 0);
    CHECK_EQ(pg->refs, 2);
    CHECK(!pte_writable(t_pte(mm, BASE)) && !pte_writable(t_pte(child, BASE)));
    COUNTS(fault_cow, 1, host_write_u32(child, BASE, 2));
    CHECK(shown(child, BASE) != pg && shown(mm, BASE) == pg);
    CHECK_EQ(pg->refs, 1);
    /* Now the only owner: the same frame becomes writable. */
    COUNTS(fault_reuse, 1, host_write_u32(mm, BASE, 3));
    CHECK(shown(mm, BASE) == pg);
    CHECK_EQ(host_read_u32(child, BASE), 2);
    CHECK_EQ(host_read_u32(mm, BASE), 3);
    t_check(mm);
    t_check(child);
    t_end(child);
    t_end(mm);
}

TEST(fault_private_object)
{
    struct vm_object *o = t_file(4);
    struct mm *mm = t_mm();

    t_map(mm, BASE, 4, RW, MAP_PRIVATE, o, 0);
    /* none, read: the object's page, read-only */
    CHECK_EQ(host_read_u32(mm, BASE), 1);
    CHECK(shown(mm, BASE)->type == PAGE_OBJECT && !pte_writable(t_pte(mm, BASE)));
    CHECK_EQ(mm_resident(mm, RESIDENT_FILE), 4); /* neighbours came along */
    CHECK(!pte_writable(t_pte(mm, BASE + P)));
    /* present read-only, write: a copy */
    COUNTS(fault_cow, 1, host_write_u32(mm, BASE, 100));
    CHECK_EQ(mm_resident(mm, RESIDENT_FILE), 3);
    CHECK_EQ(mm_resident(mm, RESIDENT_ANON), 1);
    /* none, write: a copy at once, with the rest of the page */
    CHECK_EQ(mm_madvise(mm, BASE + P, P, MADV_DONTNEED), 0);
    COUNTS(fault_cow, 1, host_write_u32(mm, BASE + P + 4, 200));
    CHECK_EQ(host_read_u32(mm, BASE + P), 2);
    CHECK_EQ(*(u32 *)page_to_virt(index_get(&o->pages, 0)), 1);
    CHECK_EQ(((u32 *)page_to_virt(index_get(&o->pages, 1)))[1], 0);
    t_check(mm);
    t_end(mm);
    object_put(o);
}

TEST(fault_shared_object)
{
    struct vm_object *o = t_file(4);
    struct mm *mm = t_mm(), *other = t_mm();

    t_shared(mm, BASE, 4, o, 0);
    t_shared(other, BASE + P, 4, o, 0);
    COUNTS(fault_object, 1, CHECK_EQ(host_read_u32(mm, BASE), 1));
    CHECK(pte_writable(t_pte(mm, BASE))); /* no second fault for writing */
    COUNTS(pgfault, 0, host_write_u32(mm, BASE, 77));
    CHECK_EQ(host_read_u32(other, BASE + P), 77);
    /* present read-only, write: made writable, and the TLB learns it */
    CHECK_EQ(mm_mprotect(mm, BASE, P, PROT_READ), 0);
    CHECK_EQ(host_read_u32(mm, BASE), 77);
    CHECK_EQ(t_try(mm, BASE, FAULT_WRITE), FAULT_ACCERR);
    CHECK_EQ(mm_mprotect(mm, BASE, P, RW), 0);
    host_write_u32(mm, BASE, 78);
    CHECK_EQ(host_read_u32(other, BASE + P), 78);
    CHECK_EQ(mm_resident(mm, RESIDENT_SHMEM), 4);
    t_check(mm);
    t_check(other);
    t_end(mm);
    t_end(other);
    object_put(o);
}

TEST(fault_spurious)
{
    struct vm_object *o = t_file(1);
    struct mm *mm = t_mm();

    t_anon(mm, BASE, 1, RW);
    t_shared(mm, BASE + 9 * P, 1, o, 0);
    host_write_u32(mm, BASE, 1);
    host_write_u32(mm, BASE + 9 * P, 2);
    COUNTS(fault_spurious, 1, CHECK_EQ(fault_handle(mm, BASE, FAULT_WRITE), FAULT_OK));
    COUNTS(fault_spurious, 1,
           CHECK_EQ(fault_handle(mm, BASE + 9 * P, FAULT_WRITE), FAULT_OK));
    /* The stale entry that caused it is gone from this CPU. */
    CHECK_EQ(host_tlb_holds(BASE), 0);
    CHECK_EQ(host_tlb_holds(BASE + 9 * P), 0);
    t_end(mm);
    object_put(o);
}

/* Each CPU finds out by a fault of its own; a call that asks for what is there tells nobody. */
TEST(fault_wider_rights_disturb_nobody)
{
    struct mm *mm = t_mm();
    struct vm_object *object;
    u64 remote, at;

    t_anon(mm, BASE, 1, RW);
    host_write_u32(mm, BASE, 1);
    CHECK_EQ(mm_mprotect(mm, BASE, P, PROT_READ), 0);
    host_run_on(1);
    CHECK_EQ(host_read_u32(mm, BASE), 1);
    host_run_on(0);
    CHECK_EQ(host_read_u32(mm, BASE), 1);
    CHECK_EQ(mm_mprotect(mm, BASE, P, RW), 0);
    remote = mm_stat_sum(MM_STAT_tlb_flush_remote);
    COUNTS(fault_reuse, 1, host_write_u32(mm, BASE, 2));
    host_run_on(1);
    COUNTS(fault_spurious, 1, host_write_u32(mm, BASE, 3));
    host_run_on(0);
    CHECK_EQ(mm_locate(mm, BASE, true, &object, &at), 0);
    CHECK_EQ(host_read_u32(mm, BASE), 3);
    CHECK_EQ(mm_stat_sum(MM_STAT_tlb_flush_remote), remote);
    t_end(mm);
}

TEST(fault_parked)
{
    struct mm *mm = t_mm();
    struct page *pg;

    t_anon(mm, BASE, 2, RW);
    host_write_u32(mm, BASE, 11);
    host_read_u32(mm, BASE + P);
    pg = shown(mm, BASE);
    CHECK_EQ(mm_mprotect(mm, BASE, 2 * P, PROT_NONE), 0);
    CHECK(pte_parked(t_pte(mm, BASE)) && shown(mm, BASE) == pg);
    CHECK_EQ(t_pte(mm, BASE + P), 0); /* the zero page is let go */
    CHECK_EQ(t_try(mm, BASE, FAULT_READ), FAULT_ACCERR);
    CHECK_EQ(mm_resident(mm, RESIDENT_ANON), 1);
    t_check(mm);
    CHECK_EQ(mm_mprotect(mm, BASE, 2 * P, RW), 0);
    CHECK_EQ(host_read_u32(mm, BASE), 11);
    host_write_u32(mm, BASE, 12);
    CHECK(shown(mm, BASE) == pg);
    t_check(mm);
    t_end(mm);
}

TEST(fault_rights_of_all_kinds)
{
    static const u32 kinds[] = {FAULT_READ, FAULT_WRITE, FAULT_EXEC};
    struct vm_object *o = t_file(1);

    for (u32 prot = 0; prot < 8; prot++)
        for (int kind = 0; kind < 3; kind++)
            for (int k = 0; k < 3; k++) {
                struct mm *mm = t_mm();
                bool ok = kinds[k] == FAULT_READ ? prot != 0 : prot & kinds[k];

                t_map(mm, BASE, 1, prot, kind == 2 ? MAP_SHARED : MAP_PRIVATE,
                      kind ? o : NULL, 0);
                CHECK_EQ(t_try(mm, BASE, kinds[k]), ok ? FAULT_OK : FAULT_ACCERR);
                t_check(mm);
                t_end(mm);
            }
    object_put(o);
}

TEST(fault_outside)
{
    struct mm *mm = t_mm();

    t_anon(mm, BASE, 2, RW);
    CHECK_EQ(t_try(mm, BASE - 1, FAULT_READ), FAULT_MAPERR);
    CHECK_EQ(t_try(mm, BASE + 2 * P, FAULT_READ), FAULT_MAPERR);
    CHECK_EQ(t_try(mm, 0, FAULT_WRITE), FAULT_MAPERR);
    CHECK_EQ(t_try(mm, USER_END, FAULT_READ), FAULT_MAPERR);
    CHECK_EQ(t_try(mm, ~0ul, FAULT_EXEC), FAULT_MAPERR);
    CHECK_EQ(t_try(mm, 0xffff800000000000ul, FAULT_READ), FAULT_MAPERR);
    CHECK_EQ(t_try(mm, 0x0000800000000000ul, FAULT_READ), FAULT_MAPERR);
    t_end(mm);
}

TEST(fault_beyond_the_end)
{
    struct vm_object *o = object_create(P + 1);
    struct mm *mm = t_mm();

    t_shared(mm, BASE, 4, o, 0);
    t_map(mm, BASE + 8 * P, 4, RW, MAP_PRIVATE, o, 0);
    for (u32 k = FAULT_READ; k <= FAULT_WRITE; k++) {
        COUNTS(fault_bus, 1, CHECK_EQ(t_try(mm, BASE + 2 * P, k), FAULT_BUS));
        CHECK_EQ(t_try(mm, BASE + 10 * P, k), FAULT_BUS);
        CHECK_EQ(t_try(mm, BASE + P + 500, k), FAULT_OK); /* partial last page */
    }
    CHECK_EQ(object_truncate(o, 3 * P), 0);
    CHECK_EQ(host_read_u32(mm, BASE + 2 * P), 0);
    host_write_u32(mm, BASE + 10 * P, 9); /* a hole is filled with zeros, not with a 9 */
    CHECK_EQ(host_read_u32(mm, BASE + 2 * P), 0);
    t_check(mm);
    t_end(mm);
    object_put(o);
}

/* ---- stacks ---- */

#define TOP (BASE + (64ul << 20))

static struct mm *with_stack(void)
{
    struct mm *mm = t_mm();

    CHECK_EQ(mm_make_stack(mm, TOP, 4 * P, false), 0);
    return mm;
}

TEST(fault_grows_a_stack)
{
    struct mm *mm = with_stack();

    host_write_u32(mm, TOP - 40 * P, 1);
    CHECK_EQ(mm->stack_vm, 40);
    CHECK_EQ(t_vmas(mm), 1);
    mm->limits.stack = 50 * P;
    CHECK_EQ(t_try(mm, TOP - 51 * P, FAULT_WRITE), FAULT_MAPERR);
    CHECK_EQ(t_try(mm, TOP - 50 * P, FAULT_WRITE), FAULT_OK);
    mm->limits.stack = ~0ull;
    mm->limits.as = 60 * P;
    CHECK_EQ(t_try(mm, TOP - 61 * P, FAULT_WRITE), FAULT_MAPERR);
    CHECK_EQ(t_try(mm, TOP - 60 * P, FAULT_WRITE), FAULT_OK);
    CHECK_EQ(mm->total_vm, 60);
    t_check(mm);
    t_end(mm);
}

TEST(fault_keeps_the_guard_gap)
{
    struct mm *mm = with_stack();
    vaddr_t below = TOP - (1000 * P);

    t_anon(mm, below, 1, RW);
    CHECK_EQ(t_try(mm, below + P + STACK_GUARD_GAP - P, FAULT_WRITE), FAULT_MAPERR);
    CHECK_EQ(t_try(mm, below + P + STACK_GUARD_GAP, FAULT_WRITE), FAULT_OK);
    /* Mappings without rights are guards themselves. */
    CHECK_EQ(mm_mprotect(mm, below, P, PROT_NONE), 0);
    CHECK_EQ(t_try(mm, below + P, FAULT_WRITE), FAULT_OK);
    CHECK_EQ(t_try(mm, below, FAULT_WRITE), FAULT_ACCERR);
    t_check(mm);
    t_end(mm);
}

/* ---- populate ---- */

TEST(fault_populate_kinds)
{
    struct vm_object *o = t_file(6);
    struct mm *mm = t_mm();

    object_punch(o, P, 2 * P);
    t_anon(mm, BASE, 4, RW);
    t_anon(mm, BASE + 4 * P, 4, PROT_READ);
    t_map(mm, BASE + 8 * P, 4, RW, MAP_PRIVATE, o, 0);
    t_shared(mm, BASE + 12 * P, 4, o, 0);
    CHECK_EQ(UNDER(&mm->lock, fault_populate(mm, BASE + P, BASE + 16 * P)), FAULT_OK);
    CHECK_EQ(t_pte(mm, BASE), 0); /* outside the range */
    CHECK_EQ(mm_resident(mm, RESIDENT_ANON),
             3 + 4); /* writable private memory: own pages */
    CHECK_EQ(mm_resident(mm, RESIDENT_SHMEM), 4);
    CHECK(shown(mm, BASE + 5 * P) == zero_page);
    CHECK_EQ(host_read_u32(mm, BASE + 13 * P), 0);
    CHECK_EQ(host_read_u32(mm, BASE + 14 * P), 3);
    t_check(mm);
    /* Stops at what cannot be had. */
    t_shared(mm, BASE + 20 * P, 10, o, 0);
    CHECK_EQ(UNDER(&mm->lock, fault_populate(mm, BASE + 20 * P, BASE + 30 * P)),
             FAULT_BUS);
    CHECK_EQ(mm_resident(mm, RESIDENT_SHMEM), 4 + 6);
    t_anon(mm, BASE + 30 * P, 1, PROT_NONE);
    CHECK_EQ(UNDER(&mm->lock, fault_populate(mm, BASE + 30 * P, BASE + 31 * P)),
             FAULT_ACCERR);
    t_check(mm);
    t_end(mm);
    object_put(o);
}

/* ---- memory runs out ---- */

TEST(fault_when_memory_runs_out)
{
    struct mm *mm = t_mm();
    u64 n = page_count_total() + 10, i;
    enum fault_result result = FAULT_OK;

    mm_brk(mm, 0, false);
    host_rank = RANK_USER;
    for (i = 0; i < n && result == FAULT_OK; i += 4096)
        t_map(mm, BASE + i * P, 4096, RW, MAP_PRIVATE | MAP_NORESERVE, NULL, 0);
    for (i = 0; i < n && result == FAULT_OK; i++)
        result = fault_handle(mm, BASE + i * P, FAULT_WRITE);
    CHECK_EQ(result, FAULT_OOM);
    CHECK(page_count_free() > page_count_reserve() / 2); /* the kernel's own is left */
    t_check(mm);
    CHECK_EQ(mm_madvise(mm, BASE, 4096 * P, MADV_DONTNEED), 0);
    CHECK_EQ(fault_handle(mm, BASE + (i - 1) * P, FAULT_WRITE), FAULT_OK);
    host_rank = RANK_KERNEL;
    t_end(mm);
}
