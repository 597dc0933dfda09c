/* SPDX-License-Identifier: MIT
 *
 * Away arrays: reserve, forget, copy, count. The container is private to this file and to
 * the two inline accessors of away.h. The idea and its price: docs/book/10-home-and-away.md.
 */
#include "mm/away.h"
#include "lib/lock.h"
#include "lib/pause.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/slab.h"

struct away_array {
    u32 file_page[PT_ENTRIES];
};

SLAB_CACHE(away_cache, "away", struct away_array);
STATIC_ASSERT(sizeof(struct away_array) == AWAY_BYTES);

int away_reserve(struct page *leaf)
{
    REQUIRES_EXCLUSIVE(&leaf->mm->lock);
    struct away_array *a;

    if (leaf->away)
        return 0;
    a = slab_zalloc(&away_cache);
    if (!a)
        return -ENOMEM;
    leaf->away = a->file_page;
    __atomic_fetch_add(&leaf->mm->aways, 1, __ATOMIC_RELAXED);
    return 0;
}

/* Takes the array away with the numbers that may be in it. */
static void drop_array(struct page *leaf)
{
    REQUIRES_EXCLUSIVE(&leaf->mm->lock);
    u32 *array = leaf->away;

    spin_lock(&leaf->lock); /* truncate reads the array under it */
    leaf->away = NULL;
    leaf->naway = 0;
    spin_unlock(&leaf->lock);
    __atomic_fetch_sub(&leaf->mm->aways, 1, __ATOMIC_RELAXED);
    slab_free(&away_cache, array);
}

void away_trim(struct page *leaf)
{
    REQUIRES_EXCLUSIVE(&leaf->mm->lock);
    if (leaf->away && !leaf->naway && !leaf->pins)
        drop_array(leaf);
}

void away_clear(struct mm *mm, vaddr_t start, vaddr_t end)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    struct page *leaf;

    pt_for_each_leaf (mm, start, end, va, next, leaf) {
        unsigned i = pt_index(va, 0), stop = i + (unsigned)((next - va) >> PAGE_SHIFT);

        if (!leaf->away)
            continue;
        if (stop - i == PT_ENTRIES && !leaf->pins) {
            drop_array(leaf);
        } else {
            spin_lock(&leaf->lock);
            for (; i < stop && leaf->naway; i++)
                away_set(leaf, i, 0);
            spin_unlock(&leaf->lock);
            away_trim(leaf);
        }
        pause_anyway();
    }
}

/* The numbers of one source table; a target address may lie in one of two tables. */
static int copy_leaf(struct mm *to, const struct page *from, vaddr_t va, vaddr_t next,
                     u64 delta)
{
    REQUIRES_EXCLUSIVE(&to->lock);
    for (; va < next; va += PAGE_SIZE) {
        u32 value = from->away[pt_index(va, 0)];
        struct page *leaf;

        if (!value)
            continue;
        leaf = pt_leaf_make(to, va + delta);
        if (!leaf || away_reserve(leaf) != 0)
            return -ENOMEM;
        spin_lock(&leaf->lock);
        away_set(leaf, pt_index(va + delta, 0), value);
        spin_unlock(&leaf->lock);
    }
    return 0;
}

int away_copy(struct mm *to, const struct mm *from, vaddr_t start, vaddr_t end, u64 delta)
{
    REQUIRES_EXCLUSIVE(&to->lock);
    REQUIRES_EXCLUSIVE(&from->lock);
    struct page *leaf;

    pt_for_each_leaf (from, start, end, va, next, leaf) {
        int err = 0;

        if (!leaf->naway)
            continue;
        if (delta == 0 && next - va == LEAF_SPAN) {
            struct page *target = pt_leaf_make(to, va);

            if (!target || away_reserve(target) != 0)
                return -ENOMEM;
            spin_lock(&target->lock);
            ASSERT(target->naway == 0);
            memcpy(target->away, leaf->away, sizeof(struct away_array));
            target->naway = leaf->naway;
            spin_unlock(&target->lock);
        } else {
            err = copy_leaf(to, leaf, va, next, delta);
        }
        if (err)
            return err;
        if (next < end && pause_point())
            return -EINTR;
    }
    return 0;
}

u64 mm_count_away(const struct mm *mm, const struct vma *v)
{
    REQUIRES(&mm->lock);
    struct page *leaf;
    u64 n = 0;

    if (vma_kind(v) != VMA_SHARED)
        return 0;
    if (vma_huge(v))
        return huge_count_away(v);
    pt_for_each_leaf (mm, v->start, v->end, va, next, leaf) {
        if (!leaf->away)
            continue;
        if (next - va == LEAF_SPAN) {
            n += leaf->naway;
            pause_anyway();
            continue;
        }
        for (vaddr_t a = va; a < next; a += PAGE_SIZE)
            n += leaf->away[pt_index(a, 0)] != 0;
    }
    return n;
}

u64 away_bytes(void)
{
    return away_cache.objects * sizeof(struct away_array);
}
