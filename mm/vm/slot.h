/* SPDX-License-Identifier: MIT
 *
 * A slot is the place of one translation: a table, an index in it, and the order of the page
 * that it shows. This file, mm/vm/slot_drop.h and mm/vm/slot.c are the only ones that read or
 * write away numbers, store or remove user translations, and count what is resident. A call fills
 * a struct change while it works and settles it once at its end.
 *
 * Which file page an address shows is its linear one ("home") or another ("away"). The numbers of the
 * latter stand in the away array of the table: 512 numbers parallel to its 512 entries, 0 for home, else
 * file page + 1. An array without numbers is freed. Arrays exist only under shared mappings of objects.
 *
 * Who has which array is in mm/vm/away.h: fork shares them, so that a number is written only after
 * away_reserve(), and there may be numbers without a table.
 *
 * The order is an argument of always-inlined functions, 0 or HUGE_ORDER: a constant where it matters. A slot
 * of HUGE_ORDER is an entry of level 1 whose page is a block of 512. File page numbers count 4 KiB pages in
 * both cases, and a huge page stands under its first one.
 */
#pragma once

#include "lib/lock.h"
#include "mm/table/change.h"
#include "mm/table/pagetable.h"
#include "mm/table/resident.h"
#include "mm/vm/away.h"
#include "mm/vm/backlink.h"
#include "mm/vm/lend.h"
#include "mm/vm/object.h"
#include "mm/vm/vma.h"

struct slot {
    struct page *table; /* NULL: there is none */
    pte_t *entry;
    unsigned i; /* entry's index in table */
};

/* Calls fn with the order of v's pages as its last argument, a constant: one body, compiled
 * for both sizes. */
#define SLOT_CALL(v, fn, ...) \
    (likely(vma_order(v) == 0) ? fn(__VA_ARGS__, 0u) : fn(__VA_ARGS__, HUGE_ORDER))

static inline u64 slot_size(unsigned order)
{
    return PAGE_SIZE << order;
}

/* The level of the tables that hold slots of this order. */
static inline unsigned slot_level(unsigned order)
{
    return order / PT_SHIFT;
}

static inline unsigned slot_index(vaddr_t va, unsigned order)
{
    return pt_index(va, slot_level(order));
}

/* Slots in [va, end), both multiples of their size. */
static inline unsigned slot_count(vaddr_t va, vaddr_t end, unsigned order)
{
    return (unsigned)((end - va) >> (PAGE_SHIFT + order));
}

/* The slot of va, in a table that is the address space's own; table NULL: there is none, or it
 * is shared since a fork (mm/vm/lend.h). Only the way to a shared one is not writable. */
static always_inline struct slot slot_at(const struct mm *mm, vaddr_t va, unsigned order)
{
    pte_t e = pte_load(&mm->root[pt_index(va, PT_LEVELS - 1)]);
    unsigned i = slot_index(va, order);

    for (unsigned l = PT_LEVELS - 2; l > slot_level(order); l--) {
        if (!pte_present(e))
            return (struct slot){NULL, NULL, i};
        e = pte_load((pte_t *)phys_to_virt(e & PTE_ADDR) + pt_index(va, l));
    }
    if (!pte_writable(e))
        return (struct slot){NULL, NULL, i};
    return (struct slot){pfn_to_page((e & PTE_ADDR) >> PAGE_SHIFT),
                         (pte_t *)phys_to_virt(e & PTE_ADDR) + i, i};
}

/* As slot_at(), of a small page, between mm_read_begin() and mm_read_end() after vma_read(), which
 * has made sure of the hint: the next slot in a GiB costs one load. */
