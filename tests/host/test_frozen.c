/* SPDX-License-Identifier: MIT
 *
 * Arrangements after fork: the numbers are one array until somebody changes his, and the child has
 * them without a table. Who changes, asks, unmaps or ends first makes no difference.
 */
#include "lib/uapi/remap.h"
#include "mm/debug/report.h"
#include "mm/op/fork.h"
#include "mm/vm/slot.h"
#include "tests/host/mmtest.h"

#define N    (2 * PT_ENTRIES) /* pages of the window, over two whole tables */
#define BACK (PT_ENTRIES)     /* each shows the page so many further on */

static struct vm_object *o;

static u32 shown(struct mm *mm, u32 i)
{
    SCOPED_LOCK_SHARED(&mm->lock);

    return (u32)mm_offset(mm, vma_at(mm, BASE + i * P), BASE + i * P);
}

static void is_shuffled(struct mm *mm, u32 first, u32 n)
{
    t_check(mm);
    for (u32 i = first; i < first + n; i += 7) {
        CHECK_EQ(shown(mm, i), (i + BACK) % N);
        CHECK_EQ(host_read_u32(mm, BASE + i * P), (i + BACK) % N + 1);
    }
}

/* Parent and child with the same arrangement, the child without tables. */
static void family(struct mm **mm, struct mm **child)
{
    u64 bytes;

    o = t_file(N);
    *mm = t_mm();
    t_shared(*mm, BASE, N, o, 0);
    CHECK_EQ(mm_remap_rotate(*mm, BASE, N * P, (s64)BACK), 0);
    is_shuffled(*mm, 0, N);
    bytes = away_bytes();
    CHECK_EQ(bytes, 2 * AWAY_BYTES);
    CHECK_EQ(mm_fork(*mm, child), 0);
    CHECK_EQ(away_bytes(), bytes);
    CHECK(!pt_leaf(*child, BASE) && !pt_leaf(*child, BASE + LEAF_SPAN));
    CHECK_EQ((*child)->lent, 2);
    t_check(*mm);
    t_check(*child);
}

static void end(struct mm *a, struct mm *b)
{
    t_end(a);
    if (b)
        t_end(b);
    object_put(o);
    CHECK_EQ(away_bytes(), 0);
}

TEST(frozen_values_without_and_with_tables)
{
    struct mm *mm, *child;

    family(&mm, &child);
    CHECK_EQ(shown(child, 3), 3 + BACK); /* no table yet */
    is_shuffled(child, 0, N);            /* faults make them */
    CHECK(pt_leaf(child, BASE)->frozen);
    CHECK_EQ(away_bytes(), 2 * AWAY_BYTES);
    is_shuffled(mm, 0, N);
    end(mm, child);
}

TEST(frozen_each_changes_its_own)
{
    struct mm *mm, *child;

    for (int who = 0; who < 2; who++) {
        struct mm *a, *b;

        family(&mm, &child);
        a = who ? mm : child;
        b = who ? child : mm;
        CHECK_EQ(mm_remap(a, BASE + 5 * P, P, 0, 1, 0), 0);
        CHECK_EQ(host_read_u32(a, BASE + 5 * P), 2);
        CHECK_EQ(mm_remap(a, BASE + 6 * P, P, 0, 6, 0), 0); /* home */
        CHECK_EQ(away_bytes(), 3 * AWAY_BYTES);
        is_shuffled(b, 0, N);
        is_shuffled(a, 7, N - 7);
        CHECK_EQ(mm_remap(b, BASE, N * P, 0, 0, 0), 0); /* all of it home */
        CHECK_EQ(host_read_u32(b, BASE + 9 * P), 10);
        CHECK_EQ(b->lent, 0);
        CHECK_EQ(away_bytes(), 2 * AWAY_BYTES);
        is_shuffled(a, 7, N - 7);
        end(mm, child);
    }
}

