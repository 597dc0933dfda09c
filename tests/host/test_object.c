/* SPDX-License-Identifier: MIT
 *
 * Objects without mappings: size, holes, pages, seek, allocate, and failures.
 */
#include "lib/string.h"
#include "mm/op/fork.h"
#include "mm/phys/buddy.h"
#include "mm/vm/object_tree.h"
#include "tests/host/mmtest.h"

static u8 byte_at(struct vm_object *o, u64 pos)
{
    struct page *pg = object_find_page(o, pos / P);
    u8 value = 0;

    if (pg) {
        value = ((u8 *)page_to_virt(pg))[pos % P];
        page_put(pg);
    }
    return value;
}

static void fill(struct vm_object *o, pgoff_t pgoff, u8 value)
{
    struct page *pg;

    CHECK_EQ(object_get_page(o, pgoff, &pg), 0);
    memset(page_to_virt(pg), value, P);
    page_put(pg);
}

TEST(object_pages_and_holes)
{
    struct vm_object *o = object_create(5 * P + 1);
    struct page *pg, *again;

    CHECK_EQ(object_npages(o), 6);
    CHECK_EQ(object_resident(o), 0);
    CHECK(!object_find_page(o, 0));
    CHECK_EQ(object_get_page(o, 6, &pg), -ENXIO);
    CHECK_EQ(object_get_page(o, OBJECT_MAX_PAGES, &pg), -ENXIO);
    CHECK_EQ(object_get_page(o, 5, &pg), 0);
    CHECK(pg->type == PAGE_OBJECT && pg->object == o && pg->index == 5 && pg->refs == 2);
    for (unsigned i = 0; i < P; i++)
        CHECK_EQ(((u8 *)page_to_virt(pg))[i], 0);
    CHECK_EQ(object_get_page(o, 5, &again), 0);
    CHECK(again == pg && pg->refs == 3);
    page_put(again);
    page_put(pg);
    CHECK_EQ(object_resident(o), 1);
    CHECK_EQ(object_pages_total(), 1);
    object_put(o);
    CHECK_EQ(object_pages_total(), 0);
    CHECK_EQ(object_count(), 0);
}

TEST(object_extend_for_write)
{
    struct vm_object *o = object_create(0);
    struct page *pg;

    CHECK_EQ(object_get_page_extend(o, 3, &pg), 0);
    page_put(pg);
    CHECK_EQ(o->size, 0);
    CHECK(!object_find_page(o, 3)); /* beyond the end until the size says so */
    object_extend(o, 4 * P);
    object_extend(o, 2 * P); /* never lowers */
    CHECK_EQ(o->size, 4 * P);
    pg = object_find_page(o, 3);
    CHECK(pg);
    page_put(pg);
    CHECK_EQ(object_get_page_extend(o, OBJECT_MAX_PAGES, &pg), -EFBIG);
    CHECK_EQ(object_get_page_extend(o, OBJECT_MAX_PAGES - 1, &pg), 0);
    page_put(pg);
    object_put(o);
}

TEST(object_resize_zeroes_the_tail)
{
    struct vm_object *o = object_create(4 * P);

    for (u32 i = 0; i < 4; i++)
        fill(o, i, 0x11);
    CHECK_EQ(object_truncate(o, P + 100), 0);
    CHECK_EQ(object_resident(o), 2);
    CHECK_EQ(object_truncate(o, 4 * P), 0);
    CHECK_EQ(byte_at(o, P + 99), 0x11);
    for (u64 pos = P + 100; pos < 4 * P; pos += 50)
        CHECK_EQ(byte_at(o, pos), 0);
    CHECK_EQ(object_resident(o), 2);
    CHECK_EQ(object_truncate(o, OBJECT_MAX_SIZE + 1), -EFBIG);
    CHECK_EQ(o->size, 4 * P);
    CHECK_EQ(object_truncate(o, OBJECT_MAX_SIZE), 0);
    CHECK_EQ(object_truncate(o, 0), 0);
    CHECK_EQ(object_resident(o), 0);
    object_put(o);
}

TEST(object_punch_any_bytes)
{
    for (int round = 0; round < 300; round++) {
        struct vm_object *o = object_create(6 * P - 77);
        u64 start = rnd_below(7 * P), end = rnd_below(8 * P);

        if (one_in(3))
            start = start / P * P;
        if (one_in(3))
            end = end / P * P;
        for (u32 i = 0; i < 6; i++)
            fill(o, i, (u8)(i + 1));
        object_punch(o, start, end);
        CHECK_EQ(o->size, 6 * P - 77);
        for (u64 pos = 0; pos < 6 * P - 77; pos += 1 + rnd_below(5))
            CHECK_EQ(byte_at(o, pos), pos >= start && pos < end ? 0 : pos / P + 1);
        object_put(o);
    }
}

TEST(object_seek_data_and_holes)
{
    struct vm_object *o = object_create(100 * P + 10);

    CHECK_EQ(object_seek(o, 0, false), -ENXIO);
    CHECK_EQ(object_seek(o, 0, true), 0);
    fill(o, 3, 1);
    fill(o, 4, 1);
    fill(o, 90, 1);
    CHECK_EQ(object_seek(o, 0, false), 3 * P);
    CHECK_EQ(object_seek(o, 3 * P + 7, false), 3 * P + 7);
    CHECK_EQ(object_seek(o, 3 * P + 7, true), 5 * P);
    CHECK_EQ(object_seek(o, 5 * P + 1, true), 5 * P + 1);
    CHECK_EQ(object_seek(o, 5 * P, false), 90 * P);
    CHECK_EQ(object_seek(o, 91 * P, false), -ENXIO);
    fill(o, 100, 1);
    CHECK_EQ(object_seek(o, 100 * P, true), 100 * P + 10); /* the end is a hole */
    CHECK_EQ(object_seek(o, 100 * P + 10, true), -ENXIO);
    CHECK_EQ(object_seek(o, -1, false), -ENXIO);
    object_put(o);
}

