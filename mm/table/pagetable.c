/* SPDX-License-Identifier: MIT
 *
 * Making, walking and freeing the tables of an address space. `present` in a table's
 * descriptor counts its entries in use at every level, so emptiness is known without a scan.
 */
#include "mm/table/pagetable.h"
#include "lib/lock.h"
#include "lib/nested.h"
#include "mm/phys/buddy.h"
#include "mm/table/pt_trim.h"

/* A table is made for an address: that is about where its only entry stands, if it has one. So who
 * looks for it mostly finds it at once (pt_find_used()). */
#define PT_NEAR (PT_ENTRIES / 32)

static struct page *table_alloc(struct mm *mm, unsigned level, vaddr_t va)
{
    struct page *pg = page_alloc(0, PA_ZERO);

    if (!pg)
        return NULL;
    pg->mm = mm;
    pg->away = NULL;
    pg->base = (u32)(align_down(va, pt_table_span(level)) >> (PAGE_SHIFT + PT_SHIFT));
    pg->present = 0;
    pg->stamp = 0;
    pg->naway = 0;
    pg->lock = (spinlock_t)SPINLOCK_INIT;
    pg->level = (u8)level;
    pg->zeros = 0;
    pg->near = (pt_index(va, level) / PT_NEAR) & 31u;
    pg->frozen = false;
    pg->holders = 0;
    pg->pins = 0;
    pg->type = PAGE_TABLE; /* last: now backlink checks may look at it */
    __atomic_fetch_add(&mm->tables, 1, __ATOMIC_RELAXED);
    return pg;
}

/* A table without entries stops being one; its frame is the caller's to free. */
static void table_end(struct page *pg)
{
    /* A walker that checks a backlink into this frame locks it and looks at the type again. */
    spin_lock(&pg->lock);
    ASSERT(pg->type == PAGE_TABLE && !pg->away);
    pg->type = PAGE_KERNEL;
    spin_unlock(&pg->lock);
}

void pt_retire(struct mm *mm, struct page *pg)
{
    table_end(pg);
    __atomic_fetch_sub(&mm->tables, 1, __ATOMIC_RELAXED);
}

bool pt_init(struct mm *mm)
{
    struct page *pg = table_alloc(mm, PT_LEVELS - 1, 0);

    if (!pg)
        return false;
    mm->root = page_to_virt(pg);
    mm->root_pa = page_to_phys(pg);
    arch_root_init(mm->root);
    return true;
}

void pt_fini(struct mm *mm)
{
    struct page *root = phys_to_page(mm->root_pa);

    if (unlikely(root->present)) { /* left by a call that failed, under no VMA */
        struct change batch;

        change_begin(&batch, mm);
        pt_trim(mm, 0, USER_END, 0, USER_END + PAGE_SIZE, &batch);
        change_end(&batch);
    }
    ASSERT(root->present == 0);
    pt_retire(mm, root);
    page_free(root, 0);
    mm->root = NULL;
}

/* What the entry held before it leads to the new table: nothing, or its numbers. */
static void take_numbers(struct page *parent, struct page *pg, pte_t old)
{
    REQUIRES(&parent->lock);
    if (likely(!old)) {
        parent->present++;
        return;
    }
    ASSERT(pte_numbers(old));
    pg->away = phys_to_virt(pte_numbers_array(old));
    pg->naway = (u16)pte_numbers_count(old);
    pg->frozen = true;
}

struct page *pt_table_make(struct mm *mm, vaddr_t va, unsigned lowest)
{
    REQUIRES(&mm->lock);
    struct page *parent = phys_to_page(mm->root_pa);

