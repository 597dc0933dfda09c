/* SPDX-License-Identifier: MIT
 *
 * How huge pages appear: the fault, in the stages of mm/fault.c, and remap_file_pages. There
 * is no shared page of zeros here, and no pool: when there is no block of 2 MiB, a fault
 * ends in SIGBUS, as on a Linux whose pool is empty.
 */
#include "lib/lock.h"
#include "lib/uapi/errno.h"
#include "mm/away.h"
#include "mm/backlink.h"
#include "mm/buddy.h"
#include "mm/huge.h"
#include "mm/stat.h"

struct fault {
    struct mm *mm;
    struct vma *v;
    vaddr_t va; /* multiple of HUGE_SIZE */
    u32 access;
    struct huge_slot s;
};

#define FAULT_RETRY ((enum fault_result)100)

static void rss_add(u64 *counter)
{
    __atomic_fetch_add(counter, HUGE_PAGES, __ATOMIC_RELAXED);
}

static void install(struct fault *f, pte_t old, pte_t pte)
{
    REQUIRES(&f->s.table->lock);
    ASSERT(!pte_present(old) || pte_large(old)); /* never over a table */
    if (!old)
        f->s.table->present++;
    pte_store(f->s.entry, pte);
}

static void flush_one(struct fault *f)
{
    struct tlb_batch b;

    tlb_begin(&b, f->mm);
    tlb_change(&b, f->va);
    tlb_flush(&b);
}

static pgoff_t offset(const struct fault *f)
{
    const struct page *table = f->s.table;

    if (table->away && table->away[f->s.i])
        return table->away[f->s.i] - 1;
    return vma_home(f->v, f->va);
}

/* The page of the object, made when missing, pinned. No block: SIGBUS. */
static enum fault_result get_page(struct vm_object *o, pgoff_t pgoff, struct page **pg)
{
    return object_get_page(o, pgoff, pg) == 0 ? FAULT_OK : FAULT_BUS;
}

static enum fault_result fault_shared(struct fault *f)
{
    struct vm_object *o = f->v->object;
    struct page *pg;
    pgoff_t pgoff = offset(f);
    enum fault_result result = get_page(o, pgoff, &pg);
    bool replaced = false;
    pte_t old, pte;

    if (result != FAULT_OK)
        return result;
    pte = pte_make_huge(page_to_pfn(pg), f->v->flags & VM_PROT);
    spin_lock(&o->lock);
    spin_lock(&f->s.table->lock);
    old = pte_load(f->s.entry);
    if (pg->object != o || (pg->flags & PG_LEAVING)) {
        result = FAULT_RETRY;
    } else if (old == pte) {
        mm_count(fault_spurious);
        replaced = true;
    } else if (f->s.table->away && f->s.table->away[f->s.i] &&
               backlink_add(pg, f->s.entry) != 0) {
        result = FAULT_OOM;
    } else {
        o->shown++;
        replaced = old != 0;
        if (!old)
            rss_add(&f->mm->rss_shmem);
        install(f, old, pte);
        mm_count(fault_object);
    }
    spin_unlock(&f->s.table->lock);
    spin_unlock(&o->lock);
    page_put(pg);
    if (replaced)
        flush_one(f);
    return result;
}

/* ---- private memory ---- */

static struct page *anon_page(const struct page *src)
{
    struct page *pg = huge_alloc(src ? 0 : PA_ZERO);

    if (!pg)
        return NULL;
    pg->type = PAGE_ANON;
    for (u64 at = 0; src && at < HUGE_SIZE; at += PAGE_SIZE)
        copy_page((char *)page_to_virt(pg) + at, (char *)page_to_virt(src) + at);
    return pg;
}

/* Puts a fresh page in place of `old`, if that is still there. */
static enum fault_result commit_anon(struct fault *f, pte_t old, struct page *fresh)
{
    struct page *before = old ? pfn_to_page(pte_any_pfn(old)) : NULL;
    struct tlb_batch b;

    spin_lock(&f->s.table->lock);
    if (pte_load(f->s.entry) != old) {
        spin_unlock(&f->s.table->lock);
        page_put(fresh);
        return FAULT_RETRY;
    }
    install(f, old, pte_make_huge(page_to_pfn(fresh), f->v->flags & VM_PROT));
    spin_unlock(&f->s.table->lock);
    if (!before || before->type != PAGE_ANON)
        rss_add(&f->mm->rss_anon);
    if (!before)
        return FAULT_OK;
    tlb_begin(&b, f->mm);
    tlb_change(&b, f->va);
    if (before->type == PAGE_ANON) {
        tlb_free(&b, before);
    } else {
        __atomic_fetch_sub(&f->mm->rss_file, HUGE_PAGES, __ATOMIC_RELAXED);
        object_dropped(f->v->object);
    }
    tlb_end(&b);
    return FAULT_OK;
}

