/* SPDX-License-Identifier: MIT
 *
 * Huge pages: VMAs with VM_HUGE are shown by entries of level 1 that translate 2 MiB at once.
 * The table of level 1 then plays the part that leaf tables play elsewhere: its lock, count
 * and away array serve the huge entries in it. Tables of small pages may hang in it as well,
 * but never over a huge VMA.
 *
 * File page numbers stay those of 4 KiB pages: a huge page stands in its object under its
 * first one, a multiple of HUGE_PAGES, and so do away numbers. Bounds of huge VMAs, their
 * homes and the sizes of their objects are multiples of HUGE_SIZE.
 */
#pragma once

#include "mm/fault.h"
#include "mm/object.h"
#include "mm/pagetable.h"
#include "mm/vma.h"

#define HUGE_ORDER 9u
#define HUGE_SIZE  (PAGE_SIZE << HUGE_ORDER)
#define HUGE_PAGES (1ul << HUGE_ORDER)

static inline bool vma_huge(const struct vma *v)
{
    return v->flags & VM_HUGE;
}

/* A user translation of a huge page. */
static inline pte_t pte_make_huge(pfn_t pfn, u32 prot)
{
    return pte_make_user(pfn, prot) | PTE_LARGE;
}

/* Where the entry of a huge page is; table NULL: there is no table. */
struct huge_slot {
    struct page *table;
    pte_t *entry;
    unsigned i;
};

static inline struct huge_slot huge_slot(const struct mm *mm, vaddr_t va)
{
    struct page *table = pt_middle(mm, va);
    unsigned i = pt_index(va, 1);

    return (struct huge_slot){table, table ? pt_entries(table) + i : NULL, i};
}

/* The first address from va on (a multiple of HUGE_SIZE) with a table; `end`: none. */
vaddr_t huge_next(const struct mm *mm, vaddr_t va, vaddr_t end);

/* Visits the entries of [start, end), in use or not, where there are tables. */
#define huge_for_each(mm, start_, end_, va, s)         \
    for (vaddr_t va = huge_next(mm, start_, end_);     \
         va < (end_) && (s = huge_slot(mm, va), true); \
         va = huge_next(mm, va + HUGE_SIZE, end_))

/* Address of entry i of a table of level 1. */
static inline vaddr_t huge_address(const struct page *table, unsigned i)
{
    return ((vaddr_t)(table->base & ~(PT_ENTRIES - 1)) + i) << (PAGE_SHIFT + PT_SHIFT);
}

/* The (4 KiB) file page shown at va, in a huge VMA. M held. */
pgoff_t huge_offset(const struct mm *mm, const struct vma *v, vaddr_t va);

/* Whether a border at start or end would cut a huge page: such calls are refused. M held. */
bool huge_cut(const struct mm *mm, vaddr_t start, vaddr_t end);
/* Whether some of [start, end) is huge. M held. */
bool huge_any(const struct mm *mm, vaddr_t start, vaddr_t end);

/* A free huge page, type KERNEL; leaves the reserve of the kernel alone. NULL: none. */
struct page *huge_alloc(u32 flags);
/* Blocks that huge_alloc could hand out now. */
u64 huge_available(void);

/* Makes [start, end), where nothing is mapped, ready for a huge VMA: tables left by calls that
 * failed go. M exclusive. */
void huge_clear_way(struct mm *mm, vaddr_t start, vaddr_t end);

/* The parts of the calls for a range of a huge VMA; contracts as for their 4 KiB namesakes. */
enum fault_result huge_fault(struct mm *mm, struct vma *v, vaddr_t va, u32 access);
enum fault_result huge_populate(struct mm *mm, struct vma *v, vaddr_t start, vaddr_t end);
void huge_zap(struct vma *v, vaddr_t start, vaddr_t end, struct tlb_batch *b);
void huge_zap_entry(struct page *table, unsigned i, struct tlb_batch *b);
void huge_unmap_homes(struct vma *v, vaddr_t start, vaddr_t end, bool cows,
                      struct tlb_batch *b);
void huge_protect(struct vma *v, vaddr_t start, vaddr_t end, struct tlb_batch *b);
int must_check huge_fork(struct vma *v, struct mm *child, struct tlb_batch *b);
void huge_away_clear(struct mm *mm, vaddr_t start, vaddr_t end);
int must_check huge_away_copy(struct mm *to, const struct vma *v);
u64 huge_count_away(const struct vma *v); /* in 4 KiB pages */
void huge_mincore(struct vma *v, vaddr_t start, vaddr_t end, u8 *vec);

/* remap_file_pages in v, which may be rearranged. install: translations of resident pages go
 * in at once. -EINVAL: addr, size or file offset is no multiple of HUGE_SIZE; -ENOMEM: nothing
 * has changed. M exclusive. */
int must_check huge_remap(struct mm *mm, struct vma *v, vaddr_t addr, u64 size,
                          pgoff_t pgoff, bool install);