static always_inline struct slot slot_read(const struct mm *mm, vaddr_t va)
{
    unsigned i = pt_index(va, 0);
    struct page *table;
    pte_t e;

    if (unlikely(va - this_cpu(vma_hint).covers >= pt_span(2))) {
        table = pt_table(mm, va, 1);
        if (!table)
            return (struct slot){NULL, NULL, i};
        this_cpu(vma_hint).directory = pt_entries(table);
        this_cpu(vma_hint).covers = va & ~(pt_span(2) - 1);
    }
    e = pte_load(this_cpu(vma_hint).directory + pt_index(va, 1));
    if (!pte_writable(e))
        return (struct slot){NULL, NULL, i};
    return (struct slot){pfn_to_page((e & PTE_ADDR) >> PAGE_SHIFT),
                         (pte_t *)phys_to_virt(e & PTE_ADDR) + i, i};
}

/* Entry i of a table (NULL: there is none) as a slot. */
static inline struct slot slot_of(struct page *table, unsigned i)
{
    return (struct slot){table, table ? pt_entries(table) + i : NULL, i};
}

/* The same; a missing table is made, a shared one becomes its own. Table NULL: no memory. */
static inline struct slot slot_make(struct mm *mm, vaddr_t va, unsigned order)
{
    struct page *table = pt_table_make(mm, va, slot_level(order));

    if (unlikely(table && table->mm != mm))
        table = lend_own(mm, va);
    return slot_of(table, slot_index(va, order));
}

static inline pte_t slot_load(struct slot s)
{
    return s.table ? pte_load(s.entry) : 0;
}

/* ---- which file page ---- */

/* The away number of entry i: 0 at home. T held, or M exclusively: remaps hold it shared. */
static inline u32 slot_number(const struct page *table, unsigned i)
{
    return table->away ? table->away[i] : 0;
}

/* The file page that an away number says, of the slot of va, which lies in v. */
static always_inline pgoff_t slot_number_page(u32 number, const struct vma *v, vaddr_t va)
{
    return number ? number - 1 : vma_home(v, va);
}

/* Whether nothing in the table (NULL: there is none) is away. The same locks. */
static inline bool slot_all_home(const struct page *table)
{
    return !table || !table->away;
}

/* The number of va where there is no table, but may be an array. M held. */
static inline u32 slot_number_alone(const struct mm *mm, vaddr_t va)
{
    const u32 *numbers = likely(!mm->lent) ? NULL : away_alone(mm, va);

    return numbers ? numbers[pt_index(va, 0)] : 0;
}

/* Whether nothing is away under `table`, or without one (NULL) in the span of va. M held. */
static inline bool slot_span_home(const struct mm *mm, const struct page *table,
                                  vaddr_t va)
{
    return likely(table || !mm->lent) ? slot_all_home(table) : !away_alone(mm, va);
}

/* The file page at entry i of `table` (NULL: there is none), the slot of va, which lies in v.
 * The one reader. The same locks. */
static inline pgoff_t slot_offset(const struct page *table, unsigned i,
                                  const struct vma *v, vaddr_t va)
{
    LOCK_CHECK(!table || MUTEX_IS_MINE_ALONE(&v->mm->lock) || LOCK_IS_MINE(&table->lock),
               "a slot's number without its table's lock");
    if (unlikely(!table))
        return slot_number_page(slot_number_alone(v->mm, va), v, va);
    return slot_number_page(slot_number(table, i), v, va);
}

/* The same without a lock: true now, and only as long as M excludes remaps. */
static inline pgoff_t slot_offset_now(struct page *table, unsigned i, const struct vma *v,
                                      vaddr_t va)
{
    pgoff_t pgoff;

    if (!table)
        return slot_offset(NULL, i, v, va);
    if (slot_all_home(table))
        return vma_home(v, va);
    spin_lock(&table->lock);
    pgoff = slot_offset(table, i, v, va);
    spin_unlock(&table->lock);
    return pgoff;
}

/* The file page of any address in v. M held. */
static inline pgoff_t mm_offset(const struct mm *mm, const struct vma *v, vaddr_t va)
{
    REQUIRES(&mm->lock);
    vaddr_t start = va & ~(vma_page_size(v) - 1);
    struct slot s = slot_at(mm, start, vma_order(v));

    return slot_offset_now(s.table, s.i, v, start) + ((va - start) >> PAGE_SHIFT);
}

