/* SPDX-License-Identifier: MIT
 *
 * Walking, dropping, protecting and inheriting huge pages. See mm/huge.h for the model and
 * mm/huge_fault.c for how they appear.
 */
#include "mm/huge.h"
#include "lib/lock.h"
#include "lib/string.h"
#include "lib/uapi/errno.h"
#include "mm/away.h"
#include "mm/buddy.h"
#include "mm/stat.h"

vaddr_t huge_next(const struct mm *mm, vaddr_t va, vaddr_t end)
{
    while (va < end && !pt_middle(mm, va))
        va = (va | (pt_span(2) - 1)) + 1;
    return MIN(va, end);
}

static pgoff_t slot_offset(const struct huge_slot *s, const struct vma *v, vaddr_t va)
{
    REQUIRES(&v->mm->lock);
    if (s->table && s->table->away && s->table->away[s->i])
        return s->table->away[s->i] - 1;
    return vma_home(v, va & ~(HUGE_SIZE - 1));
}

pgoff_t huge_offset(const struct mm *mm, const struct vma *v, vaddr_t va)
{
    REQUIRES(&mm->lock);
    struct huge_slot s = huge_slot(mm, va);

    return slot_offset(&s, v, va) + (va % HUGE_SIZE >> PAGE_SHIFT);
}

bool huge_cut(const struct mm *mm, vaddr_t start, vaddr_t end)
{
    REQUIRES(&mm->lock);
    const struct vma *a = start % HUGE_SIZE ? vma_at(mm, start) : NULL;
    const struct vma *b = end % HUGE_SIZE ? vma_at(mm, end) : NULL;

    return (a && vma_huge(a)) || (b && vma_huge(b));
}

bool huge_any(const struct mm *mm, vaddr_t start, vaddr_t end)
{
    REQUIRES(&mm->lock);
    for (const struct vma *v = vma_find(mm, start); v && v->start < end; v = vma_next(v))
        if (vma_huge(v))
            return true;
    return false;
}

/* Huge pages that fit into what is free above the kernel's reserve. */
static u64 unreserved(void)
{
    u64 now = page_count_free(), keep = page_count_reserve();

    return now > keep ? (now - keep) / HUGE_PAGES : 0;
}

struct page *huge_alloc(u32 flags)
{
    return unreserved() ? page_alloc(HUGE_ORDER, flags | PA_USER) : NULL;
}

u64 huge_available(void)
{
    u64 n = 0;

    page_drain();
    for (unsigned o = HUGE_ORDER; o < BUDDY_ORDERS; o++)
        n += page_count_order(o) << (o - HUGE_ORDER);
    return MIN(n, unreserved());
}

void huge_clear_way(struct mm *mm, vaddr_t start, vaddr_t end)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    struct tlb_batch b;

    tlb_begin(&b, mm);
    pt_trim(mm, start, end, start, end, &b);
    tlb_end(&b);
}

/* ---- dropping ---- */

static void account(struct mm *mm, pte_t pte, bool shared, struct tlb_batch *b)
{
    struct page *pg = pfn_to_page(pte_any_pfn(pte));
    u64 *counter = shared ? &mm->rss_shmem : &mm->rss_file;

    if (pg->type == PAGE_ANON) {
        counter = &mm->rss_anon;
        tlb_free(b, pg);
    }
    __atomic_fetch_sub(counter, HUGE_PAGES, __ATOMIC_RELAXED);
}

void huge_zap_entry(struct page *table, unsigned i, struct tlb_batch *b)
{
    REQUIRES(&table->lock);
    pte_t *e = pt_entries(table) + i, pte = pte_load(e);

    pte_store(e, 0);
    table->present--;
    mm_count(pte_zapped);
    tlb_switch(b, table->mm);
    if (pte_present(pte))
        tlb_change(b, huge_address(table, i));
}

/* What a walk drops. */
#define DROP_AWAY 1u /* what is shown away from home */
#define DROP_COWS 2u /* private memory */

static void drop(struct vma *v, vaddr_t start, vaddr_t end, u32 what, struct tlb_batch *b)
{
    bool shared = vma_kind(v) == VMA_SHARED;
    struct huge_slot s;

    huge_for_each(v->mm, start, end, va, s)
    {
        pte_t pte;

        spin_lock(&s.table->lock);
        pte = pte_load(s.entry);
        if (pte && !(!(what & DROP_AWAY) && s.table->away && s.table->away[s.i]) &&
            ((what & DROP_COWS) || pfn_to_page(pte_any_pfn(pte))->type != PAGE_ANON)) {
            huge_zap_entry(s.table, s.i, b);
            account(v->mm, pte, shared, b);
        }
        spin_unlock(&s.table->lock);
    }
    if (v->object)
        object_dropped(v->object);
}

