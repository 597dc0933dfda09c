/* SPDX-License-Identifier: MIT
 *
 * Leaf tables that address spaces share since a fork: who has what after which call, by whom.
 */
#include "mm/debug/report.h"
#include "mm/op/access.h"
#include "mm/op/fork.h"
#include "mm/vm/lend.h"
#include "mm/vm/slot.h"
#include "tests/host/mmtest.h"

#define N    8u
#define NEXT (BASE + LEAF_SPAN)

static struct mm *fork_of(struct mm *mm)
{
    struct mm *child = NULL;

    CHECK_EQ(mm_fork(mm, &child), 0);
    t_check(mm);
    t_check(child);
    return child;
}

static u32 holders(struct mm *mm, vaddr_t va)
{
    return pt_leaf(mm, va) ? pt_leaf(mm, va)->holders : 99;
}

/* Parent and child share the table of BASE, whose pages N hold 10, 11 ... */
static void family(struct mm **mm, struct mm **child)
{
    *mm = t_mm();
    t_anon(*mm, BASE, 4 * N, RW);
    for (u32 i = 0; i < N; i++)
        host_write_u32(*mm, BASE + i * P, 10 + i);
    CHECK_EQ(host_read_u32(*mm, BASE + N * P), 0); /* the page of zeros */
    *child = fork_of(*mm);
    CHECK_EQ(holders(*mm, BASE), 2);
    CHECK(pt_leaf(*mm, BASE) == pt_leaf(*child, BASE));
    CHECK_EQ(mm_resident(*child, RESIDENT_ANON), N);
    CHECK_EQ(pfn_to_page(pte_pfn(t_pte(*mm, BASE)))->refs, 1);
}

static void values(struct mm *mm, u32 from, u32 n)
{
    t_check(mm);
    for (u32 i = from; i < from + n; i++)
        CHECK_EQ(host_read_u32(mm, BASE + i * P), 10 + i);
}

static void end(struct mm *mm, struct mm *child)
{
    t_end(mm);
    t_end(child);
}

TEST(lend_writer_gets_a_copy_and_the_last_takes_over)
{
    struct mm *mm, *child;
    u64 free;

    family(&mm, &child);
    host_write_u32(child, BASE, 5);
    CHECK_EQ(holders(child, BASE), 0);
    CHECK_EQ(holders(mm, BASE), 1);
    values(mm, 0, N);
    values(child, 1, N - 1);
    t_end(child);
    free = page_count_free();
    for (u32 i = 0; i < N; i++)
        host_write_u32(mm, BASE + i * P, 10 + i);
    CHECK_EQ(holders(mm, BASE), 0);
    CHECK_EQ(page_count_free(), free); /* nothing was copied */
    t_end(mm);
}

TEST(lend_to_a_child_that_only_exits)
{
    struct mm *mm, *child;
    u64 free;

    for (int parent_first = 0; parent_first < 2; parent_first++) {
        family(&mm, &child);
        t_end(parent_first ? mm : child);
        if (parent_first)
            mm = child;
        CHECK_EQ(holders(mm, BASE), 1);
        free = page_count_free();
        host_write_u32(mm, BASE, 10);
        CHECK_EQ(page_count_free(), free);
        values(mm, 0, N);
        t_end(mm);
    }
}

TEST(lend_to_grandchildren)
{
    struct mm *mm[4];

    family(&mm[0], &mm[1]);
    mm[2] = fork_of(mm[1]);
    mm[3] = fork_of(mm[0]);
    CHECK_EQ(holders(mm[3], BASE), 4);
    host_write_u32(mm[1], BASE, 1);
    host_write_u32(mm[1], BASE + (N + 1) * P, 1);
    CHECK_EQ(holders(mm[3], BASE), 3);
    for (int i = 0; i < 4; i++)
        if (i != 1) {
            values(mm[i], 0, N);
            CHECK_EQ(host_read_u32(mm[i], BASE + (N + 1) * P), 0);
        }
    t_end(mm[0]);
    values(mm[2], 0, N);
    end(mm[2], mm[1]);
    values(mm[3], 0, N);
    t_end(mm[3]);
}