/* Whether the linear file pages of [start, end) of v have numbers an array can hold. */
static inline bool slot_countable(const struct vma *v, vaddr_t start, vaddr_t end)
{
    pgoff_t first = vma_home(v, start);

    return first <= OBJECT_MAX_PAGES &&
           (end - start) >> PAGE_SHIFT <= OBJECT_MAX_PAGES - first;
}

/* ---- changing slots ---- */

/* How the counts of one table have changed; settled before T is given up. */
struct tally {
    s32 present, naway;
};

static always_inline void slot_settle(struct change *c, struct page *table,
                                      const struct tally *t, enum resident kind,
                                      unsigned order)
{
    REQUIRES(&table->lock);
    table->present = (u16)(table->present + t->present);
    table->naway = (u16)(table->naway + t->naway);
    change_mark(c, table);
    c->resident[kind] += t->present * (1 << order);
}

/* The same at the end of a change of one slot: the counts move at once. `here`: this CPU has mm
 * loaded. */
static always_inline void slot_settle_one(struct mm *mm, bool here, struct page *table,
                                          const struct tally *t, enum resident kind,
                                          unsigned order)
{
    REQUIRES(&table->lock);
    if (t->naway)
        table->naway = (u16)(table->naway + t->naway);
    if (t->present) {
        table->present = (u16)(table->present + t->present);
        if (here)
            mm_add_resident_here(mm, kind, t->present * (1 << order));
        else
            mm_add_resident(mm, kind, t->present * (1 << order));
    }
}

/* The away numbers of a table from entry i on, for slot_move() only, by which they come home or go
 * away. Where all are at home they are slot_none, INDEX_SLOTS of them: nothing that comes home
 * differs from those, so they are not written. */
extern const u32 slot_none[INDEX_SLOTS];
static always_inline u32 *slot_numbers(struct page *table, unsigned i, bool home)
{
    LOCK_CHECK(!table->frozen, "numbers written that another table has as well");
    LOCK_CHECK(home || table->away, "no numbers for pages that go away");
    return home && !table->away ? (u32 *)slot_none : table->away + i;
}

/* The slot whose number is numbers[i] shows its home from now on, or else the file page pgoff,
 * which is not its home. T held; numbers are there unless it comes home. The one writer.
 * Whether it showed something else. */
static always_inline bool slot_move(u32 *numbers, u64 i, bool home, pgoff_t pgoff,
                                    struct tally *t)
{
    u32 old, number = home ? 0 : (u32)pgoff + 1;

    old = numbers[i];
    if (old == number)
        return false;
    t->naway += home ? -(old != 0) : !old;
    numbers[i] = number;
    return true;
}

/* Puts another translation, or none, in the place of `old`, a page of an object at va. c: NULL,
 * everything will be flushed anyway. T held. */
static always_inline void slot_replace(struct change *c, pte_t *entry, vaddr_t va,
                                       pte_t old, pte_t pte)
{
    REQUIRES(&virt_to_page(entry)->lock);
    if (!c || pte_used(old))
        pte_store(entry, pte);
    else if (!pte_used(pte_exchange(entry, pte))) /* still: no TLB has it */
        return;
    if (c)
        change_note(c, va);
}

/* Removes one that is flushed in any case. T held. */
static always_inline void slot_empty(pte_t *entry)
{
    REQUIRES(&virt_to_page(entry)->lock);
    pte_store(entry, 0);
}

/* Removes it. T held. */
static always_inline void slot_clear(struct change *c, pte_t *entry, vaddr_t va,
                                     pte_t old, struct tally *t)
{
    t->present--;
    slot_replace(c, entry, va, old, 0);
}

/* Shows pg, a page of the object mapped there, at va instead of `old`: `rights` from
 * vma_translation(), or fewer. `away`: not at home, and no run of backlinks lies over it. T, and N of the page
 * held. The one writer of such translations; false: no memory for the backlink, nothing has
 * changed. */
