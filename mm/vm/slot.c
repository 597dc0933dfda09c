/* SPDX-License-Identifier: MIT
 *
 * The work on many slots of one table; see mm/vm/slot.h. The idea of home and away, and its
 * price: docs/book/10-home-and-away.md.
 */
#include "mm/vm/slot.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/vm/huge.h"

const u32 slot_none[INDEX_SLOTS];

/* ---- private memory appears ---- */

/* Accounts for the translation `pte` that is gone: the slot's reference to private memory is
 * given back after the flush. */
static inline void account_gone(struct change *c, struct page *table, pte_t pte,
                                unsigned order)
{
    pfn_t pfn = pte_any_pfn(pte);
    struct page *pg = pfn_to_page(pfn);

    if (pg->type == PAGE_ANON) {
        c->resident[RESIDENT_ANON] -= 1 << order;
        change_free(c, pg, pfn, PAGE_ANON);
    } else if (pg == zero_page) {
        table->zeros--;
    } else {
        c->resident[RESIDENT_FILE] -= 1 << order;
    }
}

void slot_own_instead(struct change *c, struct slot s, vaddr_t va, pte_t old,
                      struct page *pg, pte_t rights, unsigned order)
{
    REQUIRES(&s.table->lock);
    ASSERT(!pte_present(old) || pte_large(old) == (order != 0)); /* never over a table */
    pte_store(s.entry, rights | page_to_phys(pg));
    c->resident[RESIDENT_ANON] += 1 << order;
    change_note(c, va);
    account_gone(c, s.table, old, order);
}

void slot_show_zero(struct slot s, pte_t rights)
{
    REQUIRES(&s.table->lock);
    s.table->present++;
    s.table->zeros++;
    pte_store(s.entry, rights | page_to_phys(zero_page));
}

void slot_set_rights(struct slot s, pte_t old, pte_t rights)
{
    REQUIRES(&s.table->lock);
    pte_store(s.entry, rights | pte_any_pfn(old) << PAGE_SHIFT);
}

/* ---- removing ---- */

static always_inline void drop_run(struct change *c, struct page *table, unsigned i,
                                   unsigned stop, bool shared, u32 what, unsigned order)
{
    pte_t *e = pt_entries(table);
    const u32 *away = shared && !(what & DROP_AWAY) ? table->away : NULL;
    vaddr_t va = pt_address(table, i);
    s32 removed = 0, present = table->present;

    for (; i < stop && removed < present; i++, va += slot_size(order)) {
        pte_t pte = pte_load(&e[i]);

        if (!pte || (away && away[i]))
            continue;
        if (!shared && !(what & DROP_COPIES) &&
            pfn_to_page(pte_any_pfn(pte))->type == PAGE_ANON)
            continue;
        pte_store(&e[i], 0);
        removed++;
        if (pte_present(pte))
            change_note(c, va);
        if (!shared)
            account_gone(c, table, pte, order);
    }
    table->present = (u16)(present - removed);
    if (shared)
        c->resident[RESIDENT_SHMEM] -= removed * (1 << order);
    mm_count_n(pte_zapped, (u64)removed);
}

/* The commonest case, small pages of private memory, all of them. */
static void drop_private(struct change *c, struct page *table, unsigned i, unsigned stop)
{
    REQUIRES(&table->lock);
    pte_t *first = pt_entries(table), *e = first + i, *end = first + stop;
    s32 present = table->present, left = present, files = 0, none = 0;
    bool each = stop - i <= TLB_ADDRS, sparse = pt_is_sparse(table);

    if (!each && present)
        change_note_all(c);
    for (; e < end && left; e++) {
        pte_t pte = pte_load(e);
        struct page *pg;

        if (!pte) {
            if (sparse)
                e = first + pt_find_used(table, (unsigned)(e - first), stop) - 1;
            continue;
        }
        pte_store(e, 0);
        left--;
        if (each && pte_present(pte))
            change_note(c, pt_address(table, (unsigned)(e - first)));
        pg = pfn_to_page(pte_any_pfn(pte));
        if (likely(change_free_own(c, pg, pte_any_pfn(pte), PAGE_ANON)))
            continue;
        if (pg->type == PAGE_ANON)
            change_free_other(c, pg, pte_any_pfn(pte));
        else if (pg == zero_page)
            none++;
        else
            files++;
    }
    table->present = (u16)left;
    if (none)
        table->zeros = (u16)(table->zeros - none) % (PT_ENTRIES * 2);
    c->resident[RESIDENT_FILE] -= files;
    c->resident[RESIDENT_ANON] -= present - left - files - none;
    mm_count_n(pte_zapped, (u64)(present - left));
}