TEST(lend_not_what_others_lie_over)
{
    struct vm_object *o = t_file(4);
    struct mm *mm = t_mm(), *child;

    t_anon(mm, BASE, N, RW);
    t_shared(mm, BASE + 100 * P, 4, o, 0);
    t_anon(mm, NEXT, N, RW);
    t_anon(mm, NEXT + 100 * P, 4, PROT_READ);
    for (u32 i = 0; i < N; i++) {
        host_write_u32(mm, BASE + i * P, 10 + i);
        host_write_u32(mm, NEXT + i * P, 10 + i);
    }
    child = fork_of(mm);
    CHECK_EQ(holders(mm, BASE), 0);
    CHECK_EQ(holders(mm, NEXT), 0);
    values(child, 0, N);
    end(mm, child);
    object_put(o);
}

/* What takes a part away does so for its caller only. */
TEST(lend_unmapped_in_part_and_as_a_whole)
{
    struct mm *mm, *child;

    family(&mm, &child);
    CHECK_EQ(mm_munmap(child, BASE + 2 * P, 2 * P), 0);
    CHECK_EQ(t_try(child, BASE + 2 * P, FAULT_READ), FAULT_MAPERR);
    values(child, 4, N - 4);
    values(mm, 0, N);
    end(mm, child);

    family(&mm, &child);
    CHECK_EQ(mm_munmap(mm, BASE - P, LEAF_SPAN + 2 * P), 0); /* all of the span */
    CHECK_EQ(mm->lent, 0);
    CHECK_EQ(mm_resident(mm, RESIDENT_ANON), 0);
    t_check(mm);
    values(child, 0, N);
    end(child, mm);

    family(&mm, &child);
    CHECK_EQ(mm_madvise(mm, BASE + P, 2 * P, MADV_DONTNEED), 0);
    CHECK_EQ(host_read_u32(mm, BASE + P), 0);
    values(mm, 3, N - 3);
    values(child, 0, N);
    end(child, mm);
}

TEST(lend_whole_spans_dropped)
{
    struct mm *mm = t_mm(), *child;

    t_anon(mm, BASE, 3 * PT_ENTRIES, RW);
    for (u32 i = 0; i < 3 * PT_ENTRIES; i += 16)
        host_write_u32(mm, BASE + i * P, 10 + i);
    child = fork_of(mm);
    CHECK_EQ(child->lent, 3);
    /* The middle is left, the ends are copied. */
    CHECK_EQ(mm_madvise(child, BASE + 17 * P, (3 * PT_ENTRIES - 40) * P, MADV_DONTNEED),
             0);
    CHECK_EQ(child->lent, 0);
    CHECK_EQ(mm->lent, 3);
    CHECK_EQ(holders(mm, NEXT), 1);
    t_check(child);
    for (u32 i = 0; i < 3 * PT_ENTRIES; i += 16) {
        CHECK_EQ(host_read_u32(mm, BASE + i * P), 10 + i);
        CHECK_EQ(host_read_u32(child, BASE + i * P),
                 i < 17 || i >= 3 * PT_ENTRIES - 23 ? 10 + i : 0);
    }
    /* Two VMAs over one shared table, which goes with the first. */
    end(child, mm);
    family(&mm, &child);
    CHECK_EQ(mm_madvise(mm, BASE + 3 * P, P, MADV_DONTFORK), 0);
    CHECK_EQ(holders(mm, BASE), 2);
    CHECK_EQ(mm_munmap(mm, BASE, LEAF_SPAN), 0);
    t_check(mm);
    values(child, 0, N);
    end(child, mm);
}