static always_inline bool slot_show(struct change *c, pte_t *entry, vaddr_t va, pte_t old,
                                    struct page *pg, pte_t rights, bool away,
                                    struct tally *t)
{
    REQUIRES(&virt_to_page(entry)->lock);
    REQUIRES(object_node_lock(pg));
    /* The backlink must be there before the entry is visible: truncate looks. */
    if (away && unlikely(backlink_add(pg, entry) != 0))
        return false;
    if (old) {
        slot_replace(c, entry, va, old, rights | page_to_phys(pg));
    } else {
        t->present++;
        pte_store(entry, rights | page_to_phys(pg));
    }
    return true;
}

/* Shows `pages`, small ones at home, in those of n slots from `entry` that are empty. T, and N of
 * the pages held. Whether a page was not there. */
static always_inline bool slot_show_homes(pte_t *entry, void *const *pages, unsigned n,
                                          pte_t rights, struct tally *t)
{
    REQUIRES(&virt_to_page(entry)->lock);
    bool missing = false;

    for (unsigned k = 0; k < n; k++) {
        const struct page *pg = pages[k];

        if (pte_load(&entry[k]))
            continue;
        if (unlikely(!pg)) {
            missing = true;
            continue;
        }
        pte_store(&entry[k], rights | page_to_phys(pg));
        t->present++;
    }
    return missing;
}

/* Shows pg, private memory whose reference goes to the slot, in an empty one. T held. */
static always_inline void slot_own(struct mm *mm, struct slot s, struct page *pg,
                                   pte_t rights, unsigned order)
{
    REQUIRES(&s.table->lock);
    s.table->present++;
    pte_store(s.entry, rights | page_to_phys(pg));
    mm_add_resident(mm, RESIDENT_ANON, 1 << order);
}

/* The same at va where `old` is, which goes. T held. */
void slot_own_instead(struct change *c, struct slot s, vaddr_t va, pte_t old,
                      struct page *pg, pte_t rights, unsigned order);

/* Shows the page of zeros, which is not counted, in an empty slot. T held. */
void slot_show_zero(struct slot s, pte_t rights);

/* Gives the page of `old`, which stays, other rights. T held. */
void slot_set_rights(struct slot s, pte_t old, pte_t rights);

/* What slot_drop takes, beside pages of the object at home. */
#define DROP_AWAY   1u /* those away from home */
#define DROP_COPIES 2u /* private memory */
#define DROP_ALL    3u

/* Removes the translations of entries [i, stop) of a table under v. T held. */
void slot_drop(struct change *c, const struct vma *v, struct page *table, unsigned i,
               unsigned stop, u32 what);

/* Gives the entries [i, stop) of a table the rights of v, some: a present private page may be
 * shared with a child, only a fault makes that writable. No rights: private memory is parked
 * (arch/pte.h), and nothing else is there. T held. */
void slot_protect(struct change *c, const struct vma *v, struct page *table, unsigned i,
                  unsigned stop);

/* fork: private memory in the entries [i, stop) of `from` is shown by those of `to`, of
 * another address space, as well, writable by neither. Takes both T; the object's lock is
 * held if there is one: truncate must find a copy at neither place or at both. */
void slot_share(struct change *c, struct page *from, struct page *to, unsigned i,
                unsigned stop, unsigned order);

/* Everything that the shared leaf table `from` shows is shown by the empty one `to` as well, by
 * neither writable. T of `from` held; nobody knows `to`. */
void slot_copy_leaf(struct page *from, struct page *to);

/* What a leaf table of private memory shows is written by none of its entries. T held; no TLB has one
 * that writes. */
void slot_narrow_leaf(struct page *table);

/* n pages of private memory came to mm with a leaf table, or went with it. */
void slot_count_leaf(struct mm *mm, s64 n);

/* Moves the translations of private memory in the n entries from i of `from` to those from j
 * of `to`, which are empty. Takes both T; O held if there is an object. */
void slot_transfer(struct change *c, struct page *from, unsigned i, struct page *to,
                   unsigned j, unsigned n);
