/* SPDX-License-Identifier: MIT
 *
 * Format of a translation: constructors and readers. Everything above treats pte_t as
 * opaque. Compiles unmodified on the host.
 *
 *   63  62..59 58..52 51 ............. 12  11..9  8   7   6   5   4    3    2   1   0
 *  +---+------+------+---------------------+-----+---+---+---+---+----+----+---+---+---+
 *  |NX | key  |ignored|   frame number     | sw  | G |PS | D | A |PCD |PWT |U/S|R/W| P |
 *  +---+------+------+---------------------+-----+---+---+---+---+----+----+---+---+---+
 *
 * Intel SDM vol. 3A, 4.5 "4-Level Paging and 5-Level Paging", table 4-20; the protection key,
 * in entries of user pages of any size, 4.6.2. It is 0 where the CPU has no keys (arch/pkey.h).
 *
 * An entry is none (0), present, or parked: private memory whose VMA lost all rights keeps
 * its page in a not-present entry with a software bit and the frame number inverted, so that
 * no existing frame is named by a not-present entry (L1 terminal fault). Pages of objects are
 * never parked: their entries are dropped and come back by a fault. No user-chosen number
 * ever stands in a not-present entry.
 */
#pragma once

#include "lib/types.h"

typedef u64 pte_t;

#define PTE_PRESENT  (1ull << 0)
#define PTE_WRITE    (1ull << 1)
#define PTE_USER     (1ull << 2)
#define PTE_PWT      (1ull << 3)
#define PTE_PCD      (1ull << 4)
#define PTE_ACCESSED (1ull << 5)
#define PTE_DIRTY    (1ull << 6)
#define PTE_LARGE    (1ull << 7)
#define PTE_GLOBAL   (1ull << 8)
#define PTE_PARKED   (1ull << 9) /* software: only with PTE_PRESENT clear */
#define PTE_KEY      (15ull << 59)
#define PTE_NX       (1ull << 63)
#define PTE_ADDR     0x000ffffffffff000ull

#define PT_SHIFT   9
#define PT_ENTRIES 512u

/* NX where the CPU has it, else 0; set once at boot before the first mapping is made. */
extern u64 pte_nx_mask;

/* Rights of a mapping, as bits of PROT_READ/WRITE/EXEC order (1, 2, 4). */
#define PTE_PROT_R         1u
#define PTE_PROT_W         2u
#define PTE_PROT_X         4u
/* Beside them, of a user page: its protection key. */
#define PTE_PROT_KEY_SHIFT 28

/* A user translation. Accessed and dirty are set from the start: memory objects and
 * private memory have no use for the hardware's bits, and the CPU then never writes the
 * entry behind our back, so a plain store may replace it. */
static inline pte_t pte_make_user(pfn_t pfn, u32 prot)
{
    return pfn << PAGE_SHIFT | PTE_PRESENT | PTE_USER | PTE_ACCESSED | PTE_DIRTY |
           (prot & PTE_PROT_W ? PTE_WRITE : 0) | (prot & PTE_PROT_X ? 0 : pte_nx_mask) |
           (pte_t)(prot >> PTE_PROT_KEY_SHIFT) << 59;
}

static inline pte_t pte_make_kernel(pfn_t pfn, u32 prot)
{
    return pfn << PAGE_SHIFT | PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY | PTE_GLOBAL |
           (prot & PTE_PROT_W ? PTE_WRITE : 0) | (prot & PTE_PROT_X ? 0 : pte_nx_mask);
}

/* An entry of an upper level that points to a table of the next lower one. */
static inline pte_t pte_make_table(pfn_t pfn)
{
    return pfn << PAGE_SHIFT | PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED;
}

static inline bool pte_present(pte_t pte)
{
    return pte & PTE_PRESENT;
}

static inline pfn_t pte_pfn(pte_t pte)
{
    return (pte & PTE_ADDR) >> PAGE_SHIFT;
}

static inline bool pte_parked(pte_t pte)
{
    return (pte & (PTE_PRESENT | PTE_PARKED)) == PTE_PARKED;
}

static inline pte_t pte_make_parked(pfn_t pfn)
{
    return (~(pfn << PAGE_SHIFT) & PTE_ADDR) | PTE_PARKED;
}

/* The frame of a present or parked entry. */
static inline pfn_t pte_any_pfn(pte_t pte)
{
    return ((pte & PTE_PRESENT ? pte : ~pte) & PTE_ADDR) >> PAGE_SHIFT;
}

static inline bool pte_writable(pte_t pte)
{
    return pte & PTE_WRITE;
}

static inline bool pte_executable(pte_t pte)
{
    return !(pte & PTE_NX);
}

static inline unsigned pte_key(pte_t pte)
{
    return pte >> 59 & 15;
}

static inline bool pte_user(pte_t pte)
{
    return pte & PTE_USER;
}

static inline bool pte_large(pte_t pte)
{
    return pte & PTE_LARGE;
}

static inline pte_t pte_write_protect(pte_t pte)
{
    return pte & ~PTE_WRITE;
}

/* An entry of level 1 that leads to no table yet, but to `count` away numbers in an array (mm/vm/away.h):
 * the frame inverted as in a parked entry, the rest of the address, a multiple of 8, beside it. Not
 * writable, as no entry that leads to nothing. */
#define PTE_NUMBERS (1ull << 10) /* software: only with PTE_PRESENT clear */

static inline pte_t pte_make_numbers(paddr_t array, u32 count)
{
    return (~array & PTE_ADDR) | PTE_NUMBERS | (array >> 3 & 0xff) << 2 |
           (array & 1ull << 11) | (pte_t)count << 52;
}

static inline bool pte_numbers(pte_t pte)
{
    return (pte & (PTE_PRESENT | PTE_NUMBERS)) == PTE_NUMBERS;
}

static inline paddr_t pte_numbers_array(pte_t pte)
{
    return (~pte & PTE_ADDR) | (pte >> 2 & 0xff) << 3 | (pte & 1ull << 11);
}

static inline u32 pte_numbers_count(pte_t pte)
{
    return (u32)(pte >> 52);
}

/* Entries are read and written whole. */
static inline pte_t pte_load(const pte_t *p)
{
    return READ_ONCE(*p);
}

static inline void pte_store(pte_t *p, pte_t pte)
{
    WRITE_ONCE(*p, pte);
}

/* The same, and what was there until then: with the bits that a CPU has set meanwhile. */
static inline pte_t pte_exchange(pte_t *p, pte_t pte)
{
    return __atomic_exchange_n(p, pte, __ATOMIC_RELAXED);
}

/* Whether a TLB may hold the present translation: a CPU sets A before it puts one there (Intel
 * SDM vol. 3A, 4.10.2.3). */
static inline bool pte_used(pte_t pte)
{
    return pte & PTE_ACCESSED;
}

/* A translation that no CPU has used. */
static inline pte_t pte_make_unused(pte_t pte)
{
    return pte & ~PTE_ACCESSED;
}

/* Index of `va` in a table of `level`. */
static inline unsigned pt_index(vaddr_t va, unsigned level)
{
    return (va >> (PAGE_SHIFT + PT_SHIFT * level)) % PT_ENTRIES;
}

/* Bytes one entry of a table of `level` covers. */
static inline u64 pt_span(unsigned level)
{
    return 1ull << (PAGE_SHIFT + PT_SHIFT * level);
}