TEST(lend_rights)
{
    struct mm *mm, *child;

    family(&mm, &child);
    CHECK_EQ(mm_mprotect(child, BASE, 3 * P, PROT_READ), 0);
    CHECK_EQ(t_try(child, BASE, FAULT_WRITE), FAULT_ACCERR);
    CHECK_EQ(t_try(mm, BASE, FAULT_WRITE), FAULT_OK);
    CHECK_EQ(mm_mprotect(child, BASE, 3 * P, RW), 0);
    host_write_u32(child, BASE + P, 1);
    values(mm, 0, N);
    end(mm, child);
}

/* Memory out of reach is parked in a shared table; a debugger reads it all the same. */
TEST(lend_parked)
{
    struct mm *mm = t_mm(), *child;
    u32 word = 0;

    t_anon(mm, BASE, N, RW);
    for (u32 i = 0; i < N; i++)
        host_write_u32(mm, BASE + i * P, 10 + i);
    CHECK_EQ(mm_mprotect(mm, BASE, N * P, PROT_NONE), 0);
    child = fork_of(mm);
    CHECK_EQ(holders(child, BASE), 2);
    CHECK_EQ(mm_access_force(child, BASE + 3 * P, &word, sizeof(word), MM_READ),
             sizeof(word));
    CHECK_EQ(word, 13);
    CHECK_EQ(mm_mprotect(mm, BASE, N * P, RW), 0);
    CHECK_EQ(mm_mprotect(child, BASE, N * P, RW), 0);
    host_write_u32(mm, BASE, 3);
    values(child, 0, N);
    values(mm, 1, N - 1);
    end(mm, child);
}

/* A file mapped beside what is shared: nothing of it may come into the other's table. */
TEST(lend_then_map_a_file_there)
{
    struct vm_object *o = t_file(N);
    struct mm *mm, *child;
    vaddr_t at = BASE + 200 * P, clone;

    for (int fixed = 0; fixed < 2; fixed++) {
        family(&mm, &child);
        if (fixed)
            at = BASE + 4 * P;
        t_shared(child, at, 4, o, 0);
        CHECK_EQ(child->lent, 0);
        CHECK_EQ(host_read_u32(child, at + P), 2);
        CHECK_EQ(mm_remap(child, at, P, 0, 3, 0), 0);
        CHECK_EQ(host_read_u32(child, at), 4);
        values(mm, 0, N);
        CHECK_EQ(mm_remap_clone(child, at, 4 * P, RW, &clone), 0);
        CHECK_EQ(host_read_u32(child, clone), 4);
        t_check(child);
        end(mm, child);
    }
    object_put(o);
}

/* A mapping of a file that grows into the span of a shared table. */
TEST(lend_then_grow_into_it)
{
    struct vm_object *o = t_file(2 * N);
    struct mm *mm = t_mm(), *child;
    vaddr_t at = NEXT - 4 * P, out;

    t_shared(mm, at, 4, o, 0);
    t_anon(mm, NEXT + 100 * P, N, RW);
    for (u32 i = 0; i < N; i++)
        host_write_u32(mm, NEXT + (100 + i) * P, 10 + i);
    child = fork_of(mm);
    CHECK_EQ(holders(mm, NEXT), 2);
    CHECK_EQ(mm_mremap(mm, at, 4 * P, 9 * P, 0, 0, &out), 0);
    CHECK_EQ(holders(mm, NEXT), 0);
    CHECK_EQ(host_read_u32(mm, NEXT + P), 6);
    CHECK_EQ(object_truncate(o, 5 * P), 0);
    CHECK_EQ(t_try(mm, NEXT + P, FAULT_READ), FAULT_BUS);
    CHECK_EQ(host_read_u32(mm, NEXT + 100 * P), 10);
    CHECK_EQ(host_read_u32(child, NEXT + 100 * P), 10);
    end(mm, child);
    object_put(o);
}