    for (unsigned level = PT_LEVELS - 1; level > lowest; level--) {
        pte_t *e = (pte_t *)page_to_virt(parent) + pt_index(va, level);

        if (!pte_present(pte_load(e))) {
            struct page *pg = table_alloc(mm, level - 1, va);

            if (!pg)
                return NULL;
            spin_lock(&parent->lock);
            if (!pte_present(pte_load(e))) {
                take_numbers(parent, pg, pte_load(e));
                pte_store(e, pte_make_table(page_to_pfn(pg)));
                pg = NULL;
            }
            spin_unlock(&parent->lock);
            if (pg) /* another fault was faster */
                pt_drop_spare(mm, pg);
        }
        parent = pfn_to_page(pte_pfn(pte_load(e)));
    }
    return parent;
}

pte_t *pt_way(const struct mm *mm, vaddr_t va)
{
    struct page *table = pt_table(mm, va, 1);

    return table ? pt_entries(table) + pt_index(va, 1) : NULL;
}

void pt_set_way(pte_t *way, pte_t pte)
{
    struct page *table = virt_to_page(way);

    spin_lock_nested(&table->lock); /* the leaf's lock may be held: that comes first */
    table->present = (u16)(table->present + (pte != 0) - (*way != 0));
    pte_store(way, pte);
    spin_unlock(&table->lock);
}

struct page *pt_spare_leaf(struct mm *mm, vaddr_t va)
{
    return table_alloc(mm, 0, va);
}

void pt_drop_spare(struct mm *mm, struct page *leaf)
{
    pt_retire(mm, leaf);
    page_free(leaf, 0);
}

void pt_leave(struct page *leaf)
{
    pte_t *e = pt_entries(leaf);
    bool last;

    /* A full change is flushed with a table of the same address space held: its own, which nobody
     * who holds a shared one waits for. */
    spin_lock_nested(&leaf->lock);
    last = --leaf->holders == 0;
    spin_unlock(&leaf->lock);
    if (likely(!last))
        return;
    for (u32 left = leaf->present; left; e++) {
        struct page *pg = pfn_to_page(pte_any_pfn(*e));

        if (!*e)
            continue;
        left--;
        pte_store(e, 0); /* tables are freed empty */
        if (pg != zero_page)
            page_put(pg);
    }
    table_end(leaf);
    page_free_table(leaf);
}

/* The leaf table of *src, under `source`, becomes that of *dst, under `target`, for the address `to`.
 * All is to be flushed. */
static void move_leaf(struct page *source, pte_t *src, struct page *target, pte_t *dst,
                      vaddr_t to)
{
    struct page *leaf = pfn_to_page(pte_pfn(pte_load(src)));

    spin_lock(&leaf->lock); /* a walker along a backlink reads the base under it */
    leaf->base = (u32)(to >> (PAGE_SHIFT + PT_SHIFT));
    spin_lock_nested(
        &target->lock); /* the tables above come after a leaf, never before */
    pte_store(dst, pte_load(src));
    target->present++;
    if (source != target) {
        spin_unlock(&target->lock);
        spin_lock_nested(&source->lock);
    }
    pte_store(src, 0);
    source->present--;
    spin_unlock(&source->lock);
    change_stamp(leaf);
    spin_unlock(&leaf->lock);
}

void pt_move_leaves(struct mm *mm, vaddr_t from, vaddr_t to, u64 n, struct change *b)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    struct page *source = pt_table(mm, from, 1), *target = pt_table(mm, to, 1), *leaf;
    unsigned first = pt_index(from, 1), i = first, stop = first + (unsigned)n;
    pte_t *moved = pt_entries(target) + pt_index(to, 1) - first;

    change_note_all(b);
    for (; (i = pt_next_used(source, i, stop)) < stop; i++) {
        pte_t *dst = moved + i;

        if (pte_present(pte_load(dst))) { /* an empty table nobody needs */
            leaf = pfn_to_page(pte_pfn(pte_load(dst)));
            ASSERT(leaf->present == 0 && leaf->naway == 0 && !leaf->away);
            spin_lock(&target->lock);
            pte_store(dst, 0);
            target->present--;
            spin_unlock(&target->lock);
            pt_retire(mm, leaf);
            change_free_any(b, leaf);
        }
        move_leaf(source, pt_entries(source) + i, target, dst,
                  to + (u64)(i - first) * LEAF_SPAN);
    }
}