/* Puts `prot` on the page of `old`, which stays. */
static enum fault_result change_rights(struct fault *f, pte_t old, u32 prot)
{
    enum fault_result result = FAULT_OK;

    spin_lock(&f->s.table->lock);
    if (pte_load(f->s.entry) == old)
        pte_store(f->s.entry, pte_make_huge(pte_any_pfn(old), prot));
    else
        result = FAULT_RETRY;
    spin_unlock(&f->s.table->lock);
    flush_one(f);
    return result;
}

static enum fault_result fault_private_write(struct fault *f, pte_t old)
{
    struct page *pg = pfn_to_page(pte_pfn(old)), *fresh;
    enum fault_result result;

    if (pg->type == PAGE_ANON && __atomic_load_n(&pg->refs, __ATOMIC_ACQUIRE) == 1) {
        result = change_rights(f, old, f->v->flags & VM_PROT);
        if (result == FAULT_OK)
            mm_count(fault_reuse);
        return result;
    }
    fresh = anon_page(pg);
    if (!fresh)
        return FAULT_BUS;
    result = commit_anon(f, old, fresh);
    if (result == FAULT_OK)
        mm_count(fault_cow);
    return result;
}

/* First touch of a private mapping of an object. */
static enum fault_result fault_private_new(struct fault *f)
{
    struct vm_object *o = f->v->object;
    pgoff_t pgoff = vma_home(f->v, f->va);
    struct page *pg, *fresh = NULL;
    enum fault_result result = get_page(o, pgoff, &pg);

    if (result != FAULT_OK)
        return result;
    if (f->access & FAULT_WRITE) {
        fresh = anon_page(pg);
        if (!fresh) {
            page_put(pg);
            return FAULT_BUS;
        }
    }
    spin_lock(&o->lock);
    if (fresh && pgoff >= object_npages(o)) { /* truncate drops private copies too */
        page_put(fresh);
        result = FAULT_BUS;
    } else if (fresh) {
        result = commit_anon(f, 0, fresh);
        if (result == FAULT_OK)
            mm_count(fault_cow);
    } else {
        spin_lock(&f->s.table->lock);
        if (pg->object != o || (pg->flags & PG_LEAVING) || pte_load(f->s.entry)) {
            result = FAULT_RETRY;
        } else {
            install(f, 0,
                    pte_make_huge(page_to_pfn(pg), f->v->flags & VM_PROT & ~VM_WRITE));
            rss_add(&f->mm->rss_file);
            o->shown++;
            mm_count(fault_object);
        }
        spin_unlock(&f->s.table->lock);
    }
    spin_unlock(&o->lock);
    page_put(pg);
    return result;
}

static enum fault_result fault_private(struct fault *f)
{
    pte_t old = pte_load(f->s.entry);
    struct page *fresh;

    if (!old && f->v->object)
        return fault_private_new(f);
    if (!old) {
        enum fault_result result;

        fresh = anon_page(NULL);
        result = fresh ? commit_anon(f, 0, fresh) : FAULT_BUS;
        if (result == FAULT_OK)
            mm_count(fault_anon_new);
        return result;
    }
    if (pte_parked(old)) { /* readable first, writing is decided as usual */
        (void)change_rights(f, old, f->v->flags & VM_PROT & ~VM_WRITE);
        return FAULT_RETRY;
    }
    if ((f->access & FAULT_WRITE) && !pte_writable(old))
        return fault_private_write(f, old);
    mm_count(fault_spurious);
    flush_one(f);
    return FAULT_OK;
}

enum fault_result huge_fault(struct mm *mm, struct vma *v, vaddr_t va, u32 access)
{
    REQUIRES(&mm->lock);
    struct fault f = {.mm = mm, .v = v, .va = va & ~(HUGE_SIZE - 1), .access = access};
    enum fault_result result;