/* The last user need not copy. */
TEST(frozen_last_user_takes_it)
{
    struct mm *mm, *child;

    family(&mm, &child);
    t_end(child);
    CHECK_EQ(mm_remap(mm, BASE + 5 * P, P, 0, 1, 0), 0);
    CHECK_EQ(away_bytes(), 2 * AWAY_BYTES);
    CHECK_EQ(mm->lent, 1);
    CHECK_EQ(mm_remap(mm, BASE + (BACK + 5) * P, P, 0, 1, 0), 0);
    CHECK_EQ(mm->lent, 0);
    end(mm, NULL);
    family(&mm, &child);
    t_end(mm);
    is_shuffled(child, 0, N);
    CHECK_EQ(mm_remap(child, BASE + 5 * P, P, 0, 1, 0), 0);
    CHECK_EQ(away_bytes(), 2 * AWAY_BYTES);
    is_shuffled(child, 6, N - 6);
    end(child, NULL);
}

TEST(frozen_grandchildren)
{
    struct mm *mm, *child, *third;

    family(&mm, &child);
    CHECK_EQ(mm_fork(child, &third), 0);
    CHECK_EQ(away_bytes(), 2 * AWAY_BYTES);
    CHECK_EQ(mm_remap(child, BASE, P, 0, 7, 0), 0);
    t_end(mm);
    is_shuffled(third, 0, N);
    is_shuffled(child, 1, N - 1);
    t_end(child);
    is_shuffled(third, 0, N);
    end(third, NULL);
}

TEST(frozen_unmapped_in_part)
{
    struct mm *mm, *child;

    for (int who = 0; who < 2; who++) {
        struct mm *a, *b;

        family(&mm, &child);
        a = who ? mm : child;
        b = who ? child : mm;
        CHECK_EQ(mm_munmap(a, BASE + 100 * P, 50 * P), 0);
        CHECK_EQ(t_try(a, BASE + 120 * P, FAULT_READ), FAULT_MAPERR);
        is_shuffled(a, 0, 100);
        is_shuffled(a, 150, N - 150);
        is_shuffled(b, 0, N);
        CHECK_EQ(mm_munmap(a, BASE + 300 * P, LEAF_SPAN), 0); /* over the border */
        is_shuffled(a, 150, 150);
        is_shuffled(b, 0, N);
        CHECK_EQ(mm_munmap(b, BASE, N * P), 0);
        CHECK_EQ(b->lent, 0);
        is_shuffled(a, 0, 100);
        end(mm, child);
    }
}

TEST(frozen_moved_cloned_exchanged)
{
    struct mm *mm, *child;
    vaddr_t out;

    family(&mm, &child);
    CHECK_EQ(mm_remap_clone(child, BASE, N * P, RW, &out), 0);
    CHECK_EQ(host_read_u32(child, out + 3 * P), 3 + BACK + 1);
    CHECK_EQ(mm_remap_swap(child, BASE, BASE + LEAF_SPAN, 4 * P), 0);
    CHECK_EQ(host_read_u32(child, BASE), 1);
    is_shuffled(mm, 0, N);
    is_shuffled(child, 4, 200);
    end(mm, child);
    for (u64 skew = 0; skew < 2; skew++) {
        family(&mm, &child);
        CHECK_EQ(mm_mremap(child, BASE + 10 * P, (N - 20) * P, (N - 20) * P,
                           MREMAP_MAYMOVE | MREMAP_FIXED,
                           BASE + (4 * PT_ENTRIES + 10 + skew) * P, &out),
                 0);
        t_check(child);
        CHECK_EQ(host_read_u32(child, out), 10 + BACK + 1);
        CHECK_EQ(host_read_u32(child, BASE + 3 * P), 3 + BACK + 1);
        is_shuffled(mm, 0, N);
        end(mm, child);
    }
}

/* Private memory moved over a part of the window, a whole table of it included: the tables there
 * are made before the window goes. */
TEST(frozen_under_what_moves_there)
{
    struct mm *mm, *child;
    vaddr_t out, from = BASE + 64 * LEAF_SPAN;

    for (int who = 0; who < 2; who++) {
        struct mm *a, *b;

        family(&mm, &child);
        a = who ? mm : child;
        b = who ? child : mm;
        t_anon(a, from, 800, RW);
        for (u32 i = 0; i < 800; i++)
            host_write_u32(a, from + i * P, 7000 + i);
        CHECK_EQ(mm_mremap(a, from, 800 * P, 800 * P, MREMAP_MAYMOVE | MREMAP_FIXED,
                           BASE - 100 * P, &out),
                 0);
        CHECK_EQ(host_read_u32(a, BASE), 7100);
        is_shuffled(a, 700, N - 700);
        is_shuffled(b, 0, N);
        end(mm, child);
    }
}