/* Plain loads, which the compiler may join: others store meanwhile, and either is right. */
static no_race_check always_inline bool some_of_8(const pte_t *e)
{
    return e[0] | e[1] | e[2] | e[3] | e[4] | e[5] | e[6] | e[7];
}

static no_race_check always_inline bool some_present_of_8(const pte_t *e)
{
    return (e[0] | e[1] | e[2] | e[3] | e[4] | e[5] | e[6] | e[7]) & PTE_PRESENT;
}

no_race_check unsigned pt_find_used(const struct page *table, unsigned i, unsigned stop)
{
    const pte_t *first = pt_entries(table), *e = first + i, *end = first + stop;

    if (table->present == 1) {
        const pte_t *near = first + table->near * PT_NEAR, *there = near + PT_NEAR;

        while (near < there && !some_of_8(near))
            near += 8;
        while (near < there && !*near)
            near++;
        if (near < there) /* there are no others */
            return near >= e && near < end ? (unsigned)(near - first) : stop;
    }
    for (; e < end && (uintptr_t)e % (8 * sizeof(*e)); e++)
        if (*e)
            return (unsigned)(e - first);
    while (e + 8 <= end && !some_of_8(e))
        e += 8;
    while (e < end && !*e)
        e++;
    return (unsigned)(e - first);
}

/* The first entry of `table` in [i, stop) that leads to a table, not to a huge page or to numbers;
 * `stop`: there is none. */
static unsigned next_way(const pte_t *e, unsigned i, unsigned stop)
{
    const struct page *table;

    if (likely((pte_load(&e[i]) & (PTE_PRESENT | PTE_LARGE)) == PTE_PRESENT))
        return i;
    table = virt_to_page(e);
    if (i && pte_load(&e[i - 1]) && table->present == 1)
        return stop; /* its only entry lies behind */
    while (i < stop && (pte_load(&e[i]) & (PTE_PRESENT | PTE_LARGE)) != PTE_PRESENT) {
        bool numbers = pte_numbers(pte_load(&e[i]));

        i = numbers ? i + 1 : pt_next_used(table, i + 1, stop);
        while (numbers && i + 8 <= stop &&
               !some_present_of_8(&e[i])) /* they stand together */
            i += 8;
    }
    return i;
}

struct page *pt_find_table(const struct mm *mm, vaddr_t *at, vaddr_t end, unsigned lowest)
{
    vaddr_t va = *at;

    while (va < end) {
        const pte_t *table = mm->root;

        for (unsigned level = PT_LEVELS - 1;; level--) {
            vaddr_t low = va & ~(pt_table_span(level) - 1);
            u64 left = (end - 1 - low) >> (PAGE_SHIFT + PT_SHIFT * level);
            unsigned stop = left < PT_ENTRIES ? (unsigned)left + 1 : PT_ENTRIES;
            unsigned i = next_way(table, pt_index(va, level), stop);

            va = MAX(va, low + i * pt_span(level));
            if (i == stop) /* none in here */
                break;
            table = phys_to_virt(pte_load(&table[i]) & PTE_ADDR);
            if (level == lowest + 1) {
                *at = va;
                return virt_to_page(table);
            }
        }
    }
    return NULL;
}

pte_t *pt_find_numbers(const struct mm *mm, vaddr_t *at, vaddr_t end)
{
    vaddr_t va = *at;
    struct page *table;

    while (va < end && (table = pt_next_table(mm, &va, end, 1)) != NULL) {
        vaddr_t stop = MIN((va | (pt_table_span(1) - 1)) + 1, end);

        for (; va < stop; va = (va | (LEAF_SPAN - 1)) + 1) {
            pte_t *way = pt_entries(table) + pt_index(va, 1);

            if (!pte_numbers(pte_load(way)))
                continue;
            *at = va;
            return way;
        }
        pause_anyway();
    }
    return NULL;
}