TEST(lend_then_move)
{
    struct mm *mm, *child;
    u64 len = 4 * N * P, far = 64 * LEAF_SPAN;
    vaddr_t out;

    family(&mm, &child); /* to a place of another distance in its table */
    CHECK_EQ(mm_mremap(child, BASE, len, len, MREMAP_MAYMOVE | MREMAP_FIXED,
                       BASE + far + 5 * P, &out),
             0);
    CHECK_EQ(host_read_u32(child, out + 3 * P), 13);
    host_write_u32(child, out + 4 * P, 1);
    values(mm, 0, N);
    end(mm, child);

    mm = t_mm(); /* the whole table */
    t_anon(mm, BASE, PT_ENTRIES, RW);
    for (u32 i = 0; i < N; i++)
        host_write_u32(mm, BASE + i * P, 10 + i);
    child = fork_of(mm);
    CHECK_EQ(mm_mremap(child, BASE, LEAF_SPAN, LEAF_SPAN, MREMAP_MAYMOVE | MREMAP_FIXED,
                       BASE + far, &out),
             0);
    CHECK_EQ(host_read_u32(child, out + 3 * P), 13);
    values(mm, 0, N);
    /* Onto what is shared. */
    t_end(child);
    child = fork_of(mm);
    t_anon(child, BASE + far, 4, RW);
    host_write_u32(child, BASE + far, 77);
    CHECK_EQ(mm_mremap(child, BASE + far, 4 * P, 4 * P, MREMAP_MAYMOVE | MREMAP_FIXED,
                       BASE + 2 * P, &out),
             0);
    CHECK_EQ(host_read_u32(child, BASE + 2 * P), 77);
    values(child, 6, 2);
    values(mm, 0, N);
    end(mm, child);
}

/* Another CPU of the parent knows the way to the table that the child takes over. */
TEST(lend_other_cpus_forget_the_way)
{
    struct mm *mm, *child;

    family(&mm, &child);
    host_run_on(1);
    values(mm, 0, N);
    host_run_on(0);
    host_write_u32(mm, BASE + 20 * P, 1); /* a hole: no translation is replaced */
    host_tlb_check();
    host_write_u32(child, BASE + 21 * P, 2);
    host_run_on(1);
    CHECK_EQ(host_read_u32(mm, BASE + 21 * P), 0);
    CHECK_EQ(host_read_u32(mm, BASE + 20 * P), 1);
    values(mm, 0, N);
    host_run_on(0);
    end(mm, child);
}

TEST(lend_reports)
{
    struct mm *mm, *child;
    struct vma_counts c;
    u64 map[2];

    family(&mm, &child);
    mm_lock_shared(mm);
    vma_report(vma_at(mm, BASE), &c);
    mm_unlock_shared(mm);
    CHECK_EQ(c.rss, N);
    CHECK_EQ(c.shared, N);
    CHECK_EQ(c.pss_bytes, N * P / 2);
    pagemap_read(child, BASE, 2, map, &(struct pagemap_reader){2, 0});
    CHECK(!(map[0] & PAGEMAP_EXCLUSIVE) && (map[0] & PAGEMAP_PRESENT));
    t_end(child);
    pagemap_read(mm, BASE, 2, map, &(struct pagemap_reader){2, 0});
    CHECK(map[0] & PAGEMAP_EXCLUSIVE);
    t_end(mm);
}

/* Without memory for the copy: a clear error, nothing has changed, and exit needs none. */
TEST(lend_without_memory)
{
    struct mm *mm, *child;

    family(&mm, &child);
    alloc_fail_at(1);
    CHECK_EQ(t_try(child, BASE, FAULT_WRITE), FAULT_OOM);
    alloc_fail_at(1);
    CHECK_EQ(mm_munmap(child, BASE + 2 * P, P), -ENOMEM);
    alloc_fail_at(1);
    CHECK_EQ(mm_mprotect(child, BASE, 4 * N * P, PROT_READ), -ENOMEM);
    alloc_fail_at(1);
    CHECK_EQ(mm_madvise(child, BASE, P, MADV_DONTNEED), -ENOMEM);
    alloc_fail_at(0);
    CHECK_EQ(holders(child, BASE), 2);
    values(child, 0, N);
    values(mm, 0, N);
    alloc_fail_at(1);
    t_end(child);
    t_end(mm);
    alloc_fail_at(0);
}
