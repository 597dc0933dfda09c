/* SPDX-License-Identifier: MIT
 *
 * VMAs: a random sequence of mmap, munmap and mprotect against one letter per page, the gap
 * search against a plain scan, and the cases of split and merge.
 */
#include "mm/debug/check.h"
#include "mm/op/stack.h"
#include "mm/vm/vma.h"
#include "mm/vm/vma_gap.h"
#include "tests/host/mmtest.h"

#define WINDOW 64u

/* 0: hole, else prot + 1 */
static u8 page[WINDOW];

static void compare(struct mm *mm)
{
    struct vma *v;
    u32 runs = 0;

    for (u32 i = 0; i < WINDOW; i++) {
        v = UNDER(&mm->lock, vma_at(mm, BASE + i * P));
        CHECK_EQ(v ? (v->flags & VM_PROT) + 1 : 0, page[i]);
        if (page[i] && (i == 0 || page[i] != page[i - 1]))
            runs++;
        v = UNDER(&mm->lock, vma_find(mm, BASE + i * P));
        for (u32 k = i; k < WINDOW; k++)
            if (page[k]) {
                CHECK(v && v->end > BASE + k * P && v->start <= BASE + k * P);
                break;
            }
    }
    CHECK_EQ(t_vmas(mm), runs); /* neighbours that are alike are one */
    UNDER(&mm->lock, mm_check(mm));
}

/* The highest hole of len pages in [0, high) of the window. */
static int naive_gap(u32 len, u32 low, u32 high)
{
    for (int at = (int)high - (int)len; at >= (int)low; at--) {
        u32 n = 0;

        while (n < len && !page[(u32)at + n])
            n++;
        if (n == len)
            return at;
    }
    return -1;
}

TEST(vma_random_ranges)
{
    struct mm *mm = t_mm();

    for (int step = 0; step < 15000; step++) {
        u32 at = (u32)rnd_below(WINDOW),
            len = 1 + (u32)rnd_below(MIN(WINDOW - at, one_in(20) ? WINDOW : 9u));
        u32 prot = (u32)rnd_below(8), want = (u32)rnd_below(12) + 1, low, high;
        vaddr_t out = 0;
        int err, gap;

        switch (rnd_below(3)) {
        case 0:
            t_anon(mm, BASE + at * P, len, prot);
            for (u32 i = at; i < at + len; i++)
                page[i] = (u8)(prot + 1);
            break;
        case 1:
            CHECK_EQ(mm_munmap(mm, BASE + at * P, len * P), 0);
            for (u32 i = at; i < at + len; i++)
                page[i] = 0;
            break;
        default:
            err = mm_mprotect(mm, BASE + at * P, len * P, prot);
            for (u32 i = at; i < at + len; i++) {
                if (!page[i]) {
                    CHECK_EQ(err, -ENOMEM);
                    break;
                }
                page[i] = (u8)(prot + 1);
                if (i == at + len - 1)
                    CHECK_EQ(err, 0);
            }
            break;
        }
        compare(mm);
        low = (u32)rnd_below(WINDOW / 2);
        high = low + (u32)rnd_below(WINDOW - low + 1);
        gap = naive_gap(want, low, high);
        err = UNDER(&mm->lock,
                    vma_find_gap(mm, want * P, BASE + low * P, BASE + high * P, &out));
        CHECK_EQ(err, gap < 0 ? -ENOMEM : 0);
        if (gap >= 0)
            CHECK_EQ(out, BASE + (u32)gap * P);
    }
    t_end(mm);
}

/* Homes stay put when a mapping of a file is cut:
 *
 *      0   1   2   3   4   5   6   7          file page at each address
 *     [       A      ][   hole  ][ C ]        cut 3..5 out
 *     [       A      ][    B    ][ C ]        put 3..5 back: one VMA again
 */
