/* SPDX-License-Identifier: MIT
 *
 * Who has which away array; see mm/vm/away.h.
 */
#include "mm/vm/away.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/phys/slab.h"
#include "mm/vm/slot.h"
#include "mm/vm/slot_range.h"

struct away_array {
    u32 number[PT_ENTRIES];
};

SLAB_CACHE(away_cache, "away", struct away_array);
STATIC_ASSERT(sizeof(struct away_array) == AWAY_BYTES);

#define USERS_MAX 0x8000u

/* How many have this array. One page holds the beginnings of two at most. */
static u16 *users_of(const u32 *array)
{
    return &virt_to_page(array)->users[(uintptr_t)array / AWAY_BYTES % 2];
}

static void array_put(u32 *array)
{
    if (__atomic_sub_fetch(users_of(array), 1, __ATOMIC_ACQ_REL) == 0)
        slab_free(&away_cache, array);
}

/* An array of one user's: with these numbers, or (NULL) none. */
static u32 *array_make(const u32 *numbers)
{
    struct away_array *a = slab_alloc(&away_cache);

    if (!a)
        return NULL;
    if (numbers)
        memcpy(a, numbers, AWAY_BYTES);
    else
        memset(a, 0, AWAY_BYTES);
    WRITE_ONCE(*users_of(a->number), 1);
    return a->number;
}

static void set_frozen(struct page *table, bool frozen)
{
    __atomic_fetch_add(&table->mm->lent, (u32)frozen - table->frozen, __ATOMIC_RELAXED);
    table->frozen = frozen;
}

/* `table` has this array from now on, instead of the one it may have. */
static void set_array(struct page *table, u32 *array, u32 naway, bool frozen)
{
    struct mm *mm = table->mm;
    u32 *old = table->away;

    REQUIRES_EXCLUSIVE(&mm->lock);
    spin_lock(&table->lock);
    table->away = array;
    table->naway = (u16)naway;
    spin_unlock(&table->lock);
    set_frozen(table, frozen);
    __atomic_fetch_add(&mm->aways, (u64)(array != NULL) - (old != NULL),
                       __ATOMIC_RELAXED);
    if (old)
        array_put(old);
}

int away_reserve(struct page *table)
{
    REQUIRES_EXCLUSIVE(&table->mm->lock);
    u32 *array = table->away;

    if (likely(array && !table->frozen))
        return 0;
    if (array && __atomic_load_n(users_of(array), __ATOMIC_ACQUIRE) == 1) {
        set_frozen(table, false);
        return 0;
    }
    array = array_make(array);
    if (!array)
        return -ENOMEM;
    set_array(table, array, table->naway, false);
    return 0;
}

void away_drop(struct page *table)
{
    set_array(table, NULL, 0, false);
}

void away_trim(struct page *table)
{
    REQUIRES_EXCLUSIVE(&table->mm->lock);
    if (table->away && !table->naway && !table->pins)
        away_drop(table);
}

/* ---- fork ---- */

/* What a way leads to: numbers under a table, or alone. */
struct source {
    struct page *leaf; /* NULL: alone */
    u32 *array;
    u32 naway; /* 0: none */
};

static inline struct source source_of(pte_t way)
{
    struct page *leaf;

    if (unlikely(pte_numbers(way)))
        return (struct source){NULL, phys_to_virt(pte_numbers_array(way)),
                               pte_numbers_count(way)};
    if ((way & (PTE_PRESENT | PTE_LARGE)) != PTE_PRESENT)
        return (struct source){NULL, NULL, 0};
    leaf = pfn_to_page(pte_pfn(way));
    return (struct source){leaf, leaf->away, leaf->naway};
}

/* For a child that has a table there, or numbers that too many have. */
static int share_table(struct mm *to, vaddr_t va, const struct source *s)
{
    bool copy = READ_ONCE(*users_of(s->array)) >= USERS_MAX;
    struct page *table = pt_leaf_make(to, va);
    u32 *array = table && copy ? array_make(s->array) : s->array;

    if (!table || !array)
        return -ENOMEM;
    ASSERT(!table->naway);
    if (!copy)
        __atomic_fetch_add(users_of(array), 1, __ATOMIC_RELAXED);
    set_array(table, array, s->naway, !copy);
    if (!copy && s->leaf)
        set_frozen(s->leaf, true);
    return 0;
}