/* All of a table under a shared mapping, pages of an object only: one sweep. */
static void drop_whole(struct change *c, struct page *table, unsigned order)
{
    s32 removed = table->present;

    clear_page(pt_entries(table));
    change_note_all(c);
    table->present = 0;
    c->resident[RESIDENT_SHMEM] -= removed * (1 << order);
    mm_count_n(pte_zapped, (u64)removed);
}

/* Private pages of an owner that go back to where they came from: the promise holds again. Not
 * those that a child has as well, they stay. */
static void regain(const struct vma *v, struct page *table, unsigned i, unsigned stop)
{
    for (; i < stop; i++) {
        pte_t pte = pte_load(&pt_entries(table)[i]);
        struct page *pg = pte ? pfn_to_page(pte_any_pfn(pte)) : NULL;

        if (pg && pg->type == PAGE_ANON &&
            __atomic_load_n(&pg->refs, __ATOMIC_ACQUIRE) == 1)
            huge_ops->regain(v, pg);
    }
}

void slot_drop(struct change *c, const struct vma *v, struct page *table, unsigned i,
               unsigned stop, u32 what)
{
    REQUIRES(&table->lock);
    bool shared = vma_kind(v) == VMA_SHARED;
    unsigned order = vma_order(v);

    if (shared && (what & DROP_AWAY) && stop - i == PT_ENTRIES)
        drop_whole(c, table, order);
    else if (unlikely(order)) {
        if ((v->flags & VM_HUGE_OWNER) && (what & DROP_COPIES))
            regain(v, table, i, stop);
        drop_run(c, table, i, stop, shared, what, HUGE_ORDER);
    } else if (shared)
        drop_run(c, table, i, stop, true, what, 0);
    else if (what & DROP_COPIES)
        drop_private(c, table, i, stop);
    else
        drop_run(c, table, i, stop, false, DROP_AWAY, 0);
}

/* ---- rights ---- */

/* Gives the present ones of n entries these rights and what `keep` lets stand; the bits that
 * have changed. */
static always_inline pte_t protect_some(pte_t *e, u64 n, pte_t rights, pte_t keep)
{
    pte_t changed = 0;

#pragma GCC unroll 8
    for (u64 k = 0; k < n; k++) {
        pte_t old = pte_load(&e[k]), pte = rights | (old & keep);

        if (!pte_present(old)) /* none, or parked: a fault brings it back */
            continue;
        changed |= old ^ pte;
        pte_store(&e[k], pte);
    }
    return changed;
}

/* Whether what changed so in an entry with these rights now takes a right away, or perhaps one by
 * another key: more rights need no flush, a fault finds them. */
static inline bool loses(pte_t changed, pte_t rights)
{
    return changed & (PTE_KEY | (rights & PTE_NX) | (~rights & PTE_WRITE));
}

/* Those of the entries [i, stop). Returns whether some lost a right. */
static bool protect_many(const struct page *table, unsigned i, unsigned stop,
                         pte_t rights, pte_t keep)
{
    pte_t *e = pt_entries(table), changed = 0;

    if (likely(!pt_is_sparse(table)))
        changed = protect_some(e + i, stop - i, rights, keep);
    else
        while ((i = pt_next_used(table, i, stop)) < stop)
            changed |= protect_some(e + i++, 1, rights, keep);
    return loses(changed, rights);
}

void slot_protect(struct change *c, const struct vma *v, struct page *table, unsigned i,
                  unsigned stop)
{
    REQUIRES(&table->lock);
    pte_t *e = pt_entries(table), rights = vma_given(v), keep = PTE_ADDR;
    bool some = v->flags & VM_PROT;

    if (vma_kind(v) != VMA_SHARED) { /* writable only what is, and may stay so */
        keep |= rights & PTE_WRITE;
        rights &= ~PTE_WRITE;
    }
    if (some && stop - i > TLB_ADDRS) {
        if (protect_many(table, i, stop, rights, keep))
            change_note_all(c);
        return;
    }
    for (; i < stop; i++) {
        pte_t old = pte_load(&e[i]), pte;

        if (!pte_present(old))
            continue;
        pte = likely(some) ? rights | (old & keep) : pte_make_parked(pte_pfn(old));
        if (pte == old)
            continue;
        pte_store(&e[i], pte);
        if (!some || loses(old ^ pte, pte))
            change_note(c, pt_address(table, i));
    }
}

/* ---- private memory at two places ---- */

/* The page of `pte` has one more reference, by a translation like it that does not write. */
static inline pte_t share_one(struct page *pg, pte_t pte)
{
    __atomic_fetch_add(&pg->refs, 1, __ATOMIC_RELAXED);
    return pte_present(pte) ? pte_write_protect(pte) : pte;
}