TEST(vma_split_and_merge_keep_homes)
{
    struct mm *mm = t_mm();
    struct vm_object *o = t_file(16);
    struct vma *v;

    t_shared(mm, BASE, 8, o, 4);
    CHECK_EQ(mm_munmap(mm, BASE + 3 * P, 3 * P), 0);
    CHECK_EQ(t_vmas(mm), 2);
    v = UNDER(&mm->lock, vma_at(mm, BASE + 6 * P));
    CHECK(v && v->pgoff == 10 && v->start == BASE + 6 * P);
    CHECK_EQ(host_read_u32(mm, BASE + 6 * P), 11);
    t_shared(mm, BASE + 3 * P, 3, o, 6); /* other pages: no merge */
    CHECK_EQ(t_vmas(mm), 3);
    t_shared(mm, BASE + 3 * P, 3, o, 7); /* the old ones */
    CHECK_EQ(t_vmas(mm), 1);
    for (u32 i = 0; i < 8; i++)
        CHECK_EQ(host_read_u32(mm, BASE + i * P), 5 + i);
    CHECK_EQ(o->nvmas, 1);
    t_end(mm);
    CHECK_EQ(o->nvmas, 0);
    object_put(o);
}

TEST(vma_no_merge_across_kinds)
{
    struct mm *mm = t_mm();
    struct vm_object *o = t_file(8), *other = t_file(8);

    t_shared(mm, BASE, 2, o, 0);
    t_shared(mm, BASE + 2 * P, 2, other, 2);
    t_map(mm, BASE + 4 * P, 2, RW, MAP_PRIVATE, other, 4);
    t_anon(mm, BASE + 6 * P, 2, RW);
    t_anon(mm, BASE + 8 * P, 2, PROT_READ);
    CHECK_EQ(t_vmas(mm), 5);
    CHECK_EQ(mm_mprotect(mm, BASE + 8 * P, 2 * P, RW), 0);
    CHECK_EQ(t_vmas(mm), 4);
    t_end(mm);
    object_put(o);
    object_put(other);
}

TEST(vma_gap_minds_the_stack_guard)
{
    struct mm *mm = t_mm();
    vaddr_t top = BASE + 1024 * P, out;

    CHECK_EQ(mm_make_stack(mm, top, 4 * P, false), 0);
    CHECK_EQ(UNDER(&mm->lock, vma_find_gap(mm, P, BASE, top, &out)), 0);
    CHECK_EQ(out, top - 4 * P - STACK_GUARD_GAP - P);
    CHECK_EQ(UNDER(&mm->lock, vma_find_gap(mm, 764 * P, BASE, top, &out)), 0);
    CHECK_EQ(out, BASE);
    CHECK_EQ(UNDER(&mm->lock, vma_find_gap(mm, 765 * P, BASE, top, &out)), -ENOMEM);
    t_end(mm);
}

/* Its own hole is larger than what the stack above has when it is gone. */
TEST(vma_gap_after_an_area_in_the_guard)
{
    struct mm *mm = t_mm();
    vaddr_t top = BASE + 1024 * P, out;

    t_anon(mm, top + 8 * P, 1, RW);
    t_anon(mm, top + 16 * P, 1, RW);
    CHECK_EQ(mm_make_stack(mm, top, 4 * P, false), 0);
    t_anon(mm, top - 16 * P, 1, RW);
    CHECK_EQ(mm_munmap(mm, top - 16 * P, P), 0);
    CHECK_EQ(UNDER(&mm->lock, vma_find_gap(mm, top - 100 * P, 0, top + 16 * P, &out)),
             -ENOMEM);
    t_end(mm);
}

TEST(vma_find_gap_edges)
{
    struct mm *mm = t_mm();
    vaddr_t out;

    CHECK_EQ(UNDER(&mm->lock, vma_find_gap(mm, P, 0, USER_END, &out)), 0);
    CHECK_EQ(out, USER_END - P);
    CHECK_EQ(UNDER(&mm->lock, vma_find_gap(mm, USER_END, 0, USER_END, &out)), 0);
    CHECK_EQ(out, 0);
    CHECK_EQ(UNDER(&mm->lock, vma_find_gap(mm, USER_END, P, USER_END, &out)), -ENOMEM);
    CHECK_EQ(UNDER(&mm->lock, vma_find_gap(mm, 2 * P, BASE, BASE + P, &out)), -ENOMEM);
    t_anon(mm, USER_END - P, 1, RW);
    CHECK_EQ(UNDER(&mm->lock, vma_find_gap(mm, P, 0, USER_END, &out)), 0);
    CHECK_EQ(out, USER_END - 2 * P);
    t_end(mm);
}