/* The spans of [va, end), under one table of level 1, `src` in the parent. */
static int share_under(struct mm *from, struct mm *to, struct page *src, vaddr_t va,
                       vaddr_t end)
{
    const pte_t *ways = pt_entries(src);
    u32 shared = 0, frozen = 0;
    struct page *dst = NULL;
    int err = 0;

    for (unsigned i = pt_index(va, 1); va < end && !err; i++, va += LEAF_SPAN) {
        struct source s = source_of(pte_load(&ways[i]));
        u16 *users;

        if (!s.naway)
            continue;
        if (!dst && !(dst = pt_table_make(to, va, 1)))
            return -ENOMEM;
        users = users_of(s.array);
        if (unlikely(pte_load(pt_entries(dst) + i)) ||
            unlikely(READ_ONCE(*users) >= USERS_MAX)) {
            err = share_table(to, va, &s);
            continue;
        }
        __atomic_fetch_add(users, 1, __ATOMIC_RELAXED);
        pt_fill_way(dst, i, pte_make_numbers(virt_to_phys(s.array), s.naway));
        shared++;
        if (s.leaf && !s.leaf->frozen) {
            s.leaf->frozen = true;
            frozen++;
        }
    }
    to->aways += shared;
    to->lent += shared;
    from->lent += frozen;
    return err;
}

/* Those of [start, end), whole spans. */
static int share(struct mm *from, struct mm *to, vaddr_t start, vaddr_t end)
{
    REQUIRES_EXCLUSIVE(&from->lock);
    REQUIRES_EXCLUSIVE(&to->lock);
    struct page *src;

    pt_for_each_table(from, 1, start, end, va, next, src)
    {
        int err = share_under(from, to, src, va, next);

        if (err)
            return err;
        if (next < end && pause_point())
            return -EINTR;
    }
    return 0;
}

/* Whether [va, end) of v, in the span of a leaf table, has all numbers under it. */
static bool has_all_numbers(const struct vma *v, const struct page *leaf, vaddr_t va,
                            vaddr_t end)
{
    vaddr_t low = align_down(va, LEAF_SPAN);
    const struct vma *u = vma_find(v->mm, low);
    const u32 *numbers = leaf->away;
    u32 naway = 0, i = pt_index(va, 0);

    while (u && u->start < low + LEAF_SPAN && (u == v || vma_kind(u) != VMA_SHARED))
        u = vma_next(u);
    if (!u || u->start >= low + LEAF_SPAN) /* no other could have some */
        return true;
    for (u32 stop = i + slot_count(va, end, 0); i < stop; i++)
        naway += numbers[i] != 0;
    return naway == leaf->naway;
}

/* The part [start, end) of the span of one leaf table. */
static int inherit_part(struct mm *to, const struct vma *v, vaddr_t start, vaddr_t end)
{
    vaddr_t span = align_down(start, LEAF_SPAN);
    int err = start < end ? away_redeem(v->mm, start, end) : 0;
    struct page *leaf = start < end && !err ? pt_leaf(v->mm, start) : NULL;

    if (!leaf || !leaf->naway)
        return err;
    if (has_all_numbers(v, leaf, start, end))
        return share(v->mm, to, span, span + LEAF_SPAN);
    return slot_copy_numbers(to, v, start, end, 0);
}

int away_inherit(struct mm *to, const struct vma *v)
{
    vaddr_t low = MIN(align_up(v->start, LEAF_SPAN), v->end);
    vaddr_t high = MAX(align_down(v->end, LEAF_SPAN), low);
    int err;

    if (vma_order(v))
        return slot_copy_numbers(to, v, v->start, v->end, 0);
    err = inherit_part(to, v, v->start, low);
    if (!err)
        err = share(v->mm, to, low, high);
    return err ? err : inherit_part(to, v, high, v->end);
}

/* ---- arrays alone ---- */

const u32 *away_alone(const struct mm *mm, vaddr_t va)
{
    const pte_t *way = likely(!mm->lent) ? NULL : pt_way(mm, va);
    pte_t pte = way ? pte_load(way) : 0;

    return pte_numbers(pte) ? phys_to_virt(pte_numbers_array(pte)) : NULL;
}

int away_redeem(struct mm *mm, vaddr_t start, vaddr_t end)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    while (unlikely(mm->lent) && pt_find_numbers(mm, &start, end)) {
        if (!pt_leaf_make(mm, start))
            return -ENOMEM;
        if (pause_point())
            return -EINTR;
    }
    return 0;
}

void away_forget_alone(struct mm *mm, vaddr_t start, vaddr_t end)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    pte_t *way;

    while (unlikely(mm->lent) && (way = pt_find_numbers(mm, &start, end)) != NULL) {
        u32 *array = phys_to_virt(pte_numbers_array(pte_load(way)));

        pt_set_way(way, 0);
        __atomic_fetch_sub(&mm->aways, 1, __ATOMIC_RELAXED);
        __atomic_fetch_sub(&mm->lent, 1, __ATOMIC_RELAXED);
        array_put(array);
        pause_anyway();
    }
}

u64 away_bytes(void)
{
    return slab_objects(&away_cache) * sizeof(struct away_array);
}