static bool no_run(const struct arrangement_run *run, void *arg)
{
    *(u64 *)arg += run->away ? (run->end - run->start) / P : 0;
    return true;
}

/* Who only asks sees numbers without a table. */
TEST(frozen_reports)
{
    struct mm *mm, *child;
    struct vma_counts c;
    u64 words[4], away = 0;
    u8 in[4];

    family(&mm, &child);
    mm_lock_shared(child);
    vma_report(vma_at(child, BASE), &c);
    mm_unlock_shared(child);
    CHECK_EQ(c.away, N);
    CHECK_EQ(mm_remap_query(child, BASE + 8 * P, 4, words), 0);
    CHECK_EQ(words[2] & RMQ_PGOFF, 10 + BACK);
    CHECK(words[2] & RMQ_AWAY);
    arrangement_report(child, 0, no_run, &away);
    CHECK_EQ(away, N);
    object_punch(o, (8 + BACK) * P, (9 + BACK) * P);
    CHECK_EQ(mm_mincore(child, BASE + 7 * P, 4, in), 0);
    CHECK(in[0] == 1 && in[1] == 0 && in[2] == 1);
    CHECK_EQ(mm_madvise(child, BASE + 20 * P, P, MADV_REMOVE), 0);
    CHECK_EQ(host_read_u32(mm, BASE + 20 * P), 0);
    CHECK(!pt_leaf(child, BASE)); /* nobody needed one */
    end(mm, child);
}

TEST(frozen_truncate)
{
    struct mm *mm, *child;

    family(&mm, &child);
    is_shuffled(child, 0, 100);
    CHECK_EQ(object_truncate(o, BACK * P), 0);
    CHECK_EQ(t_try(child, BASE, FAULT_READ), FAULT_BUS);
    CHECK_EQ(t_try(mm, BASE, FAULT_READ), FAULT_BUS);
    CHECK_EQ(host_read_u32(child, BASE + (BACK + 3) * P), 4);
    end(mm, child);
}

/* Another mapping over the same tables, with and without numbers of its own. */
TEST(frozen_with_neighbours)
{
    struct vm_object *other = t_file(8);
    struct mm *mm, *child;
    vaddr_t low = BASE + 3 * P, high = BASE + 300 * P;

    for (int numbers = 0; numbers < 2; numbers++) {
        o = t_file(16);
        mm = t_mm();
        t_shared(mm, low, 16, o, 0);
        t_shared(mm, high, 8, other, 0);
        t_anon(mm, BASE + 400 * P, 4, RW);
        host_write_u32(mm, BASE + 400 * P, 9);
        CHECK_EQ(mm_remap(mm, low + P, P, 0, 9, 0), 0);
        if (numbers)
            CHECK_EQ(mm_remap(mm, high + P, P, 0, 5, 0), 0);
        CHECK_EQ(mm_fork(mm, &child), 0);
        t_check(child);
        CHECK_EQ(host_read_u32(child, high + P), numbers ? 6 : 2);
        CHECK_EQ(host_read_u32(child, BASE + 400 * P), 9);
        CHECK_EQ(mm_munmap(child, high, 8 * P), 0);
        t_check(child);
        CHECK_EQ(host_read_u32(child, low + P), 10);
        CHECK_EQ(mm_munmap(mm, low, 16 * P), 0);
        CHECK_EQ(host_read_u32(mm, high + P), numbers ? 6 : 2);
        CHECK_EQ(host_read_u32(child, low + P), 10);
        end(mm, child);
    }
    object_put(other);
}

TEST(frozen_without_memory)
{
    struct mm *mm, *child;

    family(&mm, &child);
    is_shuffled(child, 0, 8);
    for (u64 n = 1; n < 4; n++) {
        int err;

        alloc_fail_at(n);
        err = mm_remap(child, BASE + P, P, 0, 1, 0);
        CHECK(err == -ENOMEM || (n > 1 && err == 0));
        alloc_fail_at(n);
        err = mm_munmap(child, BASE + LEAF_SPAN + 9 * P, P);
        CHECK(err == -ENOMEM || (n > 2 && err == 0));
        alloc_fail_at(0);
        is_shuffled(child, 2, 100);
        is_shuffled(mm, 0, N);
    }
    alloc_fail_at(1);
    t_end(child); /* exit needs none */
    alloc_fail_at(0);
    end(mm, NULL);
}