void huge_zap(struct vma *v, vaddr_t start, vaddr_t end, struct tlb_batch *b)
{
    REQUIRES(&v->mm->lock);
    drop(v, start, end, DROP_AWAY | DROP_COWS, b);
}

void huge_unmap_homes(struct vma *v, vaddr_t start, vaddr_t end, bool cows,
                      struct tlb_batch *b)
{
    REQUIRES(&v->object->lock);
    drop(v, start, end, cows ? DROP_COWS : 0, b);
}

/* ---- rights ---- */

void huge_protect(struct vma *v, vaddr_t start, vaddr_t end, struct tlb_batch *b)
{
    REQUIRES_EXCLUSIVE(&v->mm->lock);
    u32 prot = v->flags & VM_PROT;
    bool shared = vma_kind(v) == VMA_SHARED;
    struct huge_slot s;

    if (!prot) /* pages of objects come back by a fault, private ones are parked */
        drop(v, start, end, shared ? DROP_AWAY | DROP_COWS : DROP_AWAY, b);
    huge_for_each(v->mm, start, end, va, s)
    {
        pte_t old, pte;

        spin_lock(&s.table->lock);
        old = pte_load(s.entry);
        if (pte_present(old)) {
            /* A present private page may be shared with a child: only a fault widens. */
            u32 now = shared || pte_writable(old) ? prot : prot & ~VM_WRITE;

            pte = prot ? pte_make_huge(pte_pfn(old), now) : pte_make_parked(pte_pfn(old));
            if (pte != old) {
                pte_store(s.entry, pte);
                tlb_change(b, va);
            }
        }
        spin_unlock(&s.table->lock);
    }
}

/* ---- fork ---- */

int huge_fork(struct vma *v, struct mm *child, struct tlb_batch *b)
{
    REQUIRES_EXCLUSIVE(&v->mm->lock);
    struct huge_slot s;

    huge_for_each(v->mm, v->start, v->end, va, s)
    {
        pte_t pte = pte_load(s.entry);
        struct page *pg = pte ? pfn_to_page(pte_any_pfn(pte)) : NULL, *to;

        if (!pg || pg->type != PAGE_ANON)
            continue;
        to = pt_table_make(child, va, 1);
        if (!to)
            return -ENOMEM;
        page_get(pg);
        if (pte_present(pte) && pte_writable(pte)) {
            pte = pte_write_protect(pte);
            pte_store(s.entry, pte);
            tlb_change(b, va);
        }
        pte_store(pt_entries(to) + s.i, pte);
        to->present++;
        child->rss_anon += HUGE_PAGES;
    }
    return 0;
}

/* ---- away ---- */

void huge_away_clear(struct mm *mm, vaddr_t start, vaddr_t end)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    struct huge_slot s;

    huge_for_each(mm, start, end, va, s)
    {
        if (!s.table->away)
            continue;
        spin_lock(&s.table->lock);
        away_set(s.table, s.i, 0);
        spin_unlock(&s.table->lock);
        away_trim(s.table);
    }
}

int huge_away_copy(struct mm *to, const struct vma *v)
{
    REQUIRES_EXCLUSIVE(&to->lock);
    struct huge_slot s;

    huge_for_each(v->mm, v->start, v->end, va, s)
    {
        struct page *table;

        if (!s.table->away || !s.table->away[s.i])
            continue;
        table = pt_table_make(to, va, 1);
        if (!table || away_reserve(table) != 0)
            return -ENOMEM;
        spin_lock(&table->lock);
        away_set(table, s.i, s.table->away[s.i]);
        spin_unlock(&table->lock);
    }
    return 0;
}

u64 huge_count_away(const struct vma *v)
{
    REQUIRES(&v->mm->lock);
    struct huge_slot s;
    u64 n = 0;

    huge_for_each(v->mm, v->start, v->end, va, s) if (s.table->away && s.table->away[s.i])
        n += HUGE_PAGES;
    return n;
}

/* ---- residence ---- */

void huge_mincore(struct vma *v, vaddr_t start, vaddr_t end, u8 *vec)
{
    REQUIRES(&v->mm->lock);
    for (vaddr_t va = start, next; va < end; va = next) {
        struct huge_slot s = huge_slot(v->mm, va);
        bool in = s.table && pte_load(s.entry);

        next = MIN((va | (HUGE_SIZE - 1)) + 1, end);
        if (!in && v->object) {
            pgoff_t pgoff = slot_offset(&s, v, va);

            spin_lock(&v->object->lock);
            in = pgoff < object_npages(v->object) &&
                 index_get(&v->object->pages, object_number(pgoff)) != NULL;
            spin_unlock(&v->object->lock);
        }
        memset(vec, in, (next - va) >> PAGE_SHIFT);
        vec += (next - va) >> PAGE_SHIFT;
    }
}
