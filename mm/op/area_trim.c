/* SPDX-License-Identifier: MIT
 *
 * Tables under addresses where nothing is mapped any more; see mm/op/area_trim.h.
 */
#include "mm/op/area_trim.h"
#include "lib/lock.h"
#include "mm/table/change.h"
#include "mm/table/pagetable.h"
#include "mm/table/pt_trim.h"
#include "mm/vm/object.h"

/* How far the tables of [start, end) are no other VMA's. */
static void table_bounds(const struct mm *mm, vaddr_t start, vaddr_t end, vaddr_t *floor,
                         vaddr_t *ceiling)
{
    const struct vma *v = vma_find(mm, start), *prev;
    const struct rb_node *last = rb_last(&mm->vmas);

    prev = v ? vma_prev(v) : last ? rb_entry(last, struct vma, node) : NULL;
    while (v && v->start < end)
        v = vma_next(v);
    *floor = prev ? prev->end : 0;
    *ceiling = v ? v->start : USER_END + PAGE_SIZE;
}

void area_trim(struct mm *mm, vaddr_t start, vaddr_t end)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    vaddr_t floor, ceiling;
    struct change c;

    table_bounds(mm, start, end, &floor, &ceiling);
    change_begin(&c, mm);
    pt_trim(mm, start, end, floor, ceiling, &c);
    change_end(&c);
}

void area_drop_spare(struct mm *mm)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    vaddr_t start = (mm->spare_leaf - 1ul) * LEAF_SPAN;
    const struct vma *v;

    if (likely(!mm->spare_leaf))
        return;
    mm->spare_leaf = 0;
    v = vma_find(mm, start);
    if (!v || v->start >= start + LEAF_SPAN) /* else it is in use, or will be */
        area_trim(mm, start, start + LEAF_SPAN);
}

void area_trim_inside(struct vma *v, vaddr_t start, vaddr_t end)
{
    REQUIRES_EXCLUSIVE(&v->mm->lock);
    vaddr_t floor, ceiling;

    table_bounds(v->mm, start, end, &floor, &ceiling);
    pt_trim_locked(v->mm, start, end, floor, ceiling, &v->object->lock);
}

void area_clear_way(struct mm *mm, vaddr_t start, vaddr_t end)
{
    struct change c;

    change_begin(&c, mm);
    pt_trim(mm, start, end, start, end, &c);
    change_end(&c);
}

static noinline void trim(struct mm *mm, vaddr_t start, vaddr_t end, vaddr_t floor,
                          vaddr_t ceiling)
{
    struct change c;

    area_drop_spare(mm);
    change_begin(&c, mm);
    pt_trim(mm, start, end, floor, ceiling, &c);
    change_end(&c);
}

static noinline void spare_leaf(struct mm *mm, vaddr_t va)
{
    if (!pt_leaf(mm, va))
        return;
    area_drop_spare(mm);
    mm->spare_leaf = (u32)(va / LEAF_SPAN) + 1;
}

void area_trim_between(struct mm *mm, vaddr_t start, vaddr_t end, vaddr_t floor,
                       const struct vma *next, bool leaf)
{
    vaddr_t ceiling = next ? next->start : USER_END + PAGE_SIZE;
    vaddr_t first = start & ~(LEAF_SPAN - 1), above = start & ~(pt_span(2) - 1);

    if ((start ^ (end - 1)) >= LEAF_SPAN ||
        (floor <= above && above + pt_span(2) <= ceiling))
        trim(mm, start, end, floor, ceiling);
    else if (leaf && mm->spare_leaf != first / LEAF_SPAN + 1 && floor <= first &&
             first + LEAF_SPAN <= ceiling)
        spare_leaf(mm, start);
}
