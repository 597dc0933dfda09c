/* SPDX-License-Identifier: MIT
 *
 * Lending leaf tables; see mm/vm/lend.h.
 */
#include "mm/vm/lend.h"
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "mm/vm/slot.h"

#define HOLDERS_MAX 0xffffu
/* Fewer entries are copied at once as fast as later, in a child of few tables: of many it will not
 * write most. Small models have few. */
#ifdef TESSERA_HOST
#define LENT_LEAST 2u
#else
#define LENT_LEAST 64u
#endif
#define LENT_MANY 64u

/* mm has one shared table less. */
static void count_left(struct mm *mm)
{
    __atomic_fetch_sub(&mm->tables, 1, __ATOMIC_RELAXED);
    __atomic_fetch_sub(&mm->lent, 1, __ATOMIC_RELAXED);
}

/* The only holder has it for itself. Its entries must permit no more than the VMA does. */
static void take_over(struct mm *mm, pte_t *way, struct page *leaf)
{
    REQUIRES(&leaf->lock);
    leaf->holders = 0;
    leaf->mm = mm;
    __atomic_fetch_sub(&mm->lent, 1, __ATOMIC_RELAXED);
    pt_set_way(way, pte_load(way) | PTE_WRITE);
}

/* lend_narrow() may have left that to the way: its VMA is over all of the table. Where nothing is
 * mapped at va the table has been its own since. */
static void narrow_entries(struct mm *mm, vaddr_t va, struct page *leaf)
{
    REQUIRES(&leaf->lock);
    const struct vma *v = vma_at(mm, va);

    if (v && !(v->flags & VM_WRITE))
        slot_narrow_leaf(leaf);
}

struct page *lend_own(struct mm *mm, vaddr_t va)
{
    REQUIRES(&mm->lock);
    pte_t *way = pt_way(mm, va), pte;
    struct page *leaf, *fresh = NULL;
    bool copied = false;
    struct change c;

    while (!copied && !pte_writable(pte = pte_load(way))) {
        leaf = pfn_to_page(pte_pfn(pte));
        if (READ_ONCE(leaf->holders) > 1 && !fresh) {
            fresh = pt_spare_leaf(mm, va);
            if (!fresh)
                return NULL;
        }
        spin_lock(&leaf->lock);
        if (pte_load(way) != pte) {
            /* another thread was faster */
        } else if (leaf->holders == 1) {
            narrow_entries(mm, va, leaf);
            take_over(mm, way, leaf);
        } else if (fresh) {
            slot_copy_leaf(leaf, fresh);
            pt_set_way(way, pte_make_table(page_to_pfn(fresh)));
            copied = true;
        }
        spin_unlock(&leaf->lock);
    }
    if (!copied) {
        if (fresh)
            pt_drop_spare(mm, fresh);
        return pfn_to_page(pte_pfn(pte_load(way)));
    }
    /* A CPU that still comes to the old one must not find there what others do with it. */
    change_begin(&c, mm);
    change_note(&c, va);
    change_flush(&c);
    count_left(mm);
    pt_leave(leaf);
    return fresh;
}

/* The table over va, if there is one that is shared. */
static inline bool is_lent(const struct mm *mm, vaddr_t va)
{
    const pte_t *way = pt_way(mm, va);
    pte_t pte = way ? pte_load(way) : 0;

    return pte_present(pte) && !pte_writable(pte);
}

int lend_own_range(struct mm *mm, vaddr_t start, vaddr_t end)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    struct page *leaf;

    if (!mm->lent)
        return 0;
    pt_for_each_table(mm, 0, start, end, va, next, leaf)
    {
        if (leaf->holders && !lend_own(mm, va))
            return -ENOMEM;
        if (next < end)
            pause_anyway();
    }
    return 0;
}