/* Two tables of one rank: the one at the lower address first. */
static void lock_both(struct page *a, struct page *b)
{
    spin_lock(a < b ? &a->lock : &b->lock);
    if (a != b)
        spin_lock(a < b ? &b->lock : &a->lock);
}

static void unlock_both(struct page *a, struct page *b)
{
    if (a != b)
        spin_unlock(&b->lock);
    spin_unlock(&a->lock);
}

void slot_share(struct change *c, struct page *from, struct page *to, unsigned i,
                unsigned stop, unsigned order)
{
    REQUIRES_EXCLUSIVE(&from->mm->lock);
    REQUIRES_EXCLUSIVE(&to->mm->lock);
    pte_t *src = pt_entries(from), *dst = pt_entries(to);
    bool narrowed = false, sparse = pt_is_sparse(from);
    u32 shared = 0, left;

    lock_both(from, to);
    for (left = from->present; i < stop; i++) {
        pte_t old = pte_load(&src[i]), pte;
        struct page *pg;

        if (!old) {
            if (sparse)
                i = pt_find_used(from, i, stop) - 1;
            continue;
        }
        pg = pfn_to_page(pte_any_pfn(old));
        if (pg->type == PAGE_ANON) { /* others, also of zeros: faults bring them */
            pte = share_one(pg, old);
            if (pte != old) {
                pte_store(&src[i], pte);
                narrowed = true;
            }
            pte_store(&dst[i], pte);
            shared++;
        }
        if (--left == 0)
            break;
    }
    if (narrowed)
        change_note_all(c);
    to->present = (u16)(to->present + shared);
    mm_add_resident(to->mm, RESIDENT_ANON, (s64)shared << order);
    unlock_both(from, to);
}

void slot_copy_leaf(struct page *from, struct page *to)
{
    REQUIRES(&from->lock);
    pte_t *src = pt_entries(from), *dst = pt_entries(to);

    to->present = from->present;
    to->near = from->near;
    to->zeros = from->zeros;
    for (u32 left = from->present; left; src++, dst++) {
        pte_t pte = pte_load(src);
        struct page *pg;

        if (!pte)
            continue;
        left--;
        pg = pfn_to_page(pte_any_pfn(pte));
        if (pg != zero_page) {
            pte = share_one(pg, pte);
            pte_store(src, pte); /* nobody writes by it: the way to it is not writable */
        }
        pte_store(dst, pte);
    }
}

void slot_narrow_leaf(struct page *table)
{
    REQUIRES(&table->lock);
    pte_t *e = pt_entries(table);

    for (unsigned i = 0; i < PT_ENTRIES; i++)
        if (pte_writable(pte_load(&e[i])))
            pte_store(&e[i], pte_write_protect(pte_load(&e[i])));
}

void slot_count_leaf(struct mm *mm, s64 n)
{
    mm_add_resident(mm, RESIDENT_ANON, n);
}

/* Moves the n entries from `src` on, the first of va, each of `size` bytes, to those from `dst`
 * on; with `each` their addresses are noted. How many there were. */
static always_inline u32 transfer_run(struct change *c, pte_t *src, pte_t *dst,
                                      unsigned n, vaddr_t va, u64 size, bool each)
{
    u32 moved = 0;

#pragma GCC unroll 8
    for (u64 k = 0; k < n; k++) {
        pte_t pte = pte_load(&src[k]);

        if (unlikely(!pte))
            continue;
        pte_store(&src[k], 0);
        pte_store(&dst[k], pte);
        moved++;
        if (each)
            change_note(c, va + k * size);
    }
    return moved;
}

void slot_transfer(struct change *c, struct page *from, unsigned i, struct page *to,
                   unsigned j, unsigned n)
{
    REQUIRES_EXCLUSIVE(&from->mm->lock);
    pte_t *src = pt_entries(from) + i, *dst = pt_entries(to) + j;
    u32 zeros = 0, moved;

    lock_both(from, to);
    change_look(c, from);
    for (unsigned k = 0; unlikely(from->zeros) && k < n; k++)
        zeros += pte_any_pfn(pte_load(&src[k])) == page_to_pfn(zero_page);
    if (n > TLB_ADDRS) {
        change_note_all(c);
        moved = transfer_run(c, src, dst, n, 0, 0, false);
    } else {
        moved = transfer_run(c, src, dst, n, pt_address(from, i),
                             from->level ? HUGE_SIZE : PAGE_SIZE, true);
    }
    from->present = (u16)(from->present - moved);
    to->present = (u16)(to->present + moved);
    if (zeros) {
        from->zeros = (u16)(from->zeros - zeros) % (PT_ENTRIES * 2);
        to->zeros = (u16)(to->zeros + zeros) % (PT_ENTRIES * 2);
    }
    change_mark(c, from);
    unlock_both(from, to);
}
