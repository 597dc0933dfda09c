/* SPDX-License-Identifier: MIT
 *
 * The page-table tree of an address space: levels, not meanings. Walks end at a leaf table,
 * known by its page descriptor; callers work on its 512 entries under its lock (T).
 *
 * Tables are added under mm->lock in any mode (or by fork before the mm is shared) and
 * removed only under the exclusive mode, after every VMA over their span has left its
 * object's tree: so a walker that holds an object's lock and comes from a linked VMA never
 * meets a table that goes away. A leaf table that lies wholly in private anonymous memory may be
 * shared since a fork, and is replaced under any mode: see mm/vm/lend.h.
 */
#pragma once

#include "mm/phys/page.h"
#include "mm/table/change.h"
#include "mm/table/mm_types.h"

#define LEAF_SPAN (PT_ENTRIES * PAGE_SIZE) /* bytes one leaf table covers */

/* Ends a table without entries that nobody reaches any more: a walker that checks a backlink into
 * it sees that it is none. Its frame is the caller's to free. */
void pt_retire(struct mm *mm, struct page *table);

/* An empty root with the kernel half filled in. false: no memory. */
bool pt_init(struct mm *mm);
/* Frees the root; every other table was trimmed with the last VMA over it. */
void pt_fini(struct mm *mm);

/* Bytes a table of `level` covers. */
static inline u64 pt_table_span(unsigned level)
{
    return pt_span(level + 1);
}

/* The table of `level` for va, or NULL: there is none, or a huge page. */
static always_inline struct page *pt_table(const struct mm *mm, vaddr_t va,
                                           unsigned level)
{
    pte_t e = pte_load(&mm->root[pt_index(va, PT_LEVELS - 1)]);

    for (unsigned l = PT_LEVELS - 2; l > level; l--) {
        if (!pte_present(e))
            return NULL;
        e = pte_load((pte_t *)phys_to_virt(e & PTE_ADDR) + pt_index(va, l));
    }
    return (e & (PTE_PRESENT | PTE_LARGE)) == PTE_PRESENT
               ? pfn_to_page((e & PTE_ADDR) >> PAGE_SHIFT)
               : NULL;
}

/* The leaf table for va, or NULL. */
static inline struct page *pt_leaf(const struct mm *mm, vaddr_t va)
{
    return pt_table(mm, va, 0);
}

/* The table of `level` for va (0: leaf), made with all above it when missing. NULL: no memory
 * (tables made on the way stay until pt_trim or exit). */
struct page *pt_table_make(struct mm *mm, vaddr_t va, unsigned level);

static inline struct page *pt_leaf_make(struct mm *mm, vaddr_t va)
{
    return pt_table_make(mm, va, 0);
}

/* The entry of level 1 that leads to the leaf table over va; NULL: there is no table of level
 * 1. Not writable: the leaf table is shared (mm/vm/lend.h), or there is none. */
pte_t *pt_way(const struct mm *mm, vaddr_t va);
/* Puts `pte` there. M held, and T of the leaf tables concerned. */
void pt_set_way(pte_t *way, pte_t pte);

/* The first way to nothing but away numbers (pte_numbers) for an address in [*va, end), and *va
 * moved up to that address; NULL: there is none. M held; pauses. */
pte_t *pt_find_numbers(const struct mm *mm, vaddr_t *va, vaddr_t end);

/* A leaf table for va that leads nowhere yet, counted for mm; NULL: no memory. And one that is
 * not needed. */
struct page *pt_spare_leaf(struct mm *mm, vaddr_t va);
void pt_drop_spare(struct mm *mm, struct page *leaf);

/* One of those that share `leaf` has none of it any more, after its flush; the last one frees it
 * with what it shows. */
void pt_leave(struct page *leaf);

/* Hangs the n leaf tables over `from`, those that are there, where those over `to` belong; both are
 * multiples of LEAF_SPAN, one table of level 1 leads to all of `from`, one, which exists, to all of
 * `to`, and nothing is mapped there. Entries, away arrays and the backlinks into them stay what they
 * are. Exclusive mm lock; O when an object's VMAs cover both places. */
void pt_move_leaves(struct mm *mm, vaddr_t from, vaddr_t to, u64 n, struct change *b);

/* The first table of `level` for an address in [*va, end), and *va moved up to that address;
 * NULL: there is none. Steps over huge pages. */
struct page *pt_find_table(const struct mm *mm, vaddr_t *va, vaddr_t end, unsigned level);

static inline struct page *pt_next_table(const struct mm *mm, vaddr_t *va, vaddr_t end,
                                         unsigned level)
{
    struct page *table = *va < end ? pt_table(mm, *va, level) : NULL;

    /* None, and the range goes on beyond its span? */
    if (!table && *va < end && (*va ^ (end - 1)) >= pt_table_span(level))
        table = pt_find_table(mm, va, end, level);
    return table;
}

static inline pte_t *pt_entries(const struct page *leaf)
{
    return page_to_virt(leaf);
}

/* The first entry in use of a table in [i, stop); `stop`: there is none. */
unsigned pt_find_used(const struct page *table, unsigned i, unsigned stop);

static inline unsigned pt_next_used(const struct page *table, unsigned i, unsigned stop)
{
    const pte_t *e = page_to_virt(table);

    return i < stop && pte_load(e + i) ? i : pt_find_used(table, i, stop);
}

/* Whether it pays to jump from one entry in use to the next. */
static inline bool pt_is_sparse(const struct page *table)
{
    return table->present < PT_ENTRIES / 32;
}

/* Makes `pte` the way of entry i, empty until now, of a table of level 1 in an address space that is
 * only being made. */
static inline void pt_fill_way(struct page *table, unsigned i, pte_t pte)
{
    table->present++;
    pte_store(pt_entries(table) + i, pte);
}

/* Address of entry i of a table of level 0 or 1. */
static inline vaddr_t pt_address(const struct page *table, unsigned i)
{
    return ((vaddr_t)table->base << (PAGE_SHIFT + PT_SHIFT)) +
           ((vaddr_t)i << (PAGE_SHIFT + (table->level ? PT_SHIFT : 0)));
}

/* Visits [start, end) table by table of `level`: `va` is the start of the part in this table,
 * `next` its end. Spans without a table are skipped. */
#define pt_for_each_table(mm, level, start_, end_, va, next, table)                  \
    for (vaddr_t va = start_, next;                                                  \
         ((table) = pt_next_table(mm, &va, end_, level)) != NULL &&                  \
         (next = MIN((va | (pt_table_span(level) - 1)) + 1, (vaddr_t)(end_)), true); \
         va = next)
