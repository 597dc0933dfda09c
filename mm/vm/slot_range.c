/* SPDX-License-Identifier: MIT
 *
 * Away numbers of ranges; see mm/vm/slot_range.h.
 */
#include "mm/vm/slot_range.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "mm/vm/huge.h"

static void forget_numbers(struct page *table, unsigned i, unsigned stop)
{
    REQUIRES_EXCLUSIVE(&table->mm->lock);
    struct tally t = {0, 0};

    ASSERT(!table->frozen);
    spin_lock(&table->lock);
    for (; i < stop && table->naway + t.naway; i++)
        (void)slot_move(slot_numbers(table, i, true), 0, true, 0, &t);
    table->naway = (u16)(table->naway + t.naway);
    spin_unlock(&table->lock);
    away_trim(table);
}

void slot_forget_range(struct mm *mm, vaddr_t start, vaddr_t end, unsigned order)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    struct page *table;

    pt_for_each_table(mm, slot_level(order), start, end, va, next, table)
    {
        unsigned n = slot_count(va, next, order);

        if (!table->away)
            continue;
        /* A frozen one that reaches beyond what the call takes away is thawed by now. */
        if ((n == PT_ENTRIES || table->frozen) && !table->pins)
            away_drop(table);
        else
            forget_numbers(table, slot_index(va, order), slot_index(va, order) + n);
        pause_anyway();
    }
    away_forget_alone(mm, start, end);
}

void slot_forget(const struct vma *v, vaddr_t start, vaddr_t end, struct change *c)
{
    if (vma_kind(v) != VMA_SHARED || !READ_ONCE(v->mm->aways))
        return;
    change_before_pauses(c);
    slot_forget_range(v->mm, start, end, vma_order(v));
}

/* The numbers of one source table; a target address may lie in one of two tables. */
static int copy_each(struct mm *to, const struct page *from, vaddr_t va, vaddr_t next,
                     u64 delta, unsigned order)
{
    REQUIRES_EXCLUSIVE(&to->lock);
    u64 span = pt_table_span(slot_level(order));

    for (vaddr_t stop; va < next; va = stop) {
        struct tally t = {0, 0};
        struct page *table;

        stop = MIN(next, ((va + delta) | (span - 1)) + 1 - delta);
        while (va < stop && !slot_number(from, slot_index(va, order)))
            va += slot_size(order);
        if (va == stop)
            continue;
        table = slot_make(to, va + delta, order).table;
        if (!table || away_reserve(table) != 0)
            return -ENOMEM;
        spin_lock(&table->lock);
        for (; va < stop; va += slot_size(order)) {
            u32 number = slot_number(from, slot_index(va, order));

            if (number)
                (void)slot_move(slot_numbers(table, slot_index(va + delta, order), false),
                                0, false, slot_number_page(number, NULL, va), &t);
        }
        table->naway = (u16)(table->naway + t.naway);
        spin_unlock(&table->lock);
    }
    return 0;
}

int slot_copy_numbers(struct mm *to, const struct vma *v, vaddr_t start, vaddr_t end,
                      u64 delta)
{
    REQUIRES_EXCLUSIVE(&to->lock);
    REQUIRES_EXCLUSIVE(&v->mm->lock);
    unsigned order = vma_order(v);
    struct page *table;

    pt_for_each_table(v->mm, slot_level(order), start, end, va, next, table)
    {
        int err = table->naway ? copy_each(to, table, va, next, delta, order) : 0;

        if (err)
            return err;
        if (next < end && pause_point())
            return -EINTR;
    }
    return 0;
}

/* Those of arrays alone. */
static u64 count_alone(const struct mm *mm, vaddr_t va, vaddr_t end)
{
    u64 n = 0;

    while (unlikely(mm->lent) && pt_find_numbers(mm, &va, end)) {
        const u32 *numbers = away_alone(mm, va);
        vaddr_t next = MIN((va | (LEAF_SPAN - 1)) + 1, end);

        for (; numbers && va < next; va += PAGE_SIZE)
            n += numbers[pt_index(va, 0)] != 0;
        va = next;
    }
    return n;
}

u64 slot_count_away(const struct vma *v)
{
    REQUIRES(&v->mm->lock);
    unsigned order = vma_order(v);
    struct page *table;
    u64 n = 0;

    if (vma_kind(v) != VMA_SHARED)
        return 0;
    pt_for_each_table(v->mm, slot_level(order), v->start, v->end, va, next, table)
    {
        unsigned i = slot_index(va, order), count = slot_count(va, next, order);

        if (slot_all_home(table))
            continue;
        spin_lock(&table->lock);
        if (count == PT_ENTRIES)
            n += table->naway;
        else
            for (unsigned k = 0; k < count; k++)
                n += slot_number(table, i + k) != 0;
        spin_unlock(&table->lock);
        pause_anyway();
    }
    return (n + count_alone(v->mm, v->start, v->end)) << order;
}