/* What lies over va, in the middle of a table's span or at its start, is its own. */
static int own_at(struct mm *mm, vaddr_t va)
{
    for (unsigned level = 0; level <= 1; level++) {
        struct page *table;

        if (va % pt_table_span(level) == 0)
            continue;
        table = pt_table(mm, va, level);
        if (!table && (level || slot_span_home(mm, NULL, va)))
            continue;
        if (!table && !(table = slot_make(mm, va, 0).table))
            return -ENOMEM;
        if (level == 0 && is_lent(mm, va) && !(table = lend_own(mm, va)))
            return -ENOMEM;
        if (away_thaw(table) != 0)
            return -ENOMEM;
    }
    return 0;
}

int lend_own_both_ends(struct mm *mm, vaddr_t start, vaddr_t end)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    int err = own_at(mm, start);

    return err ? err : own_at(mm, end);
}

bool lend_none(const struct mm *mm, vaddr_t start, vaddr_t end)
{
    REQUIRES(&mm->lock);
    struct page *leaf;

    if (!mm->lent)
        return true;
    pt_for_each_table(mm, 0, start, end, va, next, leaf)
    {
        (void)next;
        if (is_lent(mm, va))
            return false;
    }
    return true;
}

/* Its owner becomes its first holder. */
static void close_way(struct mm *mm, pte_t *way, struct page *leaf, struct change *c)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    REQUIRES(&leaf->lock);
    leaf->holders = 1;
    leaf->mm = NULL;
    pt_set_way(way, pte_write_protect(pte_load(way)));
    mm->lent++;
    change_note_all(c);
}

bool lend_narrow(struct mm *mm, vaddr_t va, struct page *leaf, struct change *c)
{
    if (READ_ONCE(leaf->holders))
        return true; /* its way is closed */
    if (leaf->present < LENT_LEAST)
        return false;
    spin_lock(&leaf->lock);
    close_way(mm, pt_way(mm, va), leaf, c);
    spin_unlock(&leaf->lock);
    return true;
}

void lend_widen(struct mm *mm, vaddr_t va, struct page *leaf)
{
    spin_lock(&leaf->lock);
    if (leaf->holders == 1)
        take_over(mm, pt_way(mm, va), leaf);
    spin_unlock(&leaf->lock);
}

int lend_to_child(struct mm *parent, struct mm *child, vaddr_t va, struct page *leaf,
                  struct change *c)
{
    REQUIRES_EXCLUSIVE(&parent->lock);
    REQUIRES_EXCLUSIVE(&child->lock);
    pte_t *way = pt_way(parent, va), *to;
    struct page *upper;

    if (leaf->holders == HOLDERS_MAX ||
        (leaf->present < LENT_LEAST && child->tables < LENT_MANY))
        return 0;
    upper = pt_table_make(child, va, 1);
    if (!upper)
        return -ENOMEM;
    to = pt_entries(upper) + pt_index(va, 1);
    if (pte_load(to))
        return 0;
    spin_lock(&leaf->lock);
    if (!leaf->holders)
        close_way(parent, way, leaf, c);
    leaf->holders++;
    pt_set_way(to, pte_load(way));
    spin_unlock(&leaf->lock);
    child->lent++;
    child->tables++;
    slot_count_leaf(child, leaf->present - leaf->zeros);
    return 1;
}

bool lend_give_back(struct change *c, vaddr_t va, struct page *leaf)
{
    struct mm *mm = c->mm;
    REQUIRES_EXCLUSIVE(&mm->lock);
    pte_t *way = pt_way(mm, va);
    bool others;

    spin_lock(&leaf->lock);
    others = leaf->holders > 1;
    if (others)
        pt_set_way(way, 0);
    else
        take_over(mm, way, leaf);
    spin_unlock(&leaf->lock);
    if (!others)
        return false;
    count_left(mm);
    c->resident[RESIDENT_ANON] -= leaf->present - leaf->zeros;
    change_note_all(c);
    if (c->dying) /* nobody can come to it */
        pt_leave(leaf);
    else
        change_free_any(c, leaf);
    return true;
}