TEST(object_allocate_is_all_or_nothing)
{
    struct vm_object *o = object_create(10 * P);

    fill(o, 2, 7);
    for (u64 n = 1;; n++) {
        u64 before = t_picture_file(o);
        int err;

        alloc_fail_at(n);
        err = object_allocate(o, 100, 70 * P);
        if (alloc_fail_left()) {
            alloc_fail_at(0);
            CHECK_EQ(err, 0);
            CHECK(n > 60);
            break;
        }
        CHECK_EQ(err, -ENOSPC);
        CHECK_EQ(t_picture_file(o), before);
    }
    CHECK_EQ(object_resident(o), 70);
    CHECK_EQ(byte_at(o, 2 * P), 7);
    CHECK_EQ(o->size, 10 * P);
    /* A second call makes nothing, and its marks are gone: a failure later keeps these. */
    alloc_fail_at(2);
    CHECK_EQ(object_allocate(o, 60 * P, 80 * P), -ENOSPC);
    CHECK_EQ(object_resident(o), 70);
    CHECK_EQ(object_allocate(o, 0, OBJECT_MAX_SIZE + 1), -EFBIG);
    object_put(o);
}

/* Which VMAs of a file meet a range, against asking each. */
TEST(object_vma_tree)
{
    struct vm_object *o = object_create(0);
    struct mm *mm = t_mm();
    vaddr_t where[40] = {0};
    pgoff_t first[40];
    u64 len[40];

    for (int step = 0; step < 4000; step++) {
        u32 i = (u32)rnd_below(40), found = 0, want = 0;
        pgoff_t low = rnd_below(120), high = low + 1 + rnd_below(10);

        if (where[i]) {
            CHECK_EQ(mm_munmap(mm, where[i], len[i] * P), 0);
            where[i] = 0;
        } else {
            where[i] = BASE + i * 64 * P;
            first[i] = rnd_below(100);
            len[i] = 1 + rnd_below(one_in(4) ? 60 : 8);
            t_shared(mm, where[i], len[i], o, first[i]);
        }
        for (i = 0; i < 40; i++)
            want += where[i] && first[i] < high && first[i] + len[i] > low;
        spin_lock(&o->lock);
        for (struct vma *v = object_first_vma(o, low, high); v;
             v = object_next_vma(v, low, high)) {
            CHECK(v->pgoff < high && v->pgoff + vma_npages(v) > low);
            found++;
        }
        spin_unlock(&o->lock);
        CHECK_EQ(found, want);
    }
    t_end(mm);
    object_put(o);
}

/* The same of processes that are copies of one another, and change what they have. */
static u32 met_by_all(struct mm *const *mms, u32 n, const struct vm_object *o,
                      pgoff_t low, pgoff_t high)
{
    u32 count = 0;
    const struct vma *v;

    for (u32 i = 0; i < n; i++) {
        if (!mms[i])
            continue;
        mm_lock(mms[i]);
        vma_for_each (v, mms[i])
            count += v->object == o && v->pgoff < high && v->pgoff + vma_npages(v) > low;
        mm_unlock(mms[i]);
    }
    return count;
}

static u32 met_by_tree(struct vm_object *o, pgoff_t low, pgoff_t high)
{
    u32 count = 0;

    spin_lock(&o->lock);
    for (const struct vma *v = object_first_vma(o, low, high); v;
         v = object_next_vma(v, low, high)) {
        CHECK(v->pgoff < high && v->pgoff + vma_npages(v) > low);
        count++;
    }
    spin_unlock(&o->lock);
    return count;
}

TEST(object_vma_tree_of_forks)
{
    enum { PROCESSES = 8, PAGES = 24 };
    struct vm_object *o = object_create(PAGES * P);
    struct mm *mms[PROCESSES] = {t_mm()};

    t_shared(mms[0], BASE, PAGES, o, 0);
    for (int step = 0; step < 4000; step++) {
        u32 i = (u32)rnd_below(PROCESSES), k = (u32)rnd_below(PROCESSES);
        pgoff_t low = rnd_below(PAGES), high = low + 1 + rnd_below(PAGES - low);

        if (!mms[i] && mms[k]) {
            CHECK_EQ(mm_fork(mms[k], &mms[i]), 0);
        } else if (mms[i] && i && one_in(3)) {
            t_end(mms[i]);
            mms[i] = NULL;
        } else if (mms[i] && one_in(2)) {
            CHECK_EQ(mm_munmap(mms[i], BASE + low * P, (high - low) * P), 0);
        } else if (mms[i]) {
            t_shared(mms[i], BASE, PAGES, o, 0);
        }
        CHECK_EQ(met_by_tree(o, low, high), met_by_all(mms, PROCESSES, o, low, high));
    }
    for (u32 i = 0; i < PROCESSES; i++)
        if (mms[i])
            t_end(mms[i]);
    CHECK_EQ(o->nvmas, 0);
    object_put(o);
}
