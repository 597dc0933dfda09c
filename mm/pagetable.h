/* SPDX-License-Identifier: MIT
 *
 * The page-table tree of an address space: levels, not meanings. Walks end at a leaf table,
 * known by its page descriptor; callers work on its 512 entries under its lock (T).
 *
 * Tables are added under mm->lock in any mode (or by fork before the mm is shared) and
 * removed only under the exclusive mode, after every VMA over their span has left its
 * object's tree: so a walker that holds an object's lock and comes from a linked VMA never
 * meets a table that goes away.
 */
#pragma once

#include "mm/mm.h"
#include "mm/page.h"
#include "mm/tlb.h"

#define LEAF_SPAN (PT_ENTRIES * PAGE_SIZE) /* bytes one leaf table covers */

/* An empty root with the kernel half filled in. false: no memory. */
bool pt_init(struct mm *mm);
/* Frees the root; every other table was trimmed with the last VMA over it. */
void pt_fini(struct mm *mm);

/* The table of level 1 for va, or NULL. */
static inline struct page *pt_middle(const struct mm *mm, vaddr_t va)
{
    pte_t e = pte_load(&mm->root[pt_index(va, PT_LEVELS - 1)]);

    for (unsigned level = PT_LEVELS - 2; level >= 2 && pte_present(e); level--)
        e = pte_load((pte_t *)phys_to_virt(e & PTE_ADDR) + pt_index(va, level));
    return pte_present(e) ? pfn_to_page(pte_pfn(e)) : NULL;
}

/* A leaf table and its entries: the walk knows both, deriving one from the other costs. */
struct leaf {
    struct page *page; /* NULL: no table */
    pte_t *entries;
};

static inline struct leaf pt_leaf_ref(const struct mm *mm, vaddr_t va)
{
    pte_t e = pte_load(&mm->root[pt_index(va, PT_LEVELS - 1)]);

    for (unsigned level = PT_LEVELS - 2; level >= 1; level--) {
        if (!pte_present(e))
            return (struct leaf){NULL, NULL};
        e = pte_load((pte_t *)phys_to_virt(e & PTE_ADDR) + pt_index(va, level));
    }
    if (!pte_present(e))
        return (struct leaf){NULL, NULL};
    return (struct leaf){pfn_to_page((e & PTE_ADDR) >> PAGE_SHIFT),
                         phys_to_virt(e & PTE_ADDR)};
}

/* The leaf table for va, or NULL. */
static inline struct page *pt_leaf(const struct mm *mm, vaddr_t va)
{
    return pt_leaf_ref(mm, va).page;
}

/* The table of `level` for va (0: leaf), made with all above it when missing. NULL: no memory
 * (tables made on the way stay until pt_trim or exit). */
struct page *pt_table_make(struct mm *mm, vaddr_t va, unsigned level);

static inline struct page *pt_leaf_make(struct mm *mm, vaddr_t va)
{
    return pt_table_make(mm, va, 0);
}

/* Hangs the whole leaf table of `from` where that of `to` belongs; both are multiples of
 * LEAF_SPAN, the table of level 1 for `to` exists, nothing is mapped there. Entries, away
 * array and the backlinks into it stay what they are. Exclusive mm lock; O when an object's
 * VMAs cover both places. */
void pt_move_leaf(struct mm *mm, vaddr_t from, vaddr_t to, struct tlb_batch *b);

/* The first address in [va, end) whose leaf table exists; `end` when there is none. This and
 * pt_trim step over huge pages; the functions that return a table are for addresses that have
 * none. */
vaddr_t pt_next_leaf(const struct mm *mm, vaddr_t va, vaddr_t end);

/* Frees tables that lie wholly in [floor, ceiling) and are empty (no entry, no away entry),
 * visiting those over [start, end), through the batch: CPUs cache upper entries as well, so
 * the frames are freed after a full flush. Exclusive mm lock; pauses. */
void pt_trim(struct mm *mm, vaddr_t start, vaddr_t end, vaddr_t floor, vaddr_t ceiling,
             struct tlb_batch *b);

/* The same below a mapping that its object still knows: `lock`, the object's, is taken and
 * given up piece by piece, because truncate may walk the tables under it. */
void pt_trim_locked(struct mm *mm, vaddr_t start, vaddr_t end, vaddr_t floor,
                    vaddr_t ceiling, spinlock_t *lock);

static inline pte_t *pt_entries(const struct page *leaf)
{
    return page_to_virt(leaf);
}

/* Address of entry i of a leaf table. */
static inline vaddr_t pt_address(const struct page *leaf, unsigned i)
{
    return ((vaddr_t)leaf->base << (PAGE_SHIFT + PT_SHIFT)) + i * PAGE_SIZE;
}

/* Visits [start, end) leaf by leaf: `va` is the start of the part in this table, `next` its
 * end, `leaf` the table. Spans without a table are skipped. */
#define pt_for_each_leaf(mm, start_, end_, va, next, leaf)                        \
    for (vaddr_t va = pt_next_leaf(mm, start_, end_), next;                       \
         va < (end_) && (next = MIN((va | (LEAF_SPAN - 1)) + 1, (vaddr_t)(end_)), \
                        leaf = pt_leaf(mm, va), true);                            \
         va = pt_next_leaf(mm, next, end_))