    if (!pt_table_make(mm, va, 1))
        return FAULT_OOM;
    f.s = huge_slot(mm, va);
    do {
        result = vma_kind(v) == VMA_SHARED ? fault_shared(&f) : fault_private(&f);
    } while (result == FAULT_RETRY);
    return result;
}

enum fault_result huge_populate(struct mm *mm, struct vma *v, vaddr_t start, vaddr_t end)
{
    REQUIRES(&mm->lock);
    u32 access =
        vma_kind(v) != VMA_SHARED && (v->flags & VM_WRITE) ? FAULT_WRITE : FAULT_READ;

    for (vaddr_t va = start; va < end; va = (va | (HUGE_SIZE - 1)) + 1) {
        struct huge_slot s = huge_slot(mm, va);
        pte_t pte = s.table ? pte_load(s.entry) : 0;
        enum fault_result result;

        if (pte_present(pte) && (pte_writable(pte) || !(access & FAULT_WRITE)))
            continue;
        result = huge_fault(mm, v, va, access);
        if (result != FAULT_OK)
            return result;
    }
    return FAULT_OK;
}

/* ---- rearranging ---- */

static void unreserve(struct mm *mm, struct vma *v, vaddr_t start, vaddr_t end)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    struct vma *prev = vma_prev(v), *next = vma_next(v);
    struct huge_slot s;

    huge_for_each(mm, start, end, va, s) away_trim(s.table);
    pt_trim_locked(mm, start, end, prev ? prev->end : 0,
                   next ? next->start : USER_END + PAGE_SIZE, &v->object->lock);
}

/* Makes the entry at va show file page pgoff. Whether a fault is needed for it. */
static bool set_entry(struct vma *v, vaddr_t va, pgoff_t pgoff, bool install_now,
                      struct tlb_batch *b)
{
    REQUIRES(&v->object->lock);
    struct vm_object *o = v->object;
    struct huge_slot s = huge_slot(v->mm, va);
    u32 value = pgoff == vma_home(v, va) ? 0 : object_number(pgoff) + 1;
    struct page *pg = NULL;
    pte_t old, pte = 0;

    if (!s.table)
        return true;
    spin_lock(&s.table->lock);
    old = pte_load(s.entry);
    if (s.table->away && s.table->away[s.i] != value)
        away_set(s.table, s.i, value);
    else if (old) /* shows it already */
        pte = old;
    if (!pte && install_now && pgoff < object_npages(o))
        pg = index_get(&o->pages, object_number(pgoff));
    if (pg && (!value || backlink_add(pg, s.entry) == 0))
        pte = pte_make_huge(page_to_pfn(pg), v->flags & VM_PROT);
    if (pte != old) {
        pte_store(s.entry, pte);
        if (old)
            tlb_change(b, va);
        if (!old != !pte) {
            u64 more = pte ? HUGE_PAGES : -HUGE_PAGES;

            s.table->present = (u16)(s.table->present + (pte ? 1 : -1));
            __atomic_fetch_add(&v->mm->rss_shmem, more, __ATOMIC_RELAXED);
        }
    }
    spin_unlock(&s.table->lock);
    return !pte;
}

int huge_remap(struct mm *mm, struct vma *v, vaddr_t addr, u64 size, pgoff_t pgoff,
               bool install_now)
{
    REQUIRES_EXCLUSIVE(&mm->lock);
    vaddr_t end = addr + size;
    bool missing = false, home = pgoff == vma_home(v, addr);
    struct huge_slot s;
    struct tlb_batch b;

    if ((addr | size | pgoff << PAGE_SHIFT) % HUGE_SIZE)
        return -EINVAL;
    for (vaddr_t va = addr; va < end && !home; va = (va | (pt_span(2) - 1)) + 1) {
        struct page *table = pt_table_make(mm, va, 1);

        if (!table || away_reserve(table) != 0) {
            unreserve(mm, v, addr, end);
            return -ENOMEM;
        }
    }
    tlb_begin(&b, mm);
    spin_lock(&v->object->lock);
    for (vaddr_t va = addr; va < end; va += HUGE_SIZE)
        missing |= set_entry(v, va, pgoff + ((va - addr) >> PAGE_SHIFT), install_now, &b);
    v->object->shown++;
    tlb_end(&b); /* before the lock goes: a page that leaves must not be visible */
    spin_unlock(&v->object->lock);
    huge_for_each(mm, addr, end, va, s) away_trim(s.table);
    if (install_now && missing)
        (void)huge_populate(mm, v, addr, end);
    return 0;
}
